//! The suite.

use std::cell::RefCell;
use std::sync::Arc;

use stoa_storage::external::ExternalOptions;
use stoa_storage::{DiskStorage, ExternalStorage, Storage, conformance};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::server::{Manner, Server};
use crate::setup::{Lab, pool};

async fn run(manner: Manner) {
    // Servers and pools stay until the end.
    let labs = RefCell::new(Vec::new());
    conformance::run(async || {
        let lab = Lab::new(manner.clone()).await;
        let storage = lab.storage.clone();
        labs.borrow_mut().push(lab);
        Arc::new(storage) as Arc<dyn Storage>
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn it_conforms_over_athens_own_server() {
    run(Manner::default()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn it_conforms_over_a_server_that_decodes_nothing() {
    let manner = Manner {
        decodes: false,
        ranges: true,
        validators: true,
        ..Manner::default()
    };
    run(manner).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn it_conforms_with_a_directory_and_saves_what_it_removes_there() {
    let (directory, servers) = (tempfile::tempdir().unwrap(), RefCell::new(Vec::new()));
    let tasks = TaskTracker::new();
    conformance::run(async || {
        let server = Server::start(Manner::default()).await;
        let root = directory.path().join(servers.borrow().len().to_string());
        let local = Arc::new(DiskStorage::open(root).unwrap());
        let options = ExternalOptions::new(server.url.parse().unwrap()).unwrap();
        servers.borrow_mut().push(server);
        let stop = CancellationToken::new();
        let storage = ExternalStorage::new(local, pool(), &options, tasks.clone(), stop).unwrap();
        Arc::new(storage) as Arc<dyn Storage>
    })
    .await;
    tasks.close();
    tasks.wait().await;
    let servers = servers.take();
    let saved: usize = servers.iter().map(|server| server.state.asked("POST ")).sum();
    assert!(saved >= 5, "whole versions were saved: {saved}");
    let kept: usize = servers
        .iter()
        .map(|server| server.state.versions.lock().unwrap().len())
        .sum();
    assert!(kept >= 3, "and are there: {kept}");
}

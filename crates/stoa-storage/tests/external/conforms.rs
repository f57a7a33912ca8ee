//! The suite.

use std::cell::RefCell;
use std::sync::Arc;

use stoa_storage::{Storage, conformance};

use crate::server::Manner;
use crate::setup::Lab;

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

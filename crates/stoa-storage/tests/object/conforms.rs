//! Every service passes the suite.

use std::sync::Arc;
use std::time::Instant;

use stoa_storage::{Storage, conformance};

use crate::services::{self, Bucket};

async fn conforms<S>(name: &str, bucket: Bucket<S>) {
    let began = Instant::now();
    conformance::run(async || bucket.storage() as Arc<dyn Storage>).await;
    let storage = bucket.storage();
    storage.probe().await.unwrap();
    assert!(!storage.ignores_conditions(), "{name} heeds conditions");
    println!(
        "{name}: the suite passed in {:.1} s",
        began.elapsed().as_secs_f64()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn moto_conforms() {
    conforms("moto", services::moto()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn ceph_conforms() {
    conforms("ceph", services::radosgw()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn azurite_conforms() {
    conforms("azurite", services::azurite()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn google_conforms() {
    conforms("gcs before moto", services::gcs()).await;
}

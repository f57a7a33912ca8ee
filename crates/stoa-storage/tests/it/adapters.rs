//! Every adapter passes the suite.

use std::sync::Arc;

use stoa_storage::{DiskStorage, MemoryStorage, Storage, conformance};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn disk_conforms() {
    let directory = tempfile::tempdir().unwrap();
    let count = std::cell::Cell::new(0);
    conformance::run(async || {
        count.set(count.get() + 1);
        let root = directory.path().join(count.get().to_string());
        Arc::new(DiskStorage::open(root).unwrap()) as Arc<dyn Storage>
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn memory_conforms() {
    conformance::run(async || Arc::new(MemoryStorage::new(64 << 20)) as Arc<dyn Storage>).await;
}

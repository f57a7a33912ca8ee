//! The suite.

use std::sync::Arc;

use stoa_storage::{MongoStorage, Storage, conformance};

use crate::fake::Fake;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn it_conforms() {
    let fake = Fake::start();
    conformance::run(async || {
        let storage = MongoStorage::connect(&fake.options()).await.unwrap();
        Arc::new(storage) as Arc<dyn Storage>
    })
    .await;
}

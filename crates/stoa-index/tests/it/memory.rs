//! The suite, against the index in memory.

use std::sync::Arc;

use async_trait::async_trait;
use stoa_index::{
    Index, IndexError, MemoryIndex,
    conformance::{self, Adapter, Storage},
};

use crate::zip;

struct Memory;

#[async_trait]
impl Adapter for Memory {
    async fn storage(&self) -> Box<dyn Storage> {
        Box::new(InMemory(MemoryIndex::new(10_000)))
    }
}

struct InMemory(MemoryIndex);

#[async_trait]
impl Storage for InMemory {
    async fn open(&self) -> Arc<dyn Index> {
        Arc::new(self.0.clone())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn memory_conforms() {
    for seed in [1, crate::seed()] {
        conformance::run(&Memory, seed).await;
    }
}

#[tokio::test]
async fn it_is_bounded_and_can_be_closed() {
    let index = MemoryIndex::new(1);
    index.record(&[zip("example.com/a", "v1.0.0")]).await.unwrap();
    let full = index.record(&[zip("example.com/a", "v1.1.0")]).await;
    assert!(matches!(full, Err(IndexError::Full(_))), "{full:?}");
    assert_eq!(index.totals().await.unwrap().versions, 1);
    index.close().await;
    assert!(matches!(index.totals().await, Err(IndexError::Closed)));
}

//! The suite that every index passes: each clause of the contract of [`Index`](crate::Index) as a check.
//!
//! Adapters run it in their tests. It wants at least two worker threads. What is random follows from the seed, which is printed.
//!
//! ```
//! use std::sync::Arc;
//!
//! use async_trait::async_trait;
//! use stoa_index::{Index, MemoryIndex, conformance::{self, Adapter, Storage}};
//!
//! struct Memory;
//!
//! #[async_trait]
//! impl Adapter for Memory {
//!     async fn storage(&self) -> Box<dyn Storage> {
//!         Box::new(InMemory(MemoryIndex::new(10_000)))
//!     }
//! }
//!
//! struct InMemory(MemoryIndex);
//!
//! #[async_trait]
//! impl Storage for InMemory {
//!     async fn open(&self) -> Arc<dyn Index> {
//!         Arc::new(self.0.clone())
//!     }
//! }
//!
//! # tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap().block_on(async {
//! conformance::run(&Memory, 7).await;
//! # });
//! ```

mod adapter;
mod events;
mod examples;
mod model;
mod pages;
mod races;
mod rebuilds;

pub use adapter::{Adapter, Storage};

/// Runs every check, each on a storage of its own.
///
/// # Panics
///
/// At the first broken clause.
pub async fn run(adapter: &dyn Adapter, seed: u64) {
    events::run(adapter).await;
    pages::run(adapter).await;
    rebuilds::run(adapter).await;
    model::run(adapter, seed).await;
    races::run(adapter, seed).await;
}

//! The suite that every store passes: each clause of the contract of [`Store`](crate::Store) as a check.
//!
//! Adapters run it in their tests. It wants at least two worker threads.
//!
//! ```
//! use std::{sync::Arc, time::Duration};
//!
//! use async_trait::async_trait;
//! use stoa_jobs::{
//!     JobId, ManualClock, MemoryStore, Rules, SeededRandom, Store, Timestamp,
//!     conformance::{self, Adapter, Storage},
//! };
//!
//! struct Memory;
//!
//! #[async_trait]
//! impl Adapter for Memory {
//!     async fn storage(&self, rules: Rules) -> Box<dyn Storage> {
//!         let clock = Arc::new(ManualClock::starting_at(Timestamp::from_millis(1_000_000)));
//!         let store = MemoryStore::new(rules, clock.clone(), Arc::new(SeededRandom::new(7)));
//!         Box::new(InMemory { clock, store })
//!     }
//! }
//!
//! struct InMemory {
//!     clock: Arc<ManualClock>,
//!     store: MemoryStore,
//! }
//!
//! #[async_trait]
//! impl Storage for InMemory {
//!     async fn open(&self) -> Arc<dyn Store> {
//!         Arc::new(self.store.another())
//!     }
//!
//!     async fn pass(&self, time: Duration) {
//!         self.clock.advance(time);
//!     }
//!
//!     async fn plant(&self, _id: &JobId, _field: &str, _value: &str) -> bool {
//!         false
//!     }
//! }
//!
//! # tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap().block_on(async {
//! conformance::run(&Memory).await;
//! # });
//! ```

mod actions;
mod adapter;
mod examples;
mod families;
mod leases;
mod limits;
mod listings;
mod races;
mod shares;
mod signals;
mod submissions;
mod times;

pub use adapter::{Adapter, Storage};

/// Runs every check, each on a storage of its own.
///
/// # Panics
///
/// At the first broken clause.
pub async fn run(adapter: &dyn Adapter) {
    submissions::run(adapter).await;
    limits::run(adapter).await;
    shares::run(adapter).await;
    leases::run(adapter).await;
    actions::run(adapter).await;
    families::run(adapter).await;
    times::run(adapter).await;
    listings::run(adapter).await;
    signals::run(adapter).await;
    races::run(adapter).await;
}

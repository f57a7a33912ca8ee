//! The suite that every registry passes: each clause of the contract of [`Registry`](crate::Registry) as a check.
//!
//! ```
//! use std::{sync::Arc, time::Duration};
//!
//! use async_trait::async_trait;
//! use stoa_registry::{
//!     MemoryRegistry, Registry, ServiceName,
//!     conformance::{self, Adapter, Place},
//! };
//!
//! struct Memory;
//!
//! #[async_trait]
//! impl Adapter for Memory {
//!     async fn place(&self) -> Box<dyn Place> {
//!         Box::new(InMemory(MemoryRegistry::new()))
//!     }
//! }
//!
//! struct InMemory(MemoryRegistry);
//!
//! #[async_trait]
//! impl Place for InMemory {
//!     async fn open(&self) -> Arc<dyn Registry> {
//!         Arc::new(self.0.clone())
//!     }
//!
//!     async fn pass(&self, time: Duration) {
//!         tokio::time::sleep(time).await;
//!     }
//!
//!     async fn wipe(&self) {
//!         self.0.wipe();
//!     }
//!
//!     async fn forget(&self) -> bool {
//!         self.0.forget();
//!         true
//!     }
//!
//!     async fn plant(&self, _service: &ServiceName, _text: &str) -> bool {
//!         false
//!     }
//! }
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap().block_on(async {
//! conformance::run(&Memory).await;
//! # });
//! ```

#![allow(
    clippy::unwrap_used,
    reason = "a call that fails is a broken clause, and a panic is how the suite tells it"
)]

mod adapter;
mod announcing;
mod examples;
mod expiry;
mod races;
mod watching;

pub use adapter::{Adapter, Place};

/// Runs every check, each on a place of its own. For registries whose nodes announce themselves.
///
/// # Panics
///
/// At the first broken clause.
pub async fn run(adapter: &dyn Adapter) {
    announcing::run(adapter).await;
    expiry::run(adapter).await;
    watching::run(adapter).await;
    races::run(adapter).await;
}

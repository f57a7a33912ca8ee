//! The suite every storage passes: each clause of the contracts of [`Storage`],
//! [`Records`](crate::Records) and [`Artifacts`](crate::Artifacts) as a check.
//!
//! Adapters and decorators run it in their tests:
//!
//! ```
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! use std::sync::Arc;
//! use stoa_storage::{MemoryStorage, Storage, conformance};
//!
//! conformance::run(async || Arc::new(MemoryStorage::new(64 << 20)) as Arc<dyn Storage>).await;
//! # });
//! ```

mod artifacts;
mod examples;
mod files;
mod listings;
mod quarantine;
mod races;
mod records;
mod stages;

use std::sync::Arc;

use crate::storage::Storage;

/// Runs every check, each on a storage of its own from `make`, which must be empty and have room for 64 MiB.
///
/// # Panics
///
/// At the first broken clause.
pub async fn run(make: impl AsyncFn() -> Arc<dyn Storage>) {
    files::run(&make).await;
    stages::run(&make).await;
    races::run(&make).await;
    listings::run(&make).await;
    quarantine::run(&make).await;
    records::run(&make).await;
    artifacts::run(&make).await;
}

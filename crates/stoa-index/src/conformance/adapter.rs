//! What the suite wants of an index that it checks.

use std::sync::Arc;

use async_trait::async_trait;

use crate::Index;

/// A kind of index that the suite checks.
#[async_trait]
pub trait Adapter: Sync {
    /// An empty storage.
    async fn storage(&self) -> Box<dyn Storage>;
}

/// What indexes of several nodes have in common: one file, or one database.
#[async_trait]
pub trait Storage: Send + Sync {
    /// A further handle to it, as another node has one. The suite closes none.
    async fn open(&self) -> Arc<dyn Index>;
}

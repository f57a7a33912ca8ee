//! What the suite wants of a store that it checks.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;

use crate::{JobId, Rules, Store};

/// A kind of store that the suite checks.
#[async_trait]
pub trait Adapter: Sync {
    /// An empty storage whose stores follow `rules`.
    async fn storage(&self, rules: Rules) -> Box<dyn Storage>;
}

/// What stores of several nodes have in common: one file, or one server.
#[async_trait]
pub trait Storage: Send + Sync {
    /// A further handle to it, as another node has one.
    async fn open(&self) -> Arc<dyn Store>;

    /// Lets so much time pass, by the clock of the storage: it moves a clock of the test, or waits. The suite asks for at most
    /// a few seconds at a time; what it does in between takes less than a second, or the clock stands still.
    async fn pass(&self, time: Duration);

    /// Writes a field into the stored job that this version of the library does not know, as a later one would have. Returns
    /// false if the test cannot reach into its storage.
    async fn plant(&self, id: &JobId, field: &str, value: &str) -> bool;
}

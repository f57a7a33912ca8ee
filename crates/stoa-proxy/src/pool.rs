//! Bounds how many transfers run at once.

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use stoa_dispatch::Permits;
use stoa_fetch::{FetchError, Fetched, Fetcher, Question};
use tokio::time::timeout;

/// How long an answer may wait for a slot before it is given up.
const PATIENCE: Duration = Duration::from_secs(60);

/// Lets `size` transfers run; others wait for a slot, interactive ones first, for a bounded time. No share has all slots.
///
/// A slot is taken when the head of an answer is there, and kept until it has been read; that of a zip until it is
/// stored.
/// Waiting for a host takes none: a host that hangs would take them all, and every other host would wait with it (ADR
/// 0007). How much may wait for one host is the dispatcher's to bound.
#[derive(Debug)]
pub struct Pool {
    inner: Arc<dyn Fetcher>,
    size: usize,
    slots: Permits,
}

impl Pool {
    /// A pool of `size` slots.
    pub fn new(inner: Arc<dyn Fetcher>, size: usize) -> Self {
        Self {
            inner,
            size,
            slots: Permits::new(size),
        }
    }
}

impl fmt::Display for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "pool({}) > {}", self.size, self.inner)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Fetcher for Pool {
    async fn fetch(&self, question: &Question) -> Result<Fetched, FetchError> {
        let mut fetched = self.inner.fetch(question).await?;
        let context = &question.context;
        let slot = timeout(PATIENCE, self.slots.acquire_for(&context.share, &context.urgency)).await;
        let Ok(slot) = slot else {
            let busy = format!(
                "all {} transfers (pool.fetches) have been busy for {PATIENCE:?}",
                self.size
            );
            return Err(FetchError::Overloaded {
                source_name: fetched.source_name,
                reason: busy,
                retry_after: Some(PATIENCE / 2),
            });
        };
        fetched.slot = Some(slot);
        Ok(fetched)
    }
}

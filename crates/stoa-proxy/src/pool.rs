//! Bounds how many fetches run at once.

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use stoa_fetch::Resource;
use tokio::{sync::Semaphore, time::timeout};

use crate::{ProxyError, Stashed, Stasher};

/// How long a fetch may wait for a slot before its callers are told to come back.
const PATIENCE: Duration = Duration::from_secs(60);

/// Lets `size` fetches run; others wait their turn, in order, for a bounded time.
///
/// The slot is held until the answer is whole, for a [`Growing`](crate::Growing) answer until its writer ends. Sits
/// inside of [`SingleFlight`](crate::SingleFlight), so a waiting flight stands for all who joined it.
#[derive(Debug)]
pub struct Pool {
    inner: Arc<dyn Stasher>,
    size: usize,
    slots: Arc<Semaphore>,
}

impl Pool {
    /// A pool of `size` slots.
    pub fn new(inner: Arc<dyn Stasher>, size: usize) -> Self {
        Self {
            inner,
            size,
            slots: Arc::new(Semaphore::new(size)),
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
impl Stasher for Pool {
    async fn stash(&self, resource: &Resource) -> Result<Stashed, ProxyError> {
        let slot = match timeout(PATIENCE, Arc::clone(&self.slots).acquire_owned()).await {
            Ok(Ok(slot)) => slot,
            Ok(Err(_closed)) => return Err(ProxyError::internal("the pool is closed")),
            Err(_) => {
                let reason = format!(
                    "all {} fetches (pool.fetches) have been busy for {PATIENCE:?}",
                    self.size
                );
                return Err(ProxyError::overloaded(reason, PATIENCE / 2));
            }
        };
        let stashed = self.inner.stash(resource).await?;
        stashed.guard(slot);
        Ok(stashed)
    }
}

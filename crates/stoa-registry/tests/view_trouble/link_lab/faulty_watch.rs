//! A watch behind a link that fails.

use std::sync::{Arc, atomic::Ordering::SeqCst};

use async_trait::async_trait;
use tokio::sync::watch;

use super::{
    calls::{Counted, count},
    link::{Link, State, Way},
};
use stoa_registry::{Change, RegistryError, Watch};

/// A watch behind a link that fails.
#[derive(Debug)]
pub(crate) struct FaultyWatch {
    inner: Box<dyn Watch>,
    registry: String,
    /// Keeps the sender.
    _link: Link,
    state: watch::Receiver<State>,
    drops: u64,
    counted: Arc<Counted>,
}

impl FaultyWatch {
    pub(crate) fn new(inner: Box<dyn Watch>, registry: String, link: Link, counted: Arc<Counted>) -> Self {
        count(&counted.open_watches);
        let state = link.state();
        let drops = state.borrow().drops;
        Self {
            inner,
            registry,
            _link: link,
            state,
            drops,
            counted,
        }
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Watch for FaultyWatch {
    async fn next(&mut self) -> Result<Change, RegistryError> {
        loop {
            let State { way, drops } = *self.state.borrow_and_update();
            if drops != self.drops {
                return Err(RegistryError::away(&self.registry, "the watch was cut off"));
            }
            if way == Way::Hung {
                // The sender is in the link.
                let _ = self.state.changed().await;
                continue;
            }
            tokio::select! {
                biased;
                _ = self.state.changed() => {}
                change = self.inner.next() => return change,
            }
        }
    }
}

impl Drop for FaultyWatch {
    fn drop(&mut self) {
        self.counted.open_watches.fetch_sub(1, SeqCst);
    }
}

//! Something that happens once.

use std::sync::atomic::{AtomicBool, Ordering};

use tokio_util::sync::CancellationToken;

/// A signal that is given once. Every request asks whether it has been given, and a token alone would answer under a lock.
#[derive(Debug, Default)]
pub(crate) struct Signal {
    given: AtomicBool,
    token: CancellationToken,
}

impl Signal {
    pub(crate) fn give(&self) {
        self.given.store(true, Ordering::SeqCst);
        self.token.cancel();
    }

    pub(crate) fn is_given(&self) -> bool {
        self.given.load(Ordering::SeqCst)
    }

    /// For tasks that wait for it.
    pub(crate) fn token(&self) -> &CancellationToken {
        &self.token
    }
}

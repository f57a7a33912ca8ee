//! What another node has stored.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use stoa_fetch::{Fetcher, Limits, Question};

use super::{
    local_source::LocalSource,
    peer::Peers,
    peer_metrics::{PeerMetrics, Role},
    peer_sources::{Asked, PeerSources},
};
use crate::{Cause, OwnerKey, ProxyError, Refreshes, Stashed, Stasher, file_key};

/// Asks other nodes for what they have stored, before a source is asked: when a node comes or goes, keys change their
/// owners, and what was fetched once need not be fetched again.
///
/// The others only look into their storage, so that this is no second hop. What comes from them is checked and stored like
/// what comes from a source. Whatever goes wrong, the source is asked.
#[derive(Debug)]
pub struct StoredElsewhere {
    inner: Arc<dyn Stasher>,
    asking: Arc<dyn Stasher>,
    peers: Arc<dyn Peers>,
    metrics: PeerMetrics,
}

impl StoredElsewhere {
    /// Asks the nodes that `peers` name before `inner`. `leaf` makes the stasher that brings in what a source has; the source
    /// is these nodes then.
    pub fn new(
        inner: Arc<dyn Stasher>,
        peers: Arc<dyn Peers>,
        limits: Limits,
        metrics: PeerMetrics,
        refreshes: Arc<Refreshes>,
        leaf: impl FnOnce(Arc<dyn Fetcher>) -> Arc<dyn Stasher>,
    ) -> Self {
        let sources = PeerSources {
            peers: Arc::clone(&peers),
            asked: Asked::Holders,
            local: LocalSource::new(Arc::clone(&inner), limits),
            metrics: metrics.clone(),
            refreshes,
        };
        Self {
            inner,
            asking: leaf(Arc::new(sources)),
            peers,
            metrics,
        }
    }
}

impl fmt::Display for StoredElsewhere {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "stored_elsewhere({}) > {}", self.peers, self.inner)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Stasher for StoredElsewhere {
    async fn stash(&self, question: &Question) -> Result<Stashed, ProxyError> {
        let is_file = file_key(&question.resource).is_some();
        if !is_file || self.peers.holders(&OwnerKey::of(&question.resource)).is_empty() {
            return self.inner.stash(question).await;
        }
        match self.asking.stash(question).await {
            Ok(stashed) => {
                self.metrics.fetch(Role::Stored);
                Ok(stashed)
            }
            // What the source sends would not be kept either.
            Err(error) if matches!(error.cause(), Cause::Storage(_)) => Err(error),
            Err(error) => {
                tracing::debug!(%question, %error, "no other node has it stored");
                self.inner.stash(question).await
            }
        }
    }
}

//! Which node of a cluster brings something in.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use stoa_fetch::{Context, Fetcher, Limits, Question};

use super::{
    local_source::LocalSource,
    peer::Peers,
    peer_metrics::{PeerMetrics, Role},
    peer_sources::{Asked, PeerSources},
};
use crate::{Cause, OwnerKey, ProxyError, Refreshes, Stashed, Stasher};

/// Passes a question on to the node that owns its resource, so that a cluster fetches it once.
///
/// A question is passed on once: one that came from another node is answered here, whoever owns it by now, and so no
/// question goes in circles. An owner that fails is not needed: the next one is asked, and at last this node asks the source
/// itself. Only what an owner is sure of stands: that there is no such thing, that a rule forbids it, or that what
/// the source sends is no good.
///
/// What the owner sends is checked and stored here as if it came from a source, while it arrives. When the owner breaks off in
/// the middle, the transfer goes on with the next owner, or with what this node fetches itself, at the same byte.
///
/// Sits inside of the single flight, so that callers of this node share one question to the owner, and outside of a second
/// one: those who fetch here because their owner failed, and the nodes that take this one for the owner, share one fetch.
/// Dropping the future gives the question to the owner up.
#[derive(Debug)]
pub struct OwnerRoute {
    local: Arc<dyn Stasher>,
    asking: Arc<dyn Stasher>,
    peers: Arc<dyn Peers>,
    metrics: PeerMetrics,
}

impl OwnerRoute {
    /// Asks the owners that `peers` name before `local`. `leaf` makes the stasher that brings in what a source has; the source
    /// is the owners then.
    pub fn new(
        local: Arc<dyn Stasher>,
        peers: Arc<dyn Peers>,
        limits: Limits,
        metrics: PeerMetrics,
        refreshes: Arc<Refreshes>,
        leaf: impl FnOnce(Arc<dyn Fetcher>) -> Arc<dyn Stasher>,
    ) -> Self {
        let sources = PeerSources {
            peers: Arc::clone(&peers),
            asked: Asked::Owners,
            local: LocalSource::new(Arc::clone(&local), limits),
            metrics: metrics.clone(),
            refreshes,
        };
        Self {
            local,
            asking: leaf(Arc::new(sources)),
            peers,
            metrics,
        }
    }
}

impl fmt::Display for OwnerRoute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "owner_route({}) > {}", self.peers, self.local)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Stasher for OwnerRoute {
    async fn stash(&self, question: &Question) -> Result<Stashed, ProxyError> {
        let hops = question.context.hops.next();
        let owners = || self.peers.owners(&OwnerKey::of(&question.resource));
        let Some(hops) = hops.filter(|_| !owners().is_empty()) else {
            self.metrics.fetch(Role::Owner);
            return self.local.stash(question).await;
        };
        let context = Context {
            hops,
            ..question.context.clone()
        };
        let passed_on = Question::new(question.resource.clone(), context);
        match self.asking.stash(&passed_on).await {
            Err(error) if !is_answer(&error) => {
                tracing::info!(%question, %error, "no owner brings it in; this node asks the source");
                self.metrics.fetch(Role::Fallback);
                self.local.stash(question).await
            }
            answer => {
                self.metrics.fetch(Role::Other);
                answer
            }
        }
    }
}

/// Whether an owner is sure, so that asking the source would tell nothing else; or the storage of this node fails, which would not
/// keep what the source sends either. What this node itself found wrong with the bytes of an owner is no answer: the source may
/// have better ones.
fn is_answer(error: &ProxyError) -> bool {
    match error.cause() {
        Cause::Fetch(error) => super::peer::is_answer(error),
        Cause::Storage(_) => true,
        _ => false,
    }
}

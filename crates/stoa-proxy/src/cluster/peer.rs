//! The ports to other nodes.

use std::{
    fmt,
    sync::{Arc, OnceLock},
    time::Duration,
};

use async_trait::async_trait;
use stoa_fetch::{Context, FetchError, Fetched, Question, SourceName};
use stoa_module::Resource;
use tokio::time::Instant;

use super::{about::About, contact::Reach, knock_answer::KnockAnswer};
use crate::OwnerKey;

/// How the names of nodes begin, where they are sources.
const NODE: &str = "node ";

/// Another node, as this one asks it.
///
/// # Contract
/// * [`FetchError::NotFound`], [`FetchError::Refused`] and [`FetchError::Condemned`] are what the other node is sure of, and nothing
///   else is. They come in place of a body, and at any place in it.
/// * A node that is silent is given up within a bounded time, at the head of an answer and at any place in its body.
/// * [`Fetched::start`] is [`PeerQuestion::from`]: an answer goes on where it is asked to.
#[async_trait]
pub trait Peer: fmt::Display + fmt::Debug + Send + Sync + 'static {
    /// Its name, for messages.
    fn source_name(&self) -> SourceName;

    /// Whether it is worth asking: one that failed a moment ago is left out for a while.
    fn is_up(&self) -> bool;

    /// Whether it is reached. Only what it has said itself makes it so, and not that time has passed.
    fn reach(&self) -> Reach;

    /// How long ago it was heard last; `None` if it never was.
    fn heard_ago(&self) -> Option<Duration>;

    /// Whether it has said that it wants to own nothing, before the registry could tell it.
    fn is_draining(&self) -> bool;

    /// Asks it whether it is there.
    async fn knock(&self) -> Result<KnockAnswer, FetchError>;

    /// Asks it.
    async fn ask(&self, question: &PeerQuestion) -> Result<Fetched, FetchError>;

    /// Tells it something, and waits until it has heard it.
    async fn tell(&self, about: About) -> Result<(), FetchError>;

    /// Asks it for a file of the checksum database `database`, of `limit` bytes at most.
    async fn ask_database(&self, database: &str, path: &str, limit: u64) -> Result<bytes::Bytes, FetchError>;
}

/// What another node is asked.
#[derive(Clone, Debug)]
pub struct PeerQuestion {
    /// What is asked.
    pub resource: Resource,
    /// For whom. It has made its hop.
    pub context: Context,
    /// How many bytes of the answer are here already.
    pub from: u64,
    /// Only what is stored there is wanted: the other node is to ask nobody.
    pub stored_only: bool,
    /// When there was something new of the module, as far as it is known here. What the other node learned before that is no answer.
    pub renewed: Option<Instant>,
}

/// The other nodes of a cluster, as the pipelines ask them.
pub trait Peers: fmt::Display + fmt::Debug + Send + Sync + 'static {
    /// Who is asked for `key` before this node brings it in itself, in this order: those who come before this node among its owners.
    /// None if this node is the owner, or by itself.
    fn owners(&self, key: &OwnerKey) -> Vec<Arc<dyn Peer>>;

    /// Who may have `key` stored, the likeliest first. None if nodes have one storage.
    fn holders(&self, key: &OwnerKey) -> Vec<Arc<dyn Peer>>;
}

/// A place for [`Peers`] that are known after the pipelines are built. Clones are the same place. While it is empty, this node
/// is by itself.
#[derive(Clone, Debug, Default)]
pub struct PeersSlot(Arc<OnceLock<Arc<dyn Peers>>>);

impl PeersSlot {
    /// Puts the peers into their place. The first ones stay.
    pub fn fill(&self, peers: Arc<dyn Peers>) {
        // Whoever fills it twice has the same peers.
        let _ = self.0.set(peers);
    }
}

impl fmt::Display for PeersSlot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.get() {
            None => f.write_str("peers"),
            Some(peers) => peers.fmt(f),
        }
    }
}

#[deny(clippy::missing_trait_methods)]
impl Peers for PeersSlot {
    fn owners(&self, key: &OwnerKey) -> Vec<Arc<dyn Peer>> {
        self.0.get().map_or_else(Vec::new, |peers| peers.owners(key))
    }

    fn holders(&self, key: &OwnerKey) -> Vec<Arc<dyn Peer>> {
        self.0.get().map_or_else(Vec::new, |peers| peers.holders(key))
    }
}

impl PeerQuestion {
    /// `question`, as another node is asked it: in its context, from the first byte on.
    pub fn of(question: &Question) -> Self {
        Self {
            resource: question.resource.clone(),
            context: question.context.clone(),
            from: 0,
            stored_only: false,
            renewed: None,
        }
    }
}

/// Whether another node is sure, so that asking anybody else would tell nothing new.
pub(super) fn is_answer(error: &FetchError) -> bool {
    matches!(
        error,
        FetchError::NotFound(_) | FetchError::Refused { .. } | FetchError::Condemned { .. }
    )
}

/// How a node is called where it is a source. No other source has such a name: those are URLs.
pub(super) fn node_name(id: &str) -> SourceName {
    SourceName::new(format!("{NODE}{id}"))
}

/// Whether this source is another node.
pub(super) fn is_node(source_name: &SourceName) -> bool {
    source_name.as_str().starts_with(NODE)
}

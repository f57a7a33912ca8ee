//! Where this node stands among the others.

use stoa_registry::{NodeState, Snapshot};

use super::node::Me;

/// What is known of this node where nodes are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum OwnPlace {
    /// It is there, at its address.
    Here(NodeState),
    /// Its id is there, at this address, which is another one.
    Elsewhere(String),
    /// It is not there.
    Absent,
}

impl OwnPlace {
    pub(super) fn of(snapshot: &Snapshot, me: &Me) -> Self {
        match snapshot.node(&me.id).map(|seen| &seen.registration) {
            None => Self::Absent,
            Some(there) if there.node.address == me.address => Self::Here(there.state),
            Some(there) => Self::Elsewhere(there.node.address.clone()),
        }
    }

    /// Tells the log of a place that somebody has given this node by mistake.
    pub(super) fn warn(&self, me: &Me, registry: &str) {
        let (id, ours) = (&me.id, &me.address);
        match self {
            Self::Here(_) => {}
            Self::Elsewhere(theirs) => tracing::warn!(
                %id, %theirs, %ours,
                "{registry} has this node at another address, where it is not: correct it there, or peer.advertise here"
            ),
            Self::Absent => tracing::warn!(
                %id,
                "this node is not in {registry}: it goes on by itself, and the others do not know it"
            ),
        }
    }
}

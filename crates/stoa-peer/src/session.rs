//! A session, as its client has it.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::{Exchange, Node, Request, RequestTag, SessionId, mac::MacKey};

/// A session, as its client has it. Any number of tasks sign their requests with it at the same time.
#[derive(Debug)]
pub struct Session {
    id: SessionId,
    peer: Node,
    key: MacKey,
    /// The number of the last request.
    sequence: AtomicU64,
}

impl Session {
    /// A session that had no request.
    pub(crate) fn new(id: SessionId, peer: Node, key: MacKey) -> Self {
        let sequence = AtomicU64::new(0);
        Self {
            id,
            peer,
            key,
            sequence,
        }
    }

    /// What names it.
    pub fn id(&self) -> SessionId {
        self.id
    }

    /// Who answers. It has proved that it has the secret, and that it is this node.
    pub fn peer(&self) -> &Node {
        &self.peer
    }

    /// Signs a request: the tag goes into its headers, and by the exchange its answer is read.
    ///
    /// What is signed can be received once. Whoever sends a request again signs it again, also after an error of which nobody
    /// knows whether the peer has received it.
    pub fn sign(&self, request: &Request<'_>) -> (RequestTag, Exchange) {
        let sequence = self.sequence.fetch_add(1, Ordering::Relaxed) + 1;
        let mac = request.code(&self.key, sequence);
        let tag = RequestTag {
            session: self.id,
            sequence,
            mac,
        };
        (tag, Exchange::new(self.key.clone(), sequence))
    }
}

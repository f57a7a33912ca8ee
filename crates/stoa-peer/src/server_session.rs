//! A session, as its server has it.

use std::fmt;

use parking_lot::Mutex;

use crate::{Node, PeerError, Request, RequestTag, SessionId, mac::MacKey, replay_window::ReplayWindow};

/// A session, as its server has it.
pub(crate) struct ServerSession {
    pub(crate) id: SessionId,
    /// Who has said hello.
    pub(crate) peer: Node,
    pub(crate) key: MacKey,
    window: Mutex<ReplayWindow>,
}

impl ServerSession {
    /// A session that had no request.
    pub(crate) fn new(id: SessionId, peer: Node, key: MacKey) -> Self {
        let window = Mutex::new(ReplayWindow::new());
        Self {
            id,
            peer,
            key,
            window,
        }
    }

    /// Lets a request in that is right, and that was not here before. The code is looked at first, so that nothing but what the
    /// client has signed uses up a number.
    pub(crate) fn admit(&self, tag: &RequestTag, request: &Request<'_>) -> Result<(), PeerError> {
        if !request.code(&self.key, tag.sequence).is(&tag.mac) {
            return Err(PeerError::Refused(
                "a request that is not the one that was signed",
            ));
        }
        self.window.lock().admit(tag.sequence)
    }
}

impl fmt::Debug for ServerSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerSession")
            .field("id", &self.id)
            .field("peer", &self.peer)
            .finish_non_exhaustive()
    }
}

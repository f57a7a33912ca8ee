//! Where a client keeps the session of one peer.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use parking_lot::Mutex;

use crate::{PeerError, Session};

/// Where a client keeps the session of one peer, so that all who talk to it share one session and one hello.
#[derive(Debug, Default)]
pub struct SessionSlot {
    current: Mutex<Option<Arc<Session>>>,
    /// Held by who says hello: why the last one failed.
    hello: tokio::sync::Mutex<Option<PeerError>>,
    /// How many have failed.
    failed: AtomicU64,
}

impl SessionSlot {
    /// The slot of a peer that nobody has talked to.
    pub fn new() -> Self {
        Self::default()
    }

    /// The session, if there is one.
    pub fn current(&self) -> Option<Arc<Session>> {
        self.current.lock().clone()
    }

    /// Takes out a session that the peer does not know any more. If there is another one by now it stays, so that many requests
    /// that were refused at the same time cost one hello.
    pub fn forget(&self, session: &Session) {
        let mut current = self.current.lock();
        if current.as_ref().is_some_and(|kept| kept.id() == session.id()) {
            *current = None;
        }
    }

    /// The session, which is made by a hello if there is none. One hello runs at a time, and those who come meanwhile get what
    /// it comes to, its error too. When its caller goes away it ends, and the next of those who wait says hello.
    ///
    /// There is no deadline here: `hello` has one.
    pub async fn get_or_hello<F, H>(&self, hello: F) -> Result<Arc<Session>, PeerError>
    where
        F: FnOnce() -> H,
        H: Future<Output = Result<Session, PeerError>>,
    {
        if let Some(session) = self.current() {
            return Ok(session);
        }
        let failed = self.failed.load(Ordering::Acquire);
        let mut last = self.hello.lock().await;
        if let Some(session) = self.current() {
            return Ok(session);
        }
        if let Some(error) = &*last
            && self.failed.load(Ordering::Acquire) != failed
        {
            return Err(error.clone());
        }
        match hello().await {
            Ok(session) => {
                let session = Arc::new(session);
                *self.current.lock() = Some(Arc::clone(&session));
                *last = None;
                Ok(session)
            }
            Err(error) => {
                *last = Some(error.clone());
                self.failed.fetch_add(1, Ordering::Release);
                Err(error)
            }
        }
    }
}

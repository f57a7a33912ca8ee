//! What the answers on one connection of HTTP/2 share.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::activity::Activity;

/// How many pieces of one connection may wait for windows that are gone, when there is no room.
const LEFT_OVER: usize = 4;

/// What the answers on one connection share.
#[derive(Clone)]
pub(crate) struct Outlet {
    pub(crate) activity: Arc<Activity>,
    /// How long the client may take nothing.
    pub(crate) within: Duration,
    /// One piece of a file may be on its way when there is no room for more: any of the connection's answers goes on then,
    /// and all of them together need no more memory than one.
    pub(crate) last_place: Arc<Semaphore>,
    /// So many pieces may be left over when a client takes back the windows that they were read for.
    pub(crate) left_over: Arc<Semaphore>,
}

impl Outlet {
    /// For a connection whose client must take something `within` that time.
    pub(crate) fn new(activity: Arc<Activity>, within: Duration) -> Self {
        Self {
            activity,
            within,
            last_place: Arc::new(Semaphore::new(1)),
            left_over: Arc::new(Semaphore::new(LEFT_OVER)),
        }
    }
}

/// A piece that has the last place of its connection until it was written.
struct Placed {
    piece: Bytes,
    _place: OwnedSemaphorePermit,
}

/// A piece with the last place of its connection, which it has until the connection has written it.
pub(crate) fn placed(piece: Bytes, place: OwnedSemaphorePermit) -> Bytes {
    Bytes::from_owner(Placed { piece, _place: place })
}

impl AsRef<[u8]> for Placed {
    fn as_ref(&self) -> &[u8] {
        &self.piece
    }
}

//! What all handles of a repository share.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Weak};
use std::time::Instant;

use parking_lot::Mutex;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::task::JoinSet;

use super::connection::Connection;
use super::objects::Objects;
use super::program::failed;
use super::refs::Refs;
use crate::{Step, VcsError};

/// What all handles of a repository share: what they know of it, and the rights to ask and to write.
#[derive(Debug)]
pub(super) struct RepositoryState {
    /// Its permit is the right to ask the server for refs.
    pub(super) refs_permit: Semaphore,
    pub(super) refs: Mutex<Option<KnownRefs>>,
    /// Its permit is the right to write into the local copy.
    pub(super) write_permit: Arc<Semaphore>,
    /// Whether a fetch may have left something unfinished.
    pub(super) untidy: AtomicBool,
    /// Its permit is the right to start the program that reads objects.
    pub(super) objects_permit: Semaphore,
    pub(super) objects: Mutex<Option<Objects>>,
    pub(super) wire: WireState,
    pub(super) health: Health,
    /// Whether its packs are being put together.
    pub(super) tending: Arc<AtomicBool>,
    /// Owns the tasks behind `objects` and `wire`, and the one that tends the packs.
    pub(super) tasks: Mutex<JoinSet<()>>,
}

impl Default for RepositoryState {
    fn default() -> Self {
        Self {
            refs_permit: Semaphore::new(1),
            refs: Mutex::default(),
            write_permit: Arc::new(Semaphore::new(1)),
            untidy: AtomicBool::new(true),
            objects_permit: Semaphore::new(1),
            objects: Mutex::default(),
            wire: WireState::default(),
            health: Health::default(),
            tending: Arc::default(),
            tasks: Mutex::default(),
        }
    }
}

impl RepositoryState {
    pub(super) async fn permit<'a>(
        &self,
        of: &'a Semaphore,
        step: Step,
    ) -> Result<SemaphorePermit<'a>, VcsError> {
        of.acquire()
            .await
            .map_err(|error| failed(step, error.to_string()))
    }
}

/// The last answer of the server about its refs. They themselves are kept by the memory that all repositories share.
#[derive(Clone, Debug)]
pub(super) struct KnownRefs {
    /// When the answer came.
    pub(super) at: Instant,
    pub(super) refs: Result<Weak<Refs>, VcsError>,
}

/// What is known of the health of a local copy.
#[derive(Debug, Default)]
pub(super) struct Health {
    /// Whether reading the copy failed. No server takes part in that, so the copy must be examined.
    pub(super) suspect: AtomicBool,
    /// When the copy was last found sound: its commits, and every byte of its packs.
    pub(super) sound: Mutex<[Option<Instant>; 2]>,
}

/// The connection to a server over HTTP.
#[derive(Debug, Default)]
pub(super) struct WireState {
    /// A connection that is not in use.
    pub(super) idle: Arc<Mutex<Option<Connection>>>,
    /// Whether the server turned out not to speak version 2 of the protocol.
    pub(super) old: Mutex<bool>,
}

//! What servers said of their refs a moment ago.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use stoa_cache::{Cache, CacheOptions, Offload, Weigh as _};
use tokio::sync::{Semaphore, SemaphorePermit};

use super::refs::Refs;

/// How many long listings are read at once: what is being read is in no cache yet.
const LONG_AT_ONCE: usize = 4;

/// What all repositories of a process keep of their refs, within one bound of bytes, and how many refs one may have.
///
/// Refs are kept for as long as they are believed, [`GitOptions::freshness`](super::GitOptions::freshness), or until those
/// of others need their room.
pub struct RefsMemory {
    most: usize,
    kept: Cache<String, Arc<Refs>>,
    long: Semaphore,
    offload: Offload,
}

impl RefsMemory {
    /// Room for `capacity` bytes; one repository may have `most` refs.
    pub fn new(capacity: u64, most: usize) -> Self {
        // One part, so that the refs of one repository may take nearly all of it.
        let options = CacheOptions::new(capacity).largest(capacity);
        Self {
            most,
            kept: Cache::weighed_by(options, |key, refs| {
                key.heap_size() + size_of::<Refs>() + refs.heap_size()
            }),
            long: Semaphore::new(LONG_AT_ONCE),
            offload: Offload::default(),
        }
    }

    /// How many refs a repository may have.
    pub fn most(&self) -> usize {
        self.most
    }

    /// How many bytes the refs take.
    pub fn bytes(&self) -> u64 {
        self.kept.weight()
    }

    /// Where what takes long is done.
    pub(super) fn offload(&self) -> &Offload {
        &self.offload
    }

    /// The right to read a long listing, in its turn.
    pub(super) async fn long(&self) -> Option<SemaphorePermit<'_>> {
        // It is never closed.
        self.long.acquire().await.ok()
    }

    pub(super) fn keep(&self, key: &str, refs: &Arc<Refs>, time: Duration) {
        self.kept.sweep();
        self.kept.put_for(key.to_owned(), Arc::clone(refs), time);
    }

    /// Drops what is not believed any more.
    pub(super) fn sweep(&self) {
        self.kept.sweep();
    }
}

impl fmt::Debug for RefsMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RefsMemory")
            .field("most", &self.most)
            .field("kept", &self.kept)
            .finish_non_exhaustive()
    }
}

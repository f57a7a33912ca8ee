//! What all handles of a repository know of its copy.

use std::sync::Arc;
use std::time::Instant;

use parking_lot::Mutex;
use tokio::sync::Semaphore;

use super::Folder;
use crate::VcsError;

/// What all handles of a repository share: its copy, and the right to fetch into it.
#[derive(Debug)]
pub(crate) struct CopyState {
    /// Its permit is the right to fetch.
    pub(super) fetch_permit: Semaphore,
    pub(super) copy: Mutex<KnownCopy>,
}

/// What is known of the copy.
#[derive(Debug, Default)]
pub(super) struct KnownCopy {
    /// Whether the disk was searched for a copy of an earlier process.
    pub(super) adopted: bool,
    pub(super) folder: Option<Arc<Folder>>,
    /// When the last fetch that ended well began, and when it ended.
    pub(super) fetched: Option<(Instant, Instant)>,
    /// When the last fetch that failed has ended, and its error.
    pub(super) failed: Option<(Instant, VcsError)>,
    /// How many fetches in a row have failed.
    pub(super) failures: u32,
}

impl Default for CopyState {
    fn default() -> Self {
        Self {
            fetch_permit: Semaphore::new(1),
            copy: Mutex::default(),
        }
    }
}

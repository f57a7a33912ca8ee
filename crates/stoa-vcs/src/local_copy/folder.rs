//! The folder of a copy.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;

use crate::RevisionId;
use crate::cache::Cache;
use crate::leftovers::{MARK, remove_unsettled};

/// How many commits are remembered to be in a copy.
const KNOWN: usize = 10_000;

/// The folder of a copy. Once retired, it is removed when its last reader drops it.
#[derive(Debug)]
pub(crate) struct Folder {
    cache: Arc<Cache>,
    key: String,
    path: PathBuf,
    retired: AtomicBool,
    known: Mutex<HashSet<RevisionId>>,
}

impl Folder {
    pub(super) fn new(cache: Arc<Cache>, key: String, path: PathBuf) -> Self {
        Self {
            cache,
            key,
            path,
            retired: AtomicBool::new(false),
            known: Mutex::default(),
        }
    }

    /// Sets whether its last reader removes it.
    pub(super) fn retire(&self, retired: bool) {
        self.retired.store(retired, Ordering::Relaxed);
    }

    /// Remembers that this commit is in the copy. Only for systems whose commits stay what they are.
    pub(crate) fn learn(&self, id: &RevisionId) {
        let mut known = self.known.lock();
        if known.len() >= KNOWN {
            known.clear();
        }
        known.insert(id.clone());
    }

    /// Whether this commit is remembered to be in the copy.
    pub(crate) fn knows(&self, id: &RevisionId) -> bool {
        self.known.lock().contains(id)
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if !*self.retired.get_mut() {
            return;
        }
        let path = std::mem::take(&mut self.path);
        // Remove the mark first, so that a half-removed folder is never taken for a whole copy.
        let _ = std::fs::remove_file(path.join(MARK));
        // Hold a lease until the folder is removed and the rest is measured, so that the repository is not evicted meanwhile.
        let lease = self.cache.lease(&self.key);
        let remove = move || {
            remove_unsettled(&path);
            lease.measure();
        };
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn_blocking(remove)),
            Err(_) => remove(),
        }
    }
}

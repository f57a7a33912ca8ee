//! Handles of repositories that were used last.

use std::{collections::VecDeque, sync::Arc};

use parking_lot::Mutex;
use stoa_vcs::{Repository, VcsError, VcsKind};
use url::Url;

use crate::OpenRepository;

/// How many are kept. A handle holds what the repository said last, and nothing of its files.
const MOST: usize = 256;

/// Gives out the same handle again: what discovery learns of a repository by asking whether it is there is what the
/// first question about a module of it needs. Sits outside of what opens them.
#[derive(Debug)]
pub(crate) struct RecentRepositories {
    inner: Arc<dyn OpenRepository>,
    /// The newest at the end.
    recent: Mutex<VecDeque<Recent>>,
}

/// A system, where it is, and its handle.
type Recent = (VcsKind, Url, Arc<dyn Repository>);

impl RecentRepositories {
    pub(crate) fn new(inner: Arc<dyn OpenRepository>) -> Self {
        Self {
            inner,
            recent: Mutex::default(),
        }
    }
}

impl OpenRepository for RecentRepositories {
    fn open(&self, vcs: VcsKind, url: &Url) -> Result<Arc<dyn Repository>, VcsError> {
        let mut recent = self.recent.lock();
        let known = recent.iter().position(|(kind, at, _)| *kind == vcs && at == url);
        let entry = match known.and_then(|at| recent.remove(at)) {
            Some(entry) => entry,
            None => (vcs, url.clone(), self.inner.open(vcs, url)?),
        };
        if recent.len() >= MOST {
            recent.pop_front();
        }
        let repository = Arc::clone(&entry.2);
        recent.push_back(entry);
        Ok(repository)
    }
}

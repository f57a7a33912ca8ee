//! A handle of a git repository.

use std::fmt;
use std::sync::Arc;

use super::program::{Program, failed};
use super::state::RepositoryState;
use super::{GitOptions, RepoUrl};
use crate::cache::Cache;
use crate::process::Counters;
use crate::{Step, VcsError, VcsKind};

/// A git repository behind a URL.
///
/// All handles of one URL in one [`Cache`] share what they know, and one of them fetches at a time.
pub struct GitRepository {
    pub(super) program: Program,
    pub(super) cache: Arc<Cache>,
    pub(super) key: String,
    pub(super) state: Arc<RepositoryState>,
}

impl GitRepository {
    /// A handle for the repository at `url`; nothing is asked yet.
    ///
    /// # Errors
    /// [`VcsError::Failed`] for a URL of a transport that `options` does not allow.
    pub fn open(url: RepoUrl, cache: Arc<Cache>, options: GitOptions) -> Result<Self, VcsError> {
        if !options.transports.contains(&url.transport()) {
            let said = format!("{:?} is not allowed for {url}", url.transport());
            return Err(failed(Step::Access, said));
        }
        let key = Cache::key_for(VcsKind::Git, url.as_str(), options.audience);
        let state = cache.shared(&key, RepositoryState::default);
        let program = Program::new(url, options, &cache);
        Ok(Self {
            program,
            cache,
            key,
            state,
        })
    }

    /// The counters of runs, by the name of git's command: `ls-remote`, `fetch` (one commit), `fetch-history`, `fetch-objects`,
    /// `cat-file`, `cat-blobs` (the files of an archive) and so on; `clone` counts first fetches, `bytes` what fetches added to the disk.
    pub fn counters(&self) -> &Arc<Counters> {
        self.program.runner().counters()
    }

    /// Runs a task that ends with the last handle.
    pub(super) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let mut tasks = self.state.tasks.lock();
        while tasks.try_join_next().is_some() {}
        tasks.spawn(task);
    }
}

impl fmt::Debug for GitRepository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("GitRepository").field(&self.program.url).finish()
    }
}

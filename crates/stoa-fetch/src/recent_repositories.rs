//! Handles of repositories that were used last.

use std::sync::Arc;

use stoa_vcs::{Repository, VcsError, VcsKind};
use url::Url;

use crate::{OpenRepository, handles::Handles};

/// Gives out the same handle again: what discovery learns of a repository by asking whether it is there is what the
/// first question about a module of it needs. Sits outside of what opens them.
#[derive(Debug)]
pub(crate) struct RecentRepositories {
    inner: Arc<dyn OpenRepository>,
    /// By system and URL.
    recent: Handles<String, Arc<dyn Repository>>,
}

impl RecentRepositories {
    pub(crate) fn new(inner: Arc<dyn OpenRepository>) -> Self {
        Self {
            inner,
            recent: Handles::new(),
        }
    }
}

#[deny(clippy::missing_trait_methods)]
impl OpenRepository for RecentRepositories {
    fn open(&self, vcs: VcsKind, url: &Url) -> Result<Arc<dyn Repository>, VcsError> {
        let open = || self.inner.open(vcs, url);
        self.recent.get_or_make(format!("{vcs} {url}"), open)
    }
}

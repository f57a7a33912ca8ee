//! Handles of repositories that were used last.

use std::sync::Arc;

use stoa_vcs::{Repository, VcsError, VcsKind};

use crate::{OpenRepository, handles::Handles, outbound::Address};

/// Gives out the same handle again: what discovery learns of a repository by asking whether it is there is what the
/// first question about a module of it needs. Sits outside of what opens them.
#[derive(Debug)]
pub(crate) struct RecentRepositories {
    inner: Arc<dyn OpenRepository>,
    /// By system and address, with what may be used there.
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
    fn open(&self, vcs: VcsKind, address: &Address) -> Result<Arc<dyn Repository>, VcsError> {
        let open = || self.inner.open(vcs, address);
        self.recent.get_or_make(format!("{vcs} {}", address.key()), open)
    }
}

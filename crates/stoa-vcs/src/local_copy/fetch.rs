//! How a system fetches.

use std::future::Future;
use std::path::Path;

use super::Folder;
use crate::{RevisionId, VcsError};

/// What a fetch into a copy found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Updated {
    /// The copy has what the repository has.
    Good,
    /// The copy has what the repository has no longer: make a new one.
    Outdated,
}

/// How a system fetches.
pub(crate) trait Fetch: Sync {
    /// Fetches all of the repository into an empty folder.
    fn make(&self, folder: &Path) -> impl Future<Output = Result<(), VcsError>> + Send;

    /// Fetches what is new into a folder that [`Self::make`] filled.
    fn update(&self, folder: &Path) -> impl Future<Output = Result<Updated, VcsError>> + Send;

    /// Whether the copy has the commit.
    fn has(&self, folder: &Folder, at: &RevisionId) -> impl Future<Output = Result<bool, VcsError>> + Send;
}

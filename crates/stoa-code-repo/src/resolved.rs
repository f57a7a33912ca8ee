//! The answer to a query.

use std::time::SystemTime;

use stoa_module::{Info, Version};
use stoa_vcs::RevisionId;

/// A version and the commit that it is (`RevInfo` of cmd/go).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolved {
    /// What `.info` says of it: the version, a tag's or a pseudo-version, its time and its origin.
    pub info: Info,
    /// When the commit was made; whole seconds but for svn.
    pub time: SystemTime,
    /// The whole name of the commit.
    pub id: RevisionId,
    /// The short name of the commit, as pseudo-versions have it.
    pub short: String,
}

impl Resolved {
    /// The version.
    pub fn version(&self) -> &Version {
        self.info.target.version()
    }
}

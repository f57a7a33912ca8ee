//! The version control systems.

use std::{fmt, str::FromStr};

/// A version control system that the go command knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum VcsKind {
    /// Git.
    Git,
    /// Mercurial.
    Hg,
    /// Subversion.
    Svn,
    /// Bazaar, or its successor Breezy.
    Bzr,
    /// Fossil.
    Fossil,
}

/// The name is not that of a known system.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown version control system {0:?}: git, hg, svn, bzr and fossil are known")]
pub struct UnknownVcsError(String);

impl VcsKind {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Git, Self::Hg, Self::Svn, Self::Bzr, Self::Fossil];

    /// The name, as go-import pages and GOVCS write it. It is the name of the program, too.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Git => "git",
            Self::Hg => "hg",
            Self::Svn => "svn",
            Self::Bzr => "bzr",
            Self::Fossil => "fossil",
        }
    }
}

impl fmt::Display for VcsKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for VcsKind {
    type Err = UnknownVcsError;

    fn from_str(text: &str) -> Result<Self, UnknownVcsError> {
        let found = Self::ALL.into_iter().find(|kind| kind.as_str() == text);
        found.ok_or_else(|| UnknownVcsError(text.to_owned()))
    }
}

//! Kinds of repositories.

use std::fmt;

use stoa_vcs::VcsKind;

/// What is at the URL of a repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RepoKind {
    /// A repository of this system.
    Vcs(VcsKind),
    /// A module proxy: `mod` in a tag or a mapping.
    ModuleProxy,
}

impl RepoKind {
    /// Reads a name as tags and mappings have it; `None` for an unknown one.
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "mod" => Some(Self::ModuleProxy),
            name => name.parse().ok().map(Self::Vcs),
        }
    }

    /// The name, as tags and mappings have it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Vcs(vcs) => vcs.as_str(),
            Self::ModuleProxy => "mod",
        }
    }

    /// The schemes of its URLs, in the order in which the go command tries them.
    pub fn schemes(self) -> &'static [&'static str] {
        match self {
            Self::Vcs(VcsKind::Git) => &["git", "https", "http", "git+ssh", "ssh"],
            Self::Vcs(VcsKind::Hg) => &["https", "http", "ssh"],
            Self::Vcs(VcsKind::Svn) => &["https", "http", "svn", "svn+ssh"],
            Self::Vcs(VcsKind::Bzr) => &["https", "http", "bzr", "bzr+ssh"],
            Self::Vcs(VcsKind::Fossil) | Self::ModuleProxy => &["https", "http"],
        }
    }
}

impl fmt::Display for RepoKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

//! Why a repository has no answer for a module.

use std::{fmt, io, sync::Arc};

use stoa_module::{ModulePath, VersionReason, quoted, zip::ZipError};
use stoa_vcs::VcsError;

use crate::{FetchError, Phase, SourceName};

/// What a failure means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CodeMeaning {
    /// There is no such module or version: what cmd/go takes for "not exist", and a 404.
    NotExist,
    /// It is there, and the rules for versions say no. Asking again ends the same way.
    Refused,
    /// The repository holds what no module zip may hold, or more than a limit allows.
    Invalid,
    /// The repository could not be read.
    Unreachable,
    /// This machine is at fault.
    Ours,
}

/// A failure, with the module and version it is about. Its text is that of cmd/go where that has one. Cheap to clone.
#[derive(Clone, Debug)]
pub struct CodeRepoError {
    module: ModulePath,
    about: About,
    fault: Arc<CodeFault>,
}

/// What of a module a failure is about.
#[derive(Clone, Debug, PartialEq, Eq)]
enum About {
    /// All of it.
    Module,
    /// A version that cannot be; the second says what the text calls it.
    Version(Box<str>, &'static str),
    /// A version that can.
    Content(Box<str>),
}

/// What went wrong.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CodeFault {
    /// The repository is that of another module.
    #[error("mismatched repo: found {root} for ")]
    MismatchedRepo {
        /// The import path of its root.
        root: String,
    },
    /// The repository is that of a major version, and the module above it.
    #[error("repository rooted at {root} cannot contain module ")]
    OutsideOfRepo {
        /// The import path of its root.
        root: String,
    },
    /// A go-import page names a subdirectory that is none.
    #[error("subdirectory {subdir} is outside of its repository")]
    BadSubdir {
        /// The subdirectory.
        subdir: String,
    },
    /// The repository did not answer, or not with what was asked for.
    #[error(transparent)]
    Vcs(#[from] VcsError),
    /// A go.mod could not be read.
    #[error("reading {file} at revision {revision}: {error}")]
    Reading {
        /// The import path of the file.
        file: String,
        /// The revision string.
        revision: String,
        /// Why.
        error: VcsError,
    },
    /// The revision does not hold the module: a go.mod is missing, or another module's.
    #[error("{0}")]
    NoModule(String),
    /// The version contradicts itself or the module path.
    #[error(transparent)]
    Version(#[from] VersionReason),
    /// A canonical version that is no tag, but a branch for instance.
    #[error("resolves to version {resolved} ({asked} is not a tag)")]
    NotTag {
        /// The version it would be.
        resolved: String,
        /// What was asked for.
        asked: String,
    },
    /// The go.mod is that of another major version.
    #[error("module contains a go.mod file, so module path must match major version ({})", quoted(.0))]
    PathMustMatchMajor(String),
    /// The version is not of the major version that the path names.
    #[error("module path includes a major version suffix, so major version must match")]
    MajorMustMatch,
    /// `+incompatible` where none is needed.
    #[error("+incompatible suffix not allowed: major version {0} is compatible")]
    Compatible(String),
    /// A pseudo-version that was not made of its commit.
    #[error(transparent)]
    Pseudo(#[from] PseudoFault),
    /// There are more of something than it makes sense to look at.
    #[error("too many {0}")]
    TooMany(&'static str),
    /// The files make no module zip.
    #[error("create zip: {0}")]
    Zip(Arc<ZipError>),
    /// A commit that is older or newer than a version can tell.
    #[error("commit time is not within the years 0 to 9999")]
    Time,
    /// A temporary file could not be written or read.
    #[error("zip: temporary file: {0}")]
    Spool(Arc<io::Error>),
    /// A bug.
    #[error("internal error: {0}")]
    Internal(String),
}

/// How a pseudo-version contradicts its commit.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PseudoFault {
    /// It names the commit with more digits.
    #[error("revision is longer than canonical (expected {0})")]
    Longer(String),
    /// It names the commit with fewer digits.
    #[error("revision is shorter than canonical (expected {0})")]
    Shorter(String),
    /// It names another commit.
    #[error("does not match short name of revision (expected {0})")]
    OtherRevision(String),
    /// It is of another time.
    #[error("does not match version-control timestamp (expected {0})")]
    Timestamp(String),
    /// Only a tag makes a module v1.
    #[error("major version without preceding tag must be v0, not v1")]
    MajorV1,
    /// The commit has the tag that it claims to come after.
    #[error(
        "tag ({tag}) found on revision {rev} is already canonical, so should not be replaced with a pseudo-version \
         derived from that tag"
    )]
    AlreadyCanonical {
        /// The tag.
        tag: String,
        /// The commit.
        rev: String,
    },
    /// The tag that it claims to come after does not exist.
    #[error("preceding tag ({0}) not found")]
    NoBase(String),
    /// The tag that it claims to come after is elsewhere.
    #[error("revision {rev} is not a descendent of preceding tag ({tag})")]
    NotDescendant {
        /// The commit.
        rev: String,
        /// The tag.
        tag: String,
    },
}

impl CodeRepoError {
    pub(super) fn of_module(module: ModulePath, fault: impl Into<CodeFault>) -> Self {
        Self {
            module,
            about: About::Module,
            fault: Arc::new(fault.into()),
        }
    }

    /// A version that cannot be.
    pub(super) fn of_version(module: ModulePath, version: &str, fault: impl Into<CodeFault>) -> Self {
        Self {
            module,
            about: About::Version(version.into(), "version"),
            fault: Arc::new(fault.into()),
        }
    }

    /// A pseudo-version that cannot be.
    pub(super) fn of_pseudo(module: ModulePath, version: &str, fault: impl Into<CodeFault>) -> Self {
        Self {
            module,
            about: About::Version(version.into(), "pseudo-version"),
            fault: Arc::new(fault.into()),
        }
    }

    /// What a version that can be does not give.
    pub(super) fn of_content(module: ModulePath, version: &str, fault: impl Into<CodeFault>) -> Self {
        Self {
            module,
            about: About::Content(version.into()),
            fault: Arc::new(fault.into()),
        }
    }

    /// What went wrong.
    pub fn fault(&self) -> &CodeFault {
        &self.fault
    }

    /// What it means.
    pub fn meaning(&self) -> CodeMeaning {
        match &*self.fault {
            CodeFault::Vcs(error) if error.is_not_exist() => CodeMeaning::NotExist,
            CodeFault::Vcs(error) | CodeFault::Reading { error, .. } => match error {
                VcsError::Ambiguous { .. } | VcsError::Unsupported { .. } | VcsError::Refused { .. } => {
                    CodeMeaning::Refused
                }
                VcsError::TooLarge { .. } => CodeMeaning::Invalid,
                VcsError::NotInstalled { .. } => CodeMeaning::Ours,
                _ => CodeMeaning::Unreachable,
            },
            CodeFault::NoModule(_) => CodeMeaning::NotExist,
            CodeFault::MismatchedRepo { .. }
            | CodeFault::OutsideOfRepo { .. }
            | CodeFault::BadSubdir { .. }
            | CodeFault::Version(_)
            | CodeFault::NotTag { .. }
            | CodeFault::PathMustMatchMajor(_)
            | CodeFault::MajorMustMatch
            | CodeFault::Compatible(_)
            | CodeFault::Pseudo(_)
            | CodeFault::Time => CodeMeaning::Refused,
            CodeFault::TooMany(_) => CodeMeaning::Invalid,
            CodeFault::Zip(error) if error.is_permanent() => CodeMeaning::Invalid,
            CodeFault::Zip(_) => CodeMeaning::Unreachable,
            CodeFault::Spool(_) | CodeFault::Internal(_) => CodeMeaning::Ours,
        }
    }

    /// Whether there is no such module or version.
    pub fn is_not_exist(&self) -> bool {
        self.meaning() == CodeMeaning::NotExist
    }

    /// The failure of a fetch from the repository called `source_name`.
    ///
    /// What this machine is at fault for counts as unreachable, but for a program that is missing: that is what this
    /// installation cannot do.
    pub fn into_fetch(self, source_name: &SourceName) -> FetchError {
        let source_name = source_name.clone();
        let error = match &*self.fault {
            CodeFault::Vcs(error) | CodeFault::Reading { error, .. } => Some(error),
            _ => None,
        };
        match (self.meaning(), error) {
            (CodeMeaning::NotExist, _) => FetchError::not_found(self.to_string()),
            (_, Some(VcsError::Timeout { after, .. })) => FetchError::Timeout {
                source_name,
                phase: Phase::Response,
                after: *after,
            },
            (_, Some(VcsError::NotInstalled { .. } | VcsError::Unsupported { .. })) => {
                FetchError::Unsupported {
                    reason: self.to_string(),
                }
            }
            (CodeMeaning::Refused, _) => FetchError::Refused {
                reason: self.to_string(),
            },
            (CodeMeaning::Invalid, _) => FetchError::invalid(&source_name, self.to_string()),
            (CodeMeaning::Unreachable | CodeMeaning::Ours, _) => FetchError::Unreachable {
                source_name,
                cause: Arc::new(self),
            },
        }
    }
}

/// Prints as `module.ModuleError` of Go does.
impl fmt::Display for CodeRepoError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { module, about, fault } = self;
        match about {
            About::Module => write!(f, "module {module}: {fault}")?,
            About::Version(version, noun) => write!(f, "{module}@{version}: invalid {noun}: {fault}")?,
            About::Content(version) => write!(f, "{module}@{version}: {fault}")?,
        }
        match **fault {
            CodeFault::MismatchedRepo { .. } | CodeFault::OutsideOfRepo { .. } => write!(f, "{module}"),
            _ => Ok(()),
        }
    }
}

impl std::error::Error for CodeRepoError {}

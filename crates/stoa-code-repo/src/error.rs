//! Why a repository has no answer for a module.

use std::{fmt, io, sync::Arc};

use stoa_module::{
    ModulePath, VersionReason, quoted,
    zip::{SizeError, ZipError},
};
use stoa_vcs::VcsError;

/// What a failure means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CodeMeaning {
    /// There is no such module or version: what cmd/go takes for "not exist", and a 404.
    NotExist,
    /// It is there, and the rules for versions say no. Asking again ends the same way.
    Refused,
    /// The commit breaks a rule of its system, or has files that no module zip may have, so that cmd/go makes nothing of it
    /// either. Only another commit mends that.
    Malformed,
    /// The repository holds more than a limit allows.
    Invalid,
    /// The repository could not be read.
    Unreachable,
    /// A failure of this machine.
    Ours,
}

/// A failure, with the module and version it is about. Its text is that of cmd/go where that has one. Cheap to clone.
#[derive(Clone, Debug)]
pub struct CodeRepoError {
    module: ModulePath,
    about: About,
    reason: Arc<CodeRepoReason>,
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

/// What went wrong, without the module and version.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CodeRepoReason {
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
    SubdirOutside {
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
    Pseudo(#[from] PseudoReason),
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
pub enum PseudoReason {
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

impl CodeRepoReason {
    /// The files make no module zip.
    pub(crate) fn zip(error: ZipError) -> Self {
        Self::Zip(Arc::new(error))
    }

    /// The spool could not be written or read. Its limit, and that of a file system, count as those of a source tree.
    pub(crate) fn spool(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::FileTooLarge => Self::zip(SizeError::SourceTree.into()),
            _ => Self::Spool(Arc::new(error)),
        }
    }

    /// A content of an archive could not be read. An archive that broke off says why in the error of its next entry.
    pub(crate) fn read(error: io::Error) -> Self {
        match error.downcast::<VcsError>() {
            Ok(error) => error.into(),
            Err(error) => Self::zip(error.into()),
        }
    }
}

impl CodeRepoError {
    pub(crate) fn of_module(module: ModulePath, reason: impl Into<CodeRepoReason>) -> Self {
        Self {
            module,
            about: About::Module,
            reason: Arc::new(reason.into()),
        }
    }

    /// A version that cannot be.
    pub(crate) fn of_version(module: ModulePath, version: &str, reason: impl Into<CodeRepoReason>) -> Self {
        Self {
            module,
            about: About::Version(version.into(), "version"),
            reason: Arc::new(reason.into()),
        }
    }

    /// A pseudo-version that cannot be.
    pub(crate) fn of_pseudo(module: ModulePath, version: &str, reason: impl Into<CodeRepoReason>) -> Self {
        Self {
            module,
            about: About::Version(version.into(), "pseudo-version"),
            reason: Arc::new(reason.into()),
        }
    }

    /// What a version that can be does not give.
    pub(crate) fn of_content(module: ModulePath, version: &str, reason: impl Into<CodeRepoReason>) -> Self {
        Self {
            module,
            about: About::Content(version.into()),
            reason: Arc::new(reason.into()),
        }
    }

    /// What went wrong.
    pub fn reason(&self) -> &CodeRepoReason {
        &self.reason
    }

    /// What it means.
    pub fn meaning(&self) -> CodeMeaning {
        match &*self.reason {
            CodeRepoReason::Vcs(error) if error.is_not_exist() => CodeMeaning::NotExist,
            CodeRepoReason::Vcs(error) | CodeRepoReason::Reading { error, .. } => match error {
                VcsError::Ambiguous { .. } | VcsError::Unsupported { .. } | VcsError::Refused { .. } => {
                    CodeMeaning::Refused
                }
                VcsError::Malformed { .. } => CodeMeaning::Malformed,
                VcsError::TooLarge { .. } => CodeMeaning::Invalid,
                VcsError::NotInstalled { .. } | VcsError::Local { .. } => CodeMeaning::Ours,
                _ => CodeMeaning::Unreachable,
            },
            CodeRepoReason::NoModule(_) => CodeMeaning::NotExist,
            CodeRepoReason::MismatchedRepo { .. }
            | CodeRepoReason::OutsideOfRepo { .. }
            | CodeRepoReason::SubdirOutside { .. }
            | CodeRepoReason::Version(_)
            | CodeRepoReason::NotTag { .. }
            | CodeRepoReason::PathMustMatchMajor(_)
            | CodeRepoReason::MajorMustMatch
            | CodeRepoReason::Compatible(_)
            | CodeRepoReason::Pseudo(_)
            | CodeRepoReason::Time => CodeMeaning::Refused,
            CodeRepoReason::TooMany(_) => CodeMeaning::Invalid,
            CodeRepoReason::Zip(error) if error.is_permanent() => CodeMeaning::Malformed,
            CodeRepoReason::Zip(_) => CodeMeaning::Unreachable,
            CodeRepoReason::Spool(_) | CodeRepoReason::Internal(_) => CodeMeaning::Ours,
        }
    }

    /// Whether there is no such module or version.
    pub fn is_not_exist(&self) -> bool {
        self.meaning() == CodeMeaning::NotExist
    }
}

/// Prints as `module.ModuleError` of Go does.
impl fmt::Display for CodeRepoError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            module,
            about,
            reason,
        } = self;
        match about {
            About::Module => write!(f, "module {module}: {reason}")?,
            About::Version(version, noun) => write!(f, "{module}@{version}: invalid {noun}: {reason}")?,
            About::Content(version) => write!(f, "{module}@{version}: {reason}")?,
        }
        match **reason {
            CodeRepoReason::MismatchedRepo { .. } | CodeRepoReason::OutsideOfRepo { .. } => {
                write!(f, "{module}")
            }
            _ => Ok(()),
        }
    }
}

impl std::error::Error for CodeRepoError {}

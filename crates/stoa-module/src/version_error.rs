//! Why a version was refused.

use crate::quote::Quoted;
use crate::{PathError, PathReason};

/// A version or revision that cannot be what was asked for.
///
/// The text is that of `golang.org/x/mod/module`, character for character, wherever Go has the same check.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VersionError {
    /// A rule for versions is broken (`module.InvalidVersionError`).
    #[error("{} {} invalid: {reason}", reason.noun(), Quoted::text(version))]
    Invalid {
        /// The version as given.
        version: Box<str>,
        /// The rule it breaks.
        reason: VersionReason,
    },
    /// The text is not in escaped form: it has upper-case letters, bytes beyond ASCII, or a `!` that no
    /// lower-case letter follows.
    #[error("invalid escaped version {}", Quoted(escaped))]
    NotEscaped {
        /// The text as given.
        escaped: Box<[u8]>,
    },
    /// The text is in escaped form, but of a version that could not name a file.
    #[error("invalid escaped version {}: {reason}", Quoted::text(version))]
    EscapedMalformed {
        /// The version in plain form.
        version: Box<str>,
        /// What keeps it from being a file name.
        reason: PathReason,
    },
    /// The version has letters beyond ASCII, for which there is no escaped form yet.
    #[error("internal error: inconsistency in EscapePath")]
    NotAscii,
}

impl VersionError {
    pub(crate) fn new(version: &str, reason: VersionReason) -> Self {
        Self::Invalid {
            version: version.into(),
            reason,
        }
    }
}

/// The rule a version breaks.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VersionReason {
    /// It is no semantic version at all.
    #[error("not a semantic version")]
    NotSemver,
    /// A go.mod line wants a semantic version and has something else.
    #[error("must be of the form v1.2.3")]
    NotOfForm,
    /// It is a semantic version, but not as `module.CanonicalVersion` writes it.
    #[error("not canonical (should be {})", Quoted::text(canonical))]
    NotCanonical {
        /// How it should be written.
        canonical: Box<str>,
    },
    /// It could not be a file name, or has a `!`.
    #[error("disallowed version string")]
    Disallowed,
    /// It is of another major version than the module path says.
    #[error("should be {want}, not {got}")]
    WrongMajor {
        /// The major version of the path.
        want: Box<str>,
        /// The major version of the version; empty if it is no semantic version.
        got: Box<str>,
    },
    /// A quoted version in a go.mod file is not quoted as Go strings are.
    #[error("{0}")]
    Quoting(crate::modfile::StringError),
    /// It is no pseudo-version.
    #[error("syntax error")]
    NotPseudo,
    /// The timestamp of a pseudo-version is no time.
    #[error("malformed time {}", Quoted::text(timestamp))]
    MalformedTime {
        /// The fourteen digits.
        timestamp: Box<str>,
    },
    /// A pseudo-version without a base has build metadata, which only a base could have given it.
    #[error("lacks base version, but has build metadata {}", Quoted::text(build))]
    BuildWithoutBase {
        /// The build metadata with its plus sign.
        build: Box<str>,
    },
    /// A pseudo-version claims to follow a release that cannot exist.
    #[error("version before {version} would have negative patch number")]
    NegativePatch {
        /// The release it claims to lead to.
        version: Box<str>,
    },
}

impl VersionReason {
    /// What the text calls the thing that is at fault.
    fn noun(&self) -> &'static str {
        match self {
            Self::NotPseudo
            | Self::MalformedTime { .. }
            | Self::BuildWithoutBase { .. }
            | Self::NegativePatch { .. } => "pseudo-version",
            _ => "version",
        }
    }
}

/// A path and a version that are no module version together (`module.Check`).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CheckError {
    /// The path alone is at fault.
    #[error(transparent)]
    Path(#[from] PathError),
    /// The version is at fault, alone or for this path.
    #[error("{path}@{version}: invalid {}: {reason}", reason.noun())]
    Version {
        /// The module path.
        path: Box<str>,
        /// The version as given.
        version: Box<str>,
        /// The rule it breaks.
        reason: VersionReason,
    },
}

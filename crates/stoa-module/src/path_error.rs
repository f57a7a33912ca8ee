//! Why a module, import or file path was refused.

use std::fmt;

use crate::path_kind::PathKind;
use crate::quote::{Quoted, QuotedChar};

/// A path that is no valid path of its kind, or an escaped path that does not stand for one.
///
/// The text is that of `golang.org/x/mod/module`, character for character. Paths are kept as bytes because not
/// being UTF-8 is one of the faults.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// The path breaks a rule of its kind (`module.InvalidPathError`).
    #[error("malformed {kind} path {}: {reason}", Quoted(path))]
    Malformed {
        /// Which rules the path was held to.
        kind: PathKind,
        /// The path as given.
        path: Box<[u8]>,
        /// The rule it breaks.
        reason: PathReason,
    },
    /// The text is not in escaped form: it has upper-case letters, bytes beyond ASCII, or a `!` that no
    /// lower-case letter follows.
    #[error("invalid escaped module path {}", Quoted(escaped))]
    NotEscaped {
        /// The text as given.
        escaped: Box<[u8]>,
    },
    /// The text is in escaped form, but of a malformed path.
    #[error("invalid escaped module path {}: {source}", Quoted(escaped))]
    EscapedMalformed {
        /// The text as given.
        escaped: Box<[u8]>,
        /// What is wrong with the path it stands for.
        source: Box<PathError>,
    },
}

/// The rule a malformed path breaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PathReason {
    /// The bytes are not UTF-8.
    InvalidUtf8,
    /// There is nothing.
    Empty,
    /// The path starts with a dash, so that commands would take it for a flag.
    LeadingDash,
    /// Two slashes stand in a row.
    DoubleSlash,
    /// The path ends in a slash.
    TrailingSlash,
    /// An element is empty, as the one before a leading slash.
    EmptyElement,
    /// An element is made of dots alone.
    InvalidElement(Box<str>),
    /// An element of a module path starts with a dot.
    LeadingDot,
    /// An element ends in a dot.
    TrailingDot,
    /// A character that paths of this kind do not have.
    InvalidChar(char),
    /// An element that Windows reserves, up to its first dot.
    ReservedOnWindows(Box<str>),
    /// An element that looks like a Windows short name.
    ShortName,
    /// The first element, by convention a domain name, has no dot.
    MissingDot,
    /// The first element has a character that lower-case domain names do not have.
    InvalidDomainChar(char),
    /// A module path may not end in this major version suffix.
    InvalidVersion,
}

impl fmt::Display for PathReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InvalidUtf8 => f.write_str("invalid UTF-8"),
            Self::Empty => f.write_str("empty string"),
            Self::LeadingDash => f.write_str("leading dash"),
            Self::DoubleSlash => f.write_str("double slash"),
            Self::TrailingSlash => f.write_str("trailing slash"),
            Self::EmptyElement => f.write_str("empty path element"),
            Self::InvalidElement(element) => write!(f, "invalid path element {}", Quoted::text(element)),
            Self::LeadingDot => f.write_str("leading dot in path element"),
            Self::TrailingDot => f.write_str("trailing dot in path element"),
            Self::InvalidChar(c) => write!(f, "invalid char {}", QuotedChar(*c)),
            Self::ReservedOnWindows(name) => {
                write!(
                    f,
                    "{} disallowed as path element component on Windows",
                    Quoted::text(name)
                )
            }
            Self::ShortName => f.write_str("trailing tilde and digits in path element"),
            Self::MissingDot => f.write_str("missing dot in first path element"),
            Self::InvalidDomainChar(c) => write!(f, "invalid char {} in first path element", QuotedChar(*c)),
            Self::InvalidVersion => f.write_str("invalid version"),
        }
    }
}

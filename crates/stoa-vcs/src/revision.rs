//! Commits.

use std::{fmt, time::SystemTime};

/// The whole name of a commit, as its system writes it: 40 or 64 hexadecimal digits, or a decimal number.
///
/// An adapter makes it from the output of its program, so it is safe as an argument of that program.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RevisionId(String);

impl RevisionId {
    /// An id of letters, digits, `-`, `.`, `@` and `_` that does not begin with `-`; 1 to 200 bytes.
    pub fn new(id: impl Into<String>) -> Option<Self> {
        let id = id.into();
        let good = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'@' | b'_');
        let fits = (1..=200).contains(&id.len()) && !id.starts_with('-') && id.bytes().all(good);
        fits.then_some(Self(id))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RevisionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for RevisionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RevisionId({})", self.0)
    }
}

/// A commit that a revision string resolved to (`RevInfo` of cmd/go's codehost).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revision {
    /// Its whole name.
    pub id: RevisionId,
    /// Its short name: the first 12 digits of a hash, a number with 12 digits.
    pub short: String,
    /// The tag that was asked for, without `refs/tags/`, if the string named one; else the whole name.
    pub version: String,
    /// When it was committed; whole seconds but for svn, whose microseconds are kept.
    pub time: SystemTime,
    /// All tags that name this very commit, without `refs/tags/`, sorted.
    pub tags: Vec<String>,
    /// The ref that resolved it, with `refs/`, or `HEAD`; `None` for a hash, and where there are no such names.
    pub reference: Option<String>,
}

//! Why an index did not do what it was asked.

use std::{error::Error, fmt, sync::Arc};

/// What a failure comes from, for the log. Its texts are made by libraries and servers, which repeat no password.
pub type Cause = Arc<dyn Error + Send + Sync>;

/// Why an index did not do what it was asked, by meaning. Cheap to clone. Each prints as one line without a password, an
/// address or a path, so that it may be told to anybody; what it comes from is its source.
#[derive(Clone, Debug, thiserror::Error)]
pub enum IndexError {
    /// It cannot be reached or used at the moment; later it may.
    #[error("the index is away: {0}")]
    Unreachable(#[source] Fault),
    /// What it holds is nothing that this version can use: it is damaged, or a later version has written it. It can be made
    /// anew and rebuilt from the files.
    #[error("the index is damaged: {0}")]
    Damaged(#[source] Fault),
    /// It has no room left.
    #[error("the index has no room left: {0}")]
    Full(#[source] Fault),
    /// It refuses us: a wrong password, a missing privilege, a file that may not be written.
    #[error("the index refuses us: {0}")]
    NotPermitted(#[source] Fault),
    /// Where it is said to be there is none, and there will be none until somebody changes the configuration.
    #[error("the address of the index is wrong: {0}")]
    BadAddress(#[source] Fault),
    /// More was handed over at once than an index takes ([`MAX_BATCH`](crate::MAX_BATCH)).
    #[error("{len} events are too many at once, {max} are the most")]
    TooMany {
        /// How many there were.
        len: usize,
        /// How many there may be.
        max: usize,
    },
    /// It has been closed.
    #[error("the index is closed")]
    Closed,
}

/// What happened, as one line that may be told to anybody, and what it comes from.
#[derive(Clone, Debug)]
pub struct Fault {
    text: Arc<str>,
    cause: Option<Cause>,
}

impl Fault {
    /// What happened, in words of ours.
    pub fn new(text: &str) -> Self {
        Self {
            text: text.into(),
            cause: None,
        }
    }

    /// What happened, and what it comes from.
    pub fn because(text: &str, cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self {
            text: text.into(),
            cause: Some(cause.into().into()),
        }
    }
}

impl From<&str> for Fault {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Error for Fault {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.cause
            .as_ref()
            .map(|cause| &**cause as &(dyn Error + 'static))
    }
}

//! Why a query names no version.

use stoa_module::{PathError, ResourceError, VersionError};

use crate::ProxyError;

/// Why `MODULE@QUERY` names no version. The text is one line that needs no other.
#[derive(Clone, Debug, thiserror::Error)]
pub enum QueryError {
    /// The module path is none.
    #[error(transparent)]
    Path(#[from] PathError),
    /// The query is none for this path.
    #[error(transparent)]
    Version(#[from] VersionError),
    /// The version or revision is none for this path.
    #[error(transparent)]
    Resource(#[from] ResourceError),
    /// The bound of `>` or `<=` is a prefix, which could mean several versions.
    #[error("ambiguous semantic version {version:?} in range {query:?}")]
    Ambiguous {
        /// The bound.
        version: String,
        /// The query.
        query: String,
    },
    /// The bound of a range is no version.
    #[error("invalid semantic version {version:?} in range {query:?}")]
    Invalid {
        /// The bound.
        version: String,
        /// The query.
        query: String,
    },
    /// No version matches.
    #[error("no matching versions for query {query:?}")]
    NoMatch {
        /// The query.
        query: String,
    },
    /// The `.info` that was answered is none.
    #[error("{0}")]
    Info(String),
    /// Something could not be had.
    #[error(transparent)]
    Proxy(#[from] ProxyError),
}

impl QueryError {
    /// All that is known of it, places of this machine included: for the terminal of an operator.
    pub fn report(&self) -> String {
        match self {
            Self::Proxy(error) => error.report().to_string(),
            error => error.to_string(),
        }
    }
}

//! What is wrong with a payload of a download.

use crate::AggregationKeyError;

/// What a download is told is wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SpecError {
    /// The URL is none.
    #[error("it is no URL: {0}")]
    Url(url::ParseError),
    /// The URL is too long.
    #[error("a URL has at most 8192 bytes, and this one has {0}")]
    LongUrl(usize),
    /// The scheme is another one.
    #[error("the scheme of the URL is {0}, and only http and https can be downloaded")]
    Scheme(String),
    /// A digest is none.
    #[error("a sha256 is 64 hexadecimal digits")]
    Sha256,
    /// A header cannot be sent.
    #[error("the header {0:?} cannot be sent")]
    Header(String),
    /// A header is not the job's to set.
    #[error("the header {0:?} cannot be set by a job")]
    Reserved(String),
    /// There are too many headers.
    #[error("a job has at most 100 headers of 32 KiB together")]
    Headers,
    /// The aggregation cannot have this name.
    #[error(transparent)]
    Aggregation(#[from] AggregationKeyError),
}

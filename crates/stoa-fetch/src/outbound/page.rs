//! An answer of any status.

use bytes::Bytes;
use url::Url;

/// An answer of any status, with as much of its body as was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// Where it was found, after redirects.
    pub url: Url,
    /// HTTP status.
    pub status: u16,
    /// `Content-Type`, if there was one.
    pub content_type: Option<String>,
    /// The body, or the first bytes of it up to the limit of the request.
    pub body: Bytes,
    /// There was more of the body.
    pub truncated: bool,
}

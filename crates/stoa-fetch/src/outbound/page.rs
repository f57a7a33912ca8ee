//! Questions for pages, and their answers of any status.

use bytes::Bytes;
use url::Url;

use super::{Guards, Trust};
use crate::Context;

/// What a page is asked for.
#[derive(Clone, Copy, Debug)]
pub struct PageRequest<'a> {
    /// Where it is said to be: what messages say.
    pub named: &'a Url,
    /// Where it is asked for: the same, rewritten as the configuration says.
    pub asked: &'a Url,
    /// What may be used for it.
    pub trust: Trust,
    /// What its URL and its redirects have to pass.
    pub guards: &'a Guards,
    /// For whom.
    pub context: &'a Context,
    /// One attempt is enough: its answer tells all.
    pub is_probe: bool,
}

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
    /// A redirect led to a host that does not speak for the one that was asked: neither that host itself, nor one whose
    /// modules the configuration names as it names those of the first.
    pub strayed: bool,
}

//! The head of an answer that has a file.

use http::header::{CONTENT_LENGTH, CONTENT_RANGE, ETAG, LAST_MODIFIED};
use http::{HeaderMap, HeaderValue, StatusCode};
use stoa_dispatch::{Response, ResponseBody};

/// A file that the remote has begun to send.
pub(super) struct Fetched {
    /// Its whole length, if the server tells.
    pub(super) len: Option<u64>,
    /// The offset of the first byte of the body.
    pub(super) start: u64,
    pub(super) identity: Identity,
    pub(super) body: ResponseBody,
}

/// What the remote says by which contents of a file are told apart, which may be nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Identity {
    len: Option<u64>,
    tag: Option<HeaderValue>,
    modified: Option<HeaderValue>,
}

impl Fetched {
    /// Reads the head; what makes no sense is told.
    pub(super) fn of(response: Response, asked: u64) -> Result<Self, String> {
        let (head, body) = response.into_parts();
        let (start, len) = if head.status == StatusCode::PARTIAL_CONTENT {
            let (start, len) = range(&head.headers).ok_or("it sent a part and does not say which")?;
            if start != asked {
                return Err(format!(
                    "it sent the part at {start} and was asked for that at {asked}"
                ));
            }
            (start, Some(len))
        } else {
            (0, whole(&head.headers)?)
        };
        let identity = Identity {
            len,
            tag: head.headers.get(ETAG).cloned(),
            modified: head.headers.get(LAST_MODIFIED).cloned(),
        };
        Ok(Self {
            len,
            start,
            identity,
            body,
        })
    }

    /// When the file was stored, if the server says so.
    pub(super) fn modified(&self) -> Option<std::time::SystemTime> {
        let text = self.identity.modified.as_ref()?.to_str().ok()?;
        httpdate::parse_http_date(text).ok()
    }
}

impl Identity {
    /// Whether this can be the content that `other` was said of: nothing that both answers say differs.
    pub(super) fn may_be(&self, other: &Self) -> bool {
        fn agree<T: PartialEq>(a: Option<&T>, b: Option<&T>) -> bool {
            a.is_none() || b.is_none() || a == b
        }
        agree(self.len.as_ref(), other.len.as_ref())
            && agree(self.tag.as_ref(), other.tag.as_ref())
            && agree(self.modified.as_ref(), other.modified.as_ref())
    }

    /// The entity tag, if a range may be asked for by it.
    pub(super) fn strong_tag(&self) -> Option<HeaderValue> {
        self.tag.clone().filter(|tag| tag.as_bytes().starts_with(b"\""))
    }
}

fn whole(headers: &HeaderMap) -> Result<Option<u64>, String> {
    let Some(value) = headers.get(CONTENT_LENGTH) else {
        return Ok(None);
    };
    let len = value.to_str().ok().and_then(|text| text.trim().parse().ok());
    len.map(Some)
        .ok_or_else(|| "its Content-Length is no number".to_owned())
}

/// Where the part begins, and how long the whole is: `bytes 7-99/100`.
fn range(headers: &HeaderMap) -> Option<(u64, u64)> {
    let text = headers.get(CONTENT_RANGE)?.to_str().ok()?;
    let (part, len) = text.trim().strip_prefix("bytes ")?.split_once('/')?;
    let (start, end) = part.split_once('-')?;
    let (start, end, len): (u64, u64, u64) = (start.parse().ok()?, end.parse().ok()?, len.parse().ok()?);
    (end.checked_add(1)? == len && start < len).then_some((start, len))
}

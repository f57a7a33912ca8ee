//! What a server is asked by whether it still has the same content.

use std::time::{Duration, SystemTime};

use http::{
    HeaderMap, HeaderName, HeaderValue,
    header::{DATE, ETAG, LAST_MODIFIED},
};
use serde::{Deserialize, Serialize};

/// How much older than the response a modification must be to be a strong validator: within a shorter time the content may
/// change twice in the second that the header names ([RFC 9110, 8.8.2.2](https://www.rfc-editor.org/rfc/rfc9110#section-8.8.2.2)).
const SETTLED: Duration = Duration::from_secs(60);

/// A strong validator: two responses that have the same one have the same bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Validator {
    /// An entity tag that is not weak.
    Etag(String),
    /// A moment of modification that was long before the response.
    LastModified(String),
}

impl Validator {
    /// The strong validator of a response, if it has one.
    pub(crate) fn of(headers: &HeaderMap) -> Option<Self> {
        if let Some(etag) = text(headers, &ETAG) {
            let is_strong = etag.starts_with('"') && etag.len() > 1 && etag.ends_with('"');
            return is_strong.then_some(Self::Etag(etag));
        }
        let modified = text(headers, &LAST_MODIFIED)?;
        let sent = time(&text(headers, &DATE)?)?;
        let age = sent.duration_since(time(&modified)?).ok()?;
        (age >= SETTLED).then_some(Self::LastModified(modified))
    }

    /// Whether the response to a range says that it is of other content.
    pub(crate) fn contradicts(&self, headers: &HeaderMap) -> bool {
        let (name, own) = match self {
            Self::Etag(etag) => (ETAG, etag),
            Self::LastModified(modified) => (LAST_MODIFIED, modified),
        };
        text(headers, &name).is_some_and(|other| other != *own)
    }

    /// The value of `If-Range`.
    pub(crate) fn if_range(&self) -> Option<HeaderValue> {
        let (Self::Etag(text) | Self::LastModified(text)) = self;
        text.parse().ok()
    }
}

fn time(text: &str) -> Option<SystemTime> {
    httpdate::parse_http_date(text).ok()
}

/// The value of a header that is visible text, and not longer than what is worth keeping.
pub(crate) fn text(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    const LONGEST: usize = 1_024;
    let value = headers.get(name)?.to_str().ok()?.trim();
    (!value.is_empty() && value.len() <= LONGEST).then(|| value.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
            .collect()
    }

    #[test]
    fn only_strong_validators_count() {
        let date = ("date", "Thu, 01 Jan 2026 00:01:00 GMT");
        let old = ("last-modified", "Thu, 01 Jan 2026 00:00:00 GMT");
        let young = ("last-modified", "Thu, 01 Jan 2026 00:00:01 GMT");
        let etag = |text: &str| Some(Validator::Etag(text.to_owned()));
        assert_eq!(Validator::of(&headers(&[("etag", "\"a\"")])), etag("\"a\""));
        assert_eq!(Validator::of(&headers(&[("etag", "W/\"a\""), old, date])), None);
        assert_eq!(Validator::of(&headers(&[("etag", "a")])), None);
        assert_eq!(Validator::of(&headers(&[("etag", "\"")])), None);
        let modified = Some(Validator::LastModified(old.1.to_owned()));
        assert_eq!(Validator::of(&headers(&[old, date])), modified);
        assert_eq!(Validator::of(&headers(&[young, date])), None);
        assert_eq!(Validator::of(&headers(&[old])), None);
        assert_eq!(
            Validator::of(&headers(&[("last-modified", "yesterday"), date])),
            None
        );
    }

    #[test]
    fn another_validator_contradicts_and_none_does_not() {
        let validator = Validator::Etag("\"a\"".to_owned());
        assert!(validator.contradicts(&headers(&[("etag", "\"b\"")])));
        assert!(!validator.contradicts(&headers(&[("etag", "\"a\"")])));
        assert!(!validator.contradicts(&headers(&[])));
    }
}

//! Questions for a part of a file (RFC 9110, sections 13.1.5 and 14).

use http::{
    HeaderMap, HeaderValue, StatusCode,
    header::{CONTENT_RANGE, ETAG, IF_RANGE, RANGE},
};

/// A strong entity tag: files that have the same one are the same, byte for byte.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Validator(HeaderValue);

impl Validator {
    /// That of an answer. A weak one does not speak of bytes, and a date only of seconds.
    pub(crate) fn of(headers: &HeaderMap) -> Option<Self> {
        let tag = headers.get(ETAG)?;
        let bytes = tag.as_bytes();
        let is_strong = bytes.len() >= 2 && bytes.starts_with(b"\"") && bytes.ends_with(b"\"");
        is_strong.then(|| Self(tag.clone()))
    }
}

/// What is asked for: everything from `from` on, if the file is still the one that `validator` stands for, else all of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Part<'a> {
    pub(crate) from: u64,
    pub(crate) validator: &'a Validator,
}

impl Part<'_> {
    /// What asks for it.
    pub(super) fn headers(self) -> Option<[(http::HeaderName, HeaderValue); 2]> {
        let range = HeaderValue::from_str(&format!("bytes={}-", self.from)).ok()?;
        Some([(RANGE, range), (IF_RANGE, self.validator.0.clone())])
    }

    /// How many bytes an answer of 206 announces; `None` if it is not the part that was asked for.
    pub(super) fn announced(self, status: StatusCode, headers: &HeaderMap) -> Option<u64> {
        if status != StatusCode::PARTIAL_CONTENT {
            return None;
        }
        let is_other = headers.get(ETAG).is_some_and(|tag| *tag != self.validator.0);
        let (first, last) = interval(headers.get(CONTENT_RANGE)?)?;
        if is_other || first != self.from {
            return None;
        }
        last.checked_sub(first)?.checked_add(1)
    }
}

/// The first and the last byte of `bytes 5-9/10`. How many there are in all is another's to check: it may be `*`.
fn interval(value: &HeaderValue) -> Option<(u64, u64)> {
    let (unit, rest) = value.to_str().ok()?.split_once(' ')?;
    let (interval, _complete) = rest.split_once('/')?;
    let (first, last) = interval.trim().split_once('-')?;
    unit.eq_ignore_ascii_case("bytes")
        .then_some((number(first)?, number(last)?))
}

/// Digits only: a sign is none.
fn number(text: &str) -> Option<u64> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            let name: http::HeaderName = name.parse().expect("a name");
            headers.insert(name, HeaderValue::from_str(value).expect("a value"));
        }
        headers
    }

    #[test]
    fn only_a_strong_tag_speaks_of_bytes() {
        for (tag, strong) in [
            ("\"a\"", true),
            ("\"\"", true),
            ("W/\"a\"", false),
            ("a", false),
            ("\"", false),
        ] {
            let read = Validator::of(&headers(&[("etag", tag)]));
            assert_eq!(read.is_some(), strong, "{tag}");
        }
    }

    #[test]
    fn an_answer_is_the_part_that_was_asked_for_or_none() {
        let validator = Validator::of(&headers(&[("etag", "\"a\"")])).expect("a tag");
        let part = Part {
            from: 5,
            validator: &validator,
        };
        let asked = part.headers().expect("headers");
        assert_eq!(
            (asked[0].1.as_bytes(), asked[1].1.as_bytes()),
            (&b"bytes=5-"[..], &b"\"a\""[..])
        );
        for (status, range, tag, want) in [
            (206, "bytes 5-9/10", "\"a\"", Some(5)),
            (206, "bytes 5-7/*", "\"a\"", Some(3)),
            (206, "Bytes 5-9/10", "\"a\"", Some(5)),
            (206, "bytes 5-9/10", "\"b\"", None),
            (206, "bytes 4-9/10", "\"a\"", None),
            (206, "bytes 5-4/10", "\"a\"", None),
            (206, "bytes +5-9/10", "\"a\"", None),
            (206, "bytes */10", "\"a\"", None),
            (206, "lines 5-9/10", "\"a\"", None),
            (206, "", "\"a\"", None),
            (200, "bytes 5-9/10", "\"a\"", None),
            (416, "bytes */3", "\"a\"", None),
        ] {
            let status = StatusCode::from_u16(status).expect("a status");
            let answer = headers(&[("content-range", range), ("etag", tag)]);
            assert_eq!(part.announced(status, &answer), want, "{status} {range} {tag}");
        }
    }
}

//! From the bytes of a request line to a path that means something.

use std::{borrow::Cow, fmt, str::FromStr};

use http::Uri;
use percent_encoding::percent_decode_str;

/// Longer paths are refused: escaped module paths and versions fit easily.
const MAX_LEN: usize = 4096;

/// A path that cannot be decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// A `%` without two hexadecimal digits.
    #[error("malformed percent-escape in the path")]
    Escape,
    /// The decoded bytes are not UTF-8.
    #[error("the path is not UTF-8")]
    Utf8,
    /// NUL or another control character.
    #[error("control character in the path")]
    Control,
    /// Too long.
    #[error("the path is longer than {MAX_LEN} bytes")]
    TooLong,
    /// `//`, or an element `.` or `..`, which no client of this protocol sends.
    #[error("empty, \".\" or \"..\" element in the path")]
    Element,
}

/// Decodes a request path once and refuses what no go command sends. `+` stays `+`.
pub(crate) fn decode(raw: &str) -> Result<Cow<'_, str>, PathError> {
    if raw.len() > MAX_LEN {
        return Err(PathError::TooLong);
    }
    let bytes = raw.as_bytes();
    let whole_escape = |i: usize| {
        bytes.get(i + 1).is_some_and(u8::is_ascii_hexdigit)
            && bytes.get(i + 2).is_some_and(u8::is_ascii_hexdigit)
    };
    if bytes
        .iter()
        .enumerate()
        .any(|(i, byte)| *byte == b'%' && !whole_escape(i))
    {
        return Err(PathError::Escape);
    }
    let path = percent_decode_str(raw)
        .decode_utf8()
        .map_err(|_| PathError::Utf8)?;
    if path.chars().any(char::is_control) {
        return Err(PathError::Control);
    }
    let mut elements = path.strip_prefix('/').unwrap_or(&path).split('/').peekable();
    while let Some(element) = elements.next() {
        // Only a path that is nothing but "/" may end in an empty element.
        let root = element.is_empty() && elements.peek().is_none() && path.len() <= 1;
        if matches!(element, "" | "." | "..") && !root {
            return Err(PathError::Element);
        }
    }
    Ok(path)
}

/// The path below which everything is served: empty, or `/a/b` without a slash at the end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PathPrefix(String);

impl PathPrefix {
    /// The part of `path` below the prefix, beginning with a slash; `None` if it is not below.
    pub(crate) fn strip<'a>(&self, path: &'a str) -> Option<&'a str> {
        match path.strip_prefix(self.0.as_str())? {
            "" => Some("/"),
            rest if rest.starts_with('/') => Some(rest),
            _ => None,
        }
    }

    /// `uri` without the prefix; the query and, in HTTP/2, the host stay.
    pub(crate) fn cut(&self, uri: &Uri) -> Option<Uri> {
        let below = self.strip(uri.path()).filter(|_| !self.0.is_empty())?;
        let below = uri
            .query()
            .map_or_else(|| below.to_owned(), |query| format!("{below}?{query}"));
        let mut parts = uri.clone().into_parts();
        parts.path_and_query = below.parse().ok();
        Uri::from_parts(parts).ok()
    }

    /// The home page below the prefix may be asked for as `/prefix/` too; no other path ends in a slash.
    pub(crate) fn without_last_slash<'a>(&self, path: &'a str) -> &'a str {
        match path.strip_suffix('/') {
            Some(rest) if !rest.is_empty() && rest == self.0 => rest,
            _ => path,
        }
    }

    /// The prefix as text, without a slash at the end.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PathPrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for PathPrefix {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let prefix = text.trim_end_matches('/');
        let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b'~' | b'/');
        let good = prefix.is_empty()
            || (prefix.starts_with('/') && prefix.bytes().all(plain) && decode(prefix).is_ok());
        good.then(|| Self(prefix.to_owned())).ok_or_else(|| {
            format!("bad path prefix {text:?}: write /name or /name/name, letters, digits and -._~")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_decoded_once() {
        for (raw, want) in [
            ("/", Ok("/")),
            (
                "/github.com/%21a/@v/v2.0.0+incompatible.mod",
                Ok("/github.com/!a/@v/v2.0.0+incompatible.mod"),
            ),
            (
                "/a/@v/v1.0.0%2Bincompatible.mod",
                Ok("/a/@v/v1.0.0+incompatible.mod"),
            ),
            ("/a%2fb", Ok("/a/b")),
            ("/a%252e", Ok("/a%2e")),
            ("/a%", Err(PathError::Escape)),
            ("/a%2", Err(PathError::Escape)),
            ("/a%zz", Err(PathError::Escape)),
            ("/a%00b", Err(PathError::Control)),
            ("/a%0ab", Err(PathError::Control)),
            ("/%ff", Err(PathError::Utf8)),
            ("/a/../b", Err(PathError::Element)),
            ("/a/%2e%2E/b", Err(PathError::Element)),
            ("/a/..%2fb", Err(PathError::Element)),
            ("/%2e", Err(PathError::Element)),
            ("//a", Err(PathError::Element)),
            ("/a/", Err(PathError::Element)),
        ] {
            let want: Result<Cow<'_, str>, PathError> = want.map(Cow::Borrowed);
            assert_eq!(decode(raw), want, "{raw}");
        }
        assert_eq!(
            decode(&format!("/{}", "a".repeat(MAX_LEN))),
            Err(PathError::TooLong)
        );
    }

    #[test]
    fn a_prefix_ends_at_an_element() {
        let prefix: PathPrefix = "/go/".parse().expect("prefix");
        assert_eq!(prefix.strip("/go"), Some("/"));
        assert_eq!(prefix.strip("/go/healthz"), Some("/healthz"));
        assert_eq!(prefix.strip("/gopher"), None);
        assert_eq!(prefix.without_last_slash("/go/"), "/go");
        assert_eq!(prefix.without_last_slash("/go/a/"), "/go/a/");
        assert_eq!(PathPrefix::default().without_last_slash("/"), "/");
        assert_eq!(PathPrefix::default().strip("/x"), Some("/x"));
        for (uri, want) in [
            ("/go", Some("/")),
            ("/go/a?b=c&d", Some("/a?b=c&d")),
            ("http://stoa:1/go/a?", Some("http://stoa:1/a?")),
            ("http://stoa:1/gopher", None),
            ("stoa:1", None),
        ] {
            let cut = prefix.cut(&uri.parse().expect("uri"));
            assert_eq!(cut.map(|uri| uri.to_string()).as_deref(), want, "{uri}");
        }
        assert_eq!(PathPrefix::default().cut(&Uri::from_static("/x")), None);
        for bad in ["go", "/a b", "/../a", "/a//b"] {
            assert!(bad.parse::<PathPrefix>().is_err(), "{bad}");
        }
    }
}

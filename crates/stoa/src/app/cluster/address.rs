//! Where a node says that it is.

use std::fmt;

use url::Url;

/// The URL of a node, as others may ask it: `http` or `https`, a host, and perhaps a port and a path. It has no slash at its end.
///
/// Anybody who can write into the registry can write one, so that what makes a request another one than it seems is refused: a user
/// and a password, which would be sent, and a question or a fragment, into which the path would go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct NodeAddress(String);

impl NodeAddress {
    /// Reads it; why it is none, in words that do not repeat it, since there may be a password in it.
    pub(super) fn parse(text: &str) -> Result<Self, &'static str> {
        // What reads URLs passes such characters over.
        if text.chars().any(|c| c.is_control() || c.is_whitespace()) {
            return Err("its address has a blank or a control character");
        }
        let url: Url = text.parse().map_err(|_no_url| "its address is no URL")?;
        if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
            return Err("its address is no URL that begins with http:// or https:// and a host");
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err("its address has a user or a password");
        }
        if url.query().is_some() {
            return Err("its address has a question mark");
        }
        if url.fragment().is_some() {
            return Err("its address has a fragment");
        }
        Ok(Self(url.as_str().trim_end_matches('/').to_owned()))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for NodeAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_make_another_request_is_no_address() {
        for (text, want) in [
            ("http://10.0.0.5:3000", Some("http://10.0.0.5:3000")),
            ("http://10.0.0.5:3000/", Some("http://10.0.0.5:3000")),
            ("https://A.example/go", Some("https://a.example/go")),
            ("http://[fd00::5]:3000", Some("http://[fd00::5]:3000")),
            ("http://user@a.example", None),
            ("http://:hunter2@a.example", None),
            ("http://user:hunter2@127.0.0.1:1/latest/meta?x=", None),
            ("http://a.example/?", None),
            ("http://a.example/?x=", None),
            ("http://a.example/#x", None),
            ("http://a.example/\r\nX: y", None),
            ("http://a.exam\tple", None),
            (" http://a.example", None),
            ("file:///etc/passwd", None),
            ("http:///x", Some("http://x")),
            ("ftp://a.example", None),
            ("a.example:3000", None),
            ("", None),
        ] {
            let read = NodeAddress::parse(text);
            assert_eq!(read.as_ref().ok().map(NodeAddress::as_str), want, "{text:?}");
            if let Err(reason) = read {
                assert!(!reason.contains("hunter2"));
            }
        }
    }
}

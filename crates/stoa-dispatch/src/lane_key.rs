//! The name of a lane.

use std::{
    borrow::Borrow,
    fmt::{self, Write},
    sync::Arc,
};

use http::Uri;

/// Longest name of a lane, in bytes: a host name has at most 253, a port six with its colon.
const MAX_LEN: usize = 300;

/// Which lane a request takes: the server that it goes to, or a name of its own.
///
/// A server is `host` for port 443 and `host:port` for every other, in lower case, without a dot at the end. The scheme
/// is no part of it, because a server's limits are its own whatever is spoken to it.
///
/// ```
/// use stoa_dispatch::LaneKey;
///
/// let key = |uri: &str| LaneKey::of_uri(&uri.parse().expect("uri")).expect("key").to_string();
/// assert_eq!(key("https://Mirror.Example./a?b"), "mirror.example");
/// assert_eq!(key("http://mirror.example/"), "mirror.example:80");
/// assert_eq!(key("https://[::1]:8443/"), "[::1]:8443");
/// assert_eq!(LaneKey::named("peer:node-1").expect("key").as_str(), "peer:node-1");
/// ```
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LaneKey(Arc<str>);

/// A name or URI that makes no lane.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct LaneKeyError(&'static str);

impl LaneKey {
    /// A lane with a name of its own: 1 to 300 visible ASCII characters but `/`.
    ///
    /// # Errors
    /// When the name has other characters or another length.
    pub fn named(name: &str) -> Result<Self, LaneKeyError> {
        if name.is_empty() || name.len() > MAX_LEN {
            return Err(LaneKeyError("the name of a lane has 1 to 300 bytes"));
        }
        if !name.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'/') {
            return Err(LaneKeyError(
                "the name of a lane is made of visible ASCII characters but /",
            ));
        }
        Ok(Self(name.into()))
    }

    /// The lane of the server that `uri` names.
    ///
    /// # Errors
    /// When the URI has no host, or its scheme is neither http nor https.
    pub fn of_uri(uri: &Uri) -> Result<Self, LaneKeyError> {
        let host = uri.host().filter(|host| !host.is_empty());
        let host = host.ok_or(LaneKeyError("the URI has no host"))?;
        let host = host.strip_suffix('.').unwrap_or(host);
        let port = match (uri.port_u16(), uri.scheme_str()) {
            (Some(port), Some("http" | "https")) => port,
            (None, Some("https")) => 443,
            (None, Some("http")) => 80,
            _ => return Err(LaneKeyError("the URI's scheme is not http or https")),
        };
        let mut name = String::with_capacity(host.len() + ":65535".len());
        name.push_str(host);
        name.make_ascii_lowercase();
        if port != 443 {
            // Writing to a string never fails.
            let _ = write!(name, ":{port}");
        }
        Self::named(&name)
    }

    /// The lane of the server at `HOST` or `HOST:PORT`, as people write it: without a port, that is 443; capitals and a dot
    /// at the end mean nothing.
    ///
    /// ```
    /// use stoa_dispatch::LaneKey;
    ///
    /// let key = |host: &str| LaneKey::of_host(host).map(|key| key.to_string());
    /// assert_eq!(key("Mirror.Example.:443").as_deref(), Ok("mirror.example"));
    /// assert_eq!(key("mirror.example:8080").as_deref(), Ok("mirror.example:8080"));
    /// assert!(key("*.example").is_err());
    /// ```
    ///
    /// # Errors
    /// When it is no host, such as a pattern or a URL.
    pub fn of_host(host: &str) -> Result<Self, LaneKeyError> {
        let bad = LaneKeyError("write a host as HOST or HOST:PORT, without a scheme and without *");
        let is_host = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:[]".contains(&byte);
        if host.is_empty() || !host.bytes().all(is_host) {
            return Err(bad);
        }
        let uri: Uri = format!("https://{host}/").parse().map_err(|_| bad.clone())?;
        let has_port = host.rsplit(']').next().is_some_and(|rest| rest.contains(':'));
        if has_port && uri.port_u16().is_none() {
            return Err(bad);
        }
        Self::of_uri(&uri)
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for LaneKey {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for LaneKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for LaneKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LaneKey({})", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_names_no_server_is_refused() {
        for uri in ["/path", "ftp://a.example/", "a.example:80"] {
            assert!(LaneKey::of_uri(&uri.parse().expect("uri")).is_err(), "{uri}");
        }
        for host in [
            "",
            "*",
            "*.example",
            "https://a.example",
            "a.example/x",
            "a b",
            "u@a.example",
            "a.example:99999",
            ":80",
            "a:b:c",
        ] {
            assert!(LaneKey::of_host(host).is_err(), "{host}");
        }
        assert_eq!(LaneKey::of_host("[::1]:80").expect("key").as_str(), "[::1]:80");
        for name in ["", "a b", "a/b", "a\n", "é", &"a".repeat(301)] {
            assert!(LaneKey::named(name).is_err(), "{name}");
        }
    }
}

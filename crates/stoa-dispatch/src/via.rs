//! The proxy of one request.

use std::{fmt, net::IpAddr, str::FromStr, sync::Arc};

use http::Uri;

/// The schemes of proxies, all of which resolve names themselves.
const SCHEMES: [&str; 3] = ["http", "https", "socks5h"];

/// Names the proxy that a request passes instead of those of the environment: put into the extensions of a request, it holds
/// for that request and its retries. The proxy resolves the name of the server.
///
/// A [`PublicOnly`](crate::PublicOnly) request reaches the proxy only at a public address, or if it is one of
/// [`HttpOptions::proxy_hosts`](crate::HttpOptions::proxy_hosts). It may hold a password and is shown without it.
///
/// ```
/// use stoa_dispatch::Via;
///
/// let via: Via = "http://user:hunter2@proxy.example:3128".parse()?;
/// assert_eq!(via.to_string(), "http://proxy.example:3128");
/// # Ok::<_, stoa_dispatch::ViaError>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Via {
    url: Arc<str>,
    shown: Arc<str>,
    host: Arc<str>,
}

/// Sends a request without any proxy, those of the environment included: put into the extensions of a request, it holds for that
/// request and its retries. For hosts that are near whatever the environment says of the way to everything else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoProxy;

/// A text names no proxy. What it says does not repeat the text, which may hold a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a proxy is written http://HOST:PORT, https://HOST:PORT or socks5h://HOST:PORT")]
pub struct ViaError;

impl Via {
    /// Its URL, with what may be a password.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// The name or the address of the proxy, an IPv6 address without brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Its address, if it is named by one.
    pub(crate) fn address(&self) -> Option<IpAddr> {
        self.host.parse().ok()
    }
}

impl FromStr for Via {
    type Err = ViaError;

    fn from_str(text: &str) -> Result<Self, ViaError> {
        let uri: Uri = text.parse().map_err(|_| ViaError)?;
        let scheme = uri.scheme_str().unwrap_or_default();
        let authority = uri.authority().ok_or(ViaError)?;
        let is_bare = uri.path().trim_start_matches('/').is_empty() && uri.query().is_none();
        if !SCHEMES.contains(&scheme) || authority.host().is_empty() || !is_bare {
            return Err(ViaError);
        }
        let port = authority
            .port()
            .map(|port| format!(":{port}"))
            .unwrap_or_default();
        let host = authority.host();
        Ok(Self {
            url: text.into(),
            shown: format!("{scheme}://{host}{port}").into(),
            host: host.trim_start_matches('[').trim_end_matches(']').into(),
        })
    }
}

impl fmt::Display for Via {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

impl fmt::Debug for Via {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proxies_are_shown_without_passwords() {
        for (text, shown, host) in [
            (
                "http://u:hunter2@p.example:3128",
                "http://p.example:3128",
                "p.example",
            ),
            ("https://p.example/", "https://p.example", "p.example"),
            ("socks5h://hunter2@[::1]:1080", "socks5h://[::1]:1080", "::1"),
        ] {
            let via: Via = text.parse().expect("a proxy");
            assert_eq!((via.to_string().as_str(), via.host()), (shown, host));
            assert_eq!(format!("{via:?}"), shown);
            assert_eq!(via.url(), text);
        }
    }

    #[test]
    fn what_is_no_proxy_is_refused() {
        for text in [
            "",
            "p.example:3128",
            "http://",
            "ftp://p",
            "socks5://p:1",
            "http://p/x",
            "http://p/?q",
            "http://p q",
        ] {
            assert_eq!(text.parse::<Via>(), Err(ViaError), "{text:?}");
        }
    }
}

//! The port to what speaks HTTP.

use std::{fmt, net::SocketAddr, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream::BoxStream;
use http::{
    HeaderMap, HeaderName, StatusCode,
    header::{
        ACCEPT, ACCEPT_ENCODING, ACCEPT_LANGUAGE, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE, RANGE,
        USER_AGENT,
    },
};
use url::Url;

/// What a request is for. The adapter may allow other addresses for callbacks than for downloads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// To fetch a URL that a submitter named.
    Download,
    /// To tell a submitter that its job has ended.
    Callback,
}

/// The method of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Method {
    /// GET, without a body.
    Get,
    /// POST of this body.
    Post(Bytes),
}

/// A request.
#[derive(Clone)]
pub struct Request {
    /// What it is for.
    pub purpose: Purpose,
    /// Its method, and its body.
    pub method: Method,
    /// Where it goes. It has no user and no password: those are in the `Authorization` header.
    pub url: Url,
    /// Its headers. They may hold secrets of the server that [`url`](Self::url) names.
    pub headers: HeaderMap,
    /// The proxy that it passes. Its URL may hold a password.
    pub proxy: Option<Url>,
    /// How long the head of the final response may take, redirects included. The time that the request waits for its turn in
    /// a queue of the adapter does not count.
    pub response_timeout: Option<Duration>,
}

/// The headers that tell nothing about who asks. They are sent to every server of a chain of redirects.
const PORTABLE: [HeaderName; 8] = [
    ACCEPT,
    ACCEPT_ENCODING,
    ACCEPT_LANGUAGE,
    IF_MODIFIED_SINCE,
    IF_NONE_MATCH,
    IF_RANGE,
    RANGE,
    USER_AGENT,
];

impl Request {
    /// The headers that a request to `url` carries when this request is redirected there: all of them if scheme, host and port
    /// are the same, else only those that hold no secrets.
    pub fn headers_for(&self, url: &Url) -> HeaderMap {
        if self.url.origin() == url.origin() {
            return self.headers.clone();
        }
        let portable = self.headers.iter().filter(|(name, _)| PORTABLE.contains(name));
        portable
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect()
    }
}

/// Header values and the proxy may hold secrets, so they are not shown.
impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("purpose", &self.purpose)
            .field("host", &self.url.host_str())
            .field("headers", &self.headers.keys().collect::<Vec<_>>())
            .field("proxy", &self.proxy.as_ref().map(|_| "set"))
            .finish_non_exhaustive()
    }
}

/// The body of a response.
pub type Body = BoxStream<'static, Result<Bytes, TransportError>>;

/// A response whose body is still to come. Dropping it ends the transfer.
pub struct Response {
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// Where it came from after all redirects.
    pub url: Url,
    /// The address of the server, if the adapter knows it.
    pub remote: Option<SocketAddr>,
    /// Its body.
    pub body: Body,
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("status", &self.status)
            .field("remote", &self.remote)
            .finish_non_exhaustive()
    }
}

/// Why there is no response, or no end of its body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TransportFault {
    /// No connection could be made.
    Connect,
    /// The name of the host could not be resolved.
    Dns,
    /// The server is not trusted: its certificate is wrong.
    Tls,
    /// It took too long.
    Timeout,
    /// The connection ended before the response did.
    Cut,
    /// What came is no HTTP.
    Protocol,
    /// A rule of ours refuses it: the scheme, or an address that is not public.
    Refused,
    /// There were too many redirects, or they go in a circle.
    TooManyRedirects,
    /// The host is not asked now: it said so, its rate is used up, or it has failed too often.
    Paused {
        /// When it may be asked again.
        retry_after: Duration,
    },
    /// Too many requests wait already on this node.
    Overloaded,
    /// The node is shutting down.
    Draining,
}

impl TransportFault {
    /// The class of the failure in the attempts of a job.
    pub const fn class(&self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::Dns => "dns",
            Self::Tls => "tls",
            Self::Timeout => "timeout",
            Self::Cut => "cut",
            Self::Protocol => "protocol",
            Self::Refused => "refused",
            Self::TooManyRedirects => "redirects",
            Self::Paused { .. } => "paused",
            Self::Overloaded => "overloaded",
            Self::Draining => "interrupted",
        }
    }
}

/// A request failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct TransportError {
    /// Why.
    pub fault: TransportFault,
    /// What happened, for people. It holds no secrets: no query, no password, no header.
    pub text: String,
}

impl TransportError {
    /// A failure of this sort.
    pub fn new(fault: TransportFault, text: impl Into<String>) -> Self {
        Self {
            fault,
            text: text.into(),
        }
    }
}

/// Sends requests. The binary implements it over its pool of connections.
///
/// # Contract
/// * A response of any status is a response, not an error. Redirects (301, 302, 303, 307, 308) of a GET are followed, at most
///   ten. A POST follows only 307 and 308, with its body; another redirect is the response.
/// * On each redirect the headers are those of [`Request::headers_for`]: secrets of one host never reach another.
/// * The scheme is http or https, also after a redirect. The address of the host is checked after every resolution and before
///   every connection: loopback, private, link-local and other special ranges are [`Refused`](TransportFault::Refused) unless
///   the operator allows them. Where a proxy resolves the name, the adapter checks what it can: literal addresses.
/// * The body comes as the server sent it, without any content coding undone. A body that ends before the length that the
///   server announced ends with [`Cut`](TransportFault::Cut).
/// * Nothing is repeated: the job decides whether there is another attempt.
/// * The future, and the body, may be dropped at any time, and the connection is then closed.
#[async_trait]
pub trait Transport: fmt::Debug + Send + Sync + 'static {
    /// Sends a request and returns the head of its final response.
    async fn send(&self, request: Request) -> Result<Response, TransportError>;
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn secrets_stay_with_their_server() {
        let names = ["authorization", "cookie", "x-api-key", "user-agent", "range"];
        let headers = names
            .into_iter()
            .map(|name| (HeaderName::from_static(name), HeaderValue::from_static("v")))
            .collect();
        let request = Request {
            purpose: Purpose::Download,
            method: Method::Get,
            url: "https://a.example/x".parse().expect("a URL"),
            headers,
            proxy: None,
            response_timeout: None,
        };
        let count = |url: &str| request.headers_for(&url.parse().expect("a URL")).len();
        assert_eq!(count("https://a.example:443/y"), 5);
        for other in [
            "https://b.example/x",
            "http://a.example/x",
            "https://a.example:444/x",
        ] {
            assert_eq!(count(other), 2, "{other}");
        }
        assert!(!format!("{request:?}").contains("/x"));
    }
}

//! What programs ask of the proxy.

use http::{Uri, uri::Authority};

const MAX_HEADERS: usize = 64;

/// Why a program's request is refused.
#[derive(Debug)]
pub(crate) struct ProxyRequestError {
    status: &'static str,
    reason: String,
}

impl ProxyRequestError {
    pub(crate) fn new(status: &'static str, reason: impl Into<String>) -> Self {
        Self {
            status,
            reason: reason.into(),
        }
    }

    /// The response to the program.
    pub(crate) fn reply(&self) -> String {
        let Self { status, reason } = self;
        let ask = if status.starts_with("407") {
            "Proxy-Authenticate: Basic realm=\"stoa\"\r\n"
        } else {
            ""
        };
        format!(
            "HTTP/1.1 {status}\r\n{ask}Content-Type: text/plain\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{reason}",
            reason.len()
        )
    }
}

/// What a program asks the proxy for.
#[derive(Debug)]
pub(crate) struct ProxyRequest {
    pub(crate) host: String,
    pub(crate) port: u16,
    /// The head as the server gets it; `None` for a tunnel.
    pub(crate) head: Option<Vec<u8>>,
}

impl ProxyRequest {
    /// Reads the head of a request. `authorization` is the value that `Proxy-Authorization` must have.
    pub(crate) fn read(head: &[u8], authorization: &str) -> Result<Self, ProxyRequestError> {
        let bad = |why: &str| ProxyRequestError::new("400 Bad Request", why);
        let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
        let mut request = httparse::Request::new(&mut headers);
        let parsed = request.parse(head).map_err(|error| bad(&error.to_string()))?;
        let (true, Some(method), Some(target)) = (parsed.is_complete(), request.method, request.path) else {
            return Err(bad("no request"));
        };
        let shown = request.headers.iter().any(|h| {
            h.name.eq_ignore_ascii_case("proxy-authorization") && h.value == authorization.as_bytes()
        });
        if !shown {
            return Err(ProxyRequestError::new(
                "407 Proxy Authentication Required",
                "this proxy serves the programs of one server",
            ));
        }
        if method == "CONNECT" {
            let authority: Authority = target.parse().map_err(|_| bad("no host and port"))?;
            let port = authority.port_u16().ok_or_else(|| bad("no port"))?;
            return Ok(Self {
                host: plain(authority.host()),
                port,
                head: None,
            });
        }
        let uri: Uri = target.parse().map_err(|_| bad("no URL"))?;
        let (Some("http"), Some(host)) = (uri.scheme_str(), uri.host()) else {
            return Err(bad("no http URL"));
        };
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        Ok(Self {
            host: plain(host),
            port: uri.port_u16().unwrap_or(80),
            head: Some(own_head(method, path, request.headers)),
        })
    }
}

/// A host without the brackets of an IPv6 address.
fn plain(host: &str) -> String {
    host.trim_start_matches('[').trim_end_matches(']').to_owned()
}

/// The head of a request as a server gets it. The connection is for this request alone.
fn own_head(method: &str, path: &str, headers: &[httparse::Header<'_>]) -> Vec<u8> {
    let mut head = format!("{method} {path} HTTP/1.1\r\n").into_bytes();
    let ours = |name: &str| {
        let name = name.to_ascii_lowercase();
        name.starts_with("proxy-") || matches!(name.as_str(), "connection" | "keep-alive" | "upgrade")
    };
    for header in headers.iter().filter(|header| !ours(header.name)) {
        head.extend_from_slice(header.name.as_bytes());
        head.extend_from_slice(b": ");
        head.extend_from_slice(header.value);
        head.extend_from_slice(b"\r\n");
    }
    head.extend_from_slice(b"Connection: close\r\n\r\n");
    head
}

//! What programs ask of the proxy.

use http::{Uri, uri::Authority};

use super::body::Framing;

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
    pub(crate) kind: RequestKind,
}

/// How a program asks.
#[derive(Debug)]
pub(crate) enum RequestKind {
    /// By a connection of its own through the proxy.
    Tunnel,
    /// By one request that the proxy sends for it: the head as the server gets it, and where its body ends.
    Plain { head: Vec<u8>, body: Framing },
}

impl ProxyRequest {
    /// Reads the head of a request, and finds what its `Proxy-Authorization` stands for by `find`.
    pub(crate) fn read<S>(
        head: &[u8],
        find: impl Fn(&[u8]) -> Option<S>,
    ) -> Result<(Self, S), ProxyRequestError> {
        let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
        let mut request = httparse::Request::new(&mut headers);
        let parsed = request.parse(head).map_err(|error| bad(&error.to_string()))?;
        let (true, Some(method), Some(target)) = (parsed.is_complete(), request.method, request.path) else {
            return Err(bad("no request"));
        };
        let mut shown = named(request.headers, "proxy-authorization");
        let session = shown.find_map(find).ok_or_else(|| {
            ProxyRequestError::new(
                "407 Proxy Authentication Required",
                "this proxy serves the programs of one server",
            )
        })?;
        if method == "CONNECT" {
            let authority: Authority = target.parse().map_err(|_| bad("no host and port"))?;
            let port = authority.port_u16().ok_or_else(|| bad("no port"))?;
            let request = Self {
                host: plain(authority.host()),
                port,
                kind: RequestKind::Tunnel,
            };
            return Ok((request, session));
        }
        let uri: Uri = target.parse().map_err(|_| bad("no URL"))?;
        let (Some("http"), Some(host)) = (uri.scheme_str(), uri.host()) else {
            return Err(bad("no http URL"));
        };
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        let request = Self {
            host: plain(host),
            port: uri.port_u16().unwrap_or(80),
            kind: RequestKind::Plain {
                body: framing(request.headers)?,
                head: own_head(method, path, request.headers),
            },
        };
        Ok((request, session))
    }
}

fn bad(why: &str) -> ProxyRequestError {
    ProxyRequestError::new("400 Bad Request", why)
}

/// The values of a header.
fn named<'a>(headers: &'a [httparse::Header<'a>], name: &str) -> impl Iterator<Item = &'a [u8]> {
    let has = move |header: &&httparse::Header<'_>| header.name.eq_ignore_ascii_case(name);
    headers.iter().filter(has).map(|header| header.value)
}

/// Where the body ends. What two readers could understand differently is refused.
fn framing(headers: &[httparse::Header<'_>]) -> Result<Framing, ProxyRequestError> {
    let mut lengths = named(headers, "content-length");
    let mut codings = named(headers, "transfer-encoding");
    match (lengths.next(), codings.next()) {
        (None, None) => Ok(Framing::Length(0)),
        (None, Some(coding)) if coding.eq_ignore_ascii_case(b"chunked") && codings.next().is_none() => {
            Ok(Framing::Chunked)
        }
        (Some(length), None) if lengths.next().is_none() && length.iter().all(u8::is_ascii_digit) => {
            let length = std::str::from_utf8(length)
                .ok()
                .and_then(|text| text.parse().ok());
            length
                .map(Framing::Length)
                .ok_or_else(|| bad("a length that is no number"))
        }
        _ => Err(bad("a body whose end is not clear")),
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

#[cfg(test)]
mod tests {
    use super::*;

    fn read(head: &str) -> Result<ProxyRequest, String> {
        let head = head.replace('\n', "\r\n");
        let read = ProxyRequest::read(head.as_bytes(), |shown| (shown == b"me").then_some(()));
        read.map(|(request, ())| request).map_err(|error| error.reply())
    }

    #[test]
    fn a_body_must_have_one_end() {
        let body = |headers: &str| {
            let head = format!("POST http://h/x HTTP/1.1\nProxy-Authorization: me\n{headers}\n");
            match read(&head).map(|request| request.kind) {
                Ok(RequestKind::Plain { body, .. }) => Some(body),
                _ => None,
            }
        };
        assert_eq!(body(""), Some(Framing::Length(0)));
        assert_eq!(body("Content-Length: 7\n"), Some(Framing::Length(7)));
        assert_eq!(body("Transfer-Encoding: Chunked\n"), Some(Framing::Chunked));
        for unclear in [
            "Content-Length: 7\nContent-Length: 7\n",
            "Content-Length: +7\n",
            "Content-Length: \n",
            "Content-Length: 99999999999999999999\n",
            "Content-Length: 7\nTransfer-Encoding: chunked\n",
            "Transfer-Encoding: gzip, chunked\n",
            "Transfer-Encoding: chunked\nTransfer-Encoding: chunked\n",
        ] {
            assert_eq!(body(unclear), None, "{unclear}");
        }
    }

    #[test]
    fn a_server_gets_nothing_that_is_for_the_proxy() {
        let request = read(
            "GET http://h:81/x?y HTTP/1.1\nHost: h\nProxy-Authorization: me\nProxy-Connection: keep-alive\n\
             Connection: keep-alive\nUpgrade: h2c\nX: y\n\n",
        )
        .expect("a request");
        let RequestKind::Plain { head, .. } = request.kind else {
            panic!("no tunnel");
        };
        let want = "GET /x?y HTTP/1.1\r\nHost: h\r\nX: y\r\nConnection: close\r\n\r\n";
        assert_eq!(String::from_utf8_lossy(&head), want);
        assert_eq!((request.host.as_str(), request.port), ("h", 81));
        let refused = read("GET http://h/ HTTP/1.1\nProxy-Authorization: you\n\n").expect_err("a stranger");
        assert!(refused.starts_with("HTTP/1.1 407 "), "{refused}");
    }
}

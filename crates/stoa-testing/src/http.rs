//! A small HTTP/1.1 client that reports what happened on the wire.
//!
//! It shares no code with the server and the client under test, never retries, never follows a
//! redirect, never decodes an encoding, and says of every body whether it [ended cleanly](BodyEnd).

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;

mod body;
mod connection;
mod head;
mod stream;

pub use body::BodyEnd;
pub use connection::Connection;
pub use head::Headers;
pub use stream::{Digest, Streaming};

pub(crate) use body::{BodyReader, Framing, Step};
pub(crate) use head::read_head;

/// How long one exchange (for a stream, one step of it) may take before it fails with `TimedOut`.
pub const DEADLINE: Duration = Duration::from_mins(1);

/// An answer, read as far as it came.
#[derive(Clone, Debug)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// The headers in the order they came.
    pub headers: Headers,
    /// The body as far as it came.
    pub body: Bytes,
    /// How the body ended.
    pub end: BodyEnd,
}

impl Response {
    /// Whether all that was announced came.
    pub fn is_clean(&self) -> bool {
        self.end == BodyEnd::Clean
    }

    /// The first value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)
    }

    /// The body as text.
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("the body is UTF-8")
    }

    /// The body as JSON.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {:?}", self.body))
    }
}

/// `GET` on a connection of its own.
pub async fn get(url: &str) -> io::Result<Response> {
    request("GET", url, &[], b"").await
}

/// `HEAD` on a connection of its own.
pub async fn head(url: &str) -> io::Result<Response> {
    request("HEAD", url, &[], b"").await
}

/// Any request on a connection of its own.
pub async fn request(method: &str, url: &str, headers: &[(&str, &str)], body: &[u8]) -> io::Result<Response> {
    let (authority, target) = split_url(url);
    let mut connection = Connection::open(authority).await?;
    connection.send(method, target, headers, body).await
}

/// Writes the bytes as they are and reads one response.
pub async fn raw(address: SocketAddr, bytes: &[u8]) -> io::Result<Response> {
    let mut connection = Connection::open(&address.to_string()).await?;
    connection.write(bytes).await?;
    connection.read_response("GET").await
}

/// Writes the bytes as they are and reads all that comes until the peer closes (at most 64 MiB).
pub async fn raw_bytes(address: SocketAddr, bytes: &[u8]) -> io::Result<Bytes> {
    let mut connection = Connection::open(&address.to_string()).await?;
    connection.write(bytes).await?;
    connection.read_to_close().await
}

/// `host:port` and the rest of an `http://` URL.
pub(crate) fn split_url(url: &str) -> (&str, &str) {
    let rest = url
        .strip_prefix("http://")
        .unwrap_or_else(|| panic!("not an http:// URL: {url}"));
    match rest.find('/') {
        Some(slash) => rest.split_at(slash),
        None => (rest, "/"),
    }
}

/// Runs one step of an exchange under [`DEADLINE`].
async fn within<T>(step: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    let timed_out = || io::Error::new(io::ErrorKind::TimedOut, "the peer did not answer in time");
    tokio::time::timeout(DEADLINE, step)
        .await
        .unwrap_or_else(|_| Err(timed_out()))
}

//! A small HTTP/1.1 client that reports what happened on the wire.
//!
//! It shares no code with the server and the client under test, never retries, never follows a
//! redirect, never decodes an encoding, and says of every body whether it [ended cleanly](BodyEnd).

use std::io;
use std::net::SocketAddr;

use bytes::Bytes;

mod body;
mod connection;
mod exchange;
mod head;
mod response;
mod stream;

pub use body::BodyEnd;
pub use connection::Connection;
pub use exchange::DEADLINE;
pub use head::Headers;
pub use response::Response;
pub use stream::{Digest, Streaming};

pub(crate) use body::{BodyReader, Framing, Step};
pub(crate) use exchange::split_url;
pub(crate) use head::read_head;

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

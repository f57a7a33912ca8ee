//! A response read piece by piece.

use std::io;
use std::time::{Duration, Instant};

use bytes::Bytes;
use sha2::Digest as _;

use super::connection::Opened;
use super::exchange::{split_url, within};
use super::{BodyEnd, BodyReader, Connection, Headers};
use crate::content::hex;

/// A response whose body the test takes at its own pace. Dropping it hangs up.
#[derive(Debug)]
pub struct Streaming {
    /// The status code.
    pub status: u16,
    /// The headers in the order they came.
    pub headers: Headers,
    connection: Connection,
    body: BodyReader,
    asked: Instant,
    first_byte: Option<Duration>,
    received: u64,
    end: Option<BodyEnd>,
}

/// What is known of a body that was read and not kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Digest {
    /// How many bytes came.
    pub len: u64,
    /// Their SHA-256 in hexadecimal.
    pub sha256: String,
    /// How the body ended.
    pub end: BodyEnd,
}

impl Streaming {
    /// `GET`s a URL and reads the head of the answer.
    pub async fn open(url: &str, headers: &[(&str, &str)]) -> io::Result<Self> {
        let (authority, target) = split_url(url);
        let asked = Instant::now();
        let mut connection = Connection::open(authority).await?;
        connection.write_request("GET", target, headers, b"").await?;
        let Opened {
            status,
            headers,
            body,
        } = within(connection.read_opening("GET")).await?;
        Ok(Self {
            status,
            headers,
            connection,
            body,
            asked,
            first_byte: None,
            received: 0,
            end: None,
        })
    }

    /// The next piece of the body, `None` at its end.
    pub async fn next(&mut self) -> io::Result<Option<Bytes>> {
        if self.end.is_some() {
            return Ok(None);
        }
        match self.connection.next(&mut self.body).await? {
            Ok(data) => {
                self.first_byte.get_or_insert_with(|| self.asked.elapsed());
                self.received += data.len() as u64;
                Ok(Some(data))
            }
            Err(end) => {
                self.end = Some(end);
                Ok(None)
            }
        }
    }

    /// Reads on until at least `len` bytes of the body have come in all; false if it ends before.
    pub async fn read_past(&mut self, len: u64) -> io::Result<bool> {
        while self.received < len {
            if self.next().await?.is_none() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Reads the rest, and sums it up (the rest alone, if some was taken before).
    pub async fn digest(&mut self) -> io::Result<Digest> {
        let mut hasher = sha2::Sha256::new();
        let mut len = 0;
        while let Some(data) = self.next().await? {
            hasher.update(&data);
            len += data.len() as u64;
        }
        let end = self.end.expect("the end has been seen");
        Ok(Digest {
            len,
            sha256: hex(&hasher.finalize()),
            end,
        })
    }

    /// How many bytes of the body have come.
    pub fn received(&self) -> u64 {
        self.received
    }

    /// From before the connection to the first byte of the body.
    pub fn first_byte(&self) -> Option<Duration> {
        self.first_byte
    }

    /// How the body ended, once it has.
    pub fn end(&self) -> Option<BodyEnd> {
        self.end
    }

    /// Hangs up with a reset.
    pub fn reset(self) {
        self.connection.reset();
    }
}

//! A response.

use bytes::Bytes;

use super::{BodyEnd, Headers};

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

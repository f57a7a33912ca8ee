//! What is sent with a request.

use std::fmt;

use bytes::Bytes;
use http_body_util::{BodyExt, combinators::UnsyncBoxBody};

/// The body of a request.
#[derive(Default)]
pub struct RequestBody(Inner);

#[derive(Default)]
enum Inner {
    #[default]
    Empty,
    Bytes(Bytes),
    Stream(UnsyncBoxBody<Bytes, Box<dyn std::error::Error + Send + Sync>>),
}

/// A body taken apart, for transports.
pub enum RequestContent {
    /// In memory, perhaps empty.
    Bytes(Bytes),
    /// Read once.
    Stream(UnsyncBoxBody<Bytes, Box<dyn std::error::Error + Send + Sync>>),
}

impl RequestBody {
    /// No body.
    pub fn empty() -> Self {
        Self::default()
    }

    /// A body that is read while it is sent. Its request is never retried, because it cannot be read again.
    pub fn stream<B>(body: B) -> Self
    where
        B: http_body::Body<Data = Bytes> + Send + 'static,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        Self(Inner::Stream(body.map_err(Into::into).boxed_unsync()))
    }

    /// The content, for a transport.
    pub fn into_content(self) -> RequestContent {
        match self.0 {
            Inner::Empty => RequestContent::Bytes(Bytes::new()),
            Inner::Bytes(bytes) => RequestContent::Bytes(bytes),
            Inner::Stream(stream) => RequestContent::Stream(stream),
        }
    }

    /// The same body once more, if it can be sent twice.
    pub(crate) fn replay(&self) -> Option<Self> {
        match &self.0 {
            Inner::Empty => Some(Self(Inner::Empty)),
            Inner::Bytes(bytes) => Some(Self(Inner::Bytes(bytes.clone()))),
            Inner::Stream(_) => None,
        }
    }
}

impl From<Bytes> for RequestBody {
    fn from(bytes: Bytes) -> Self {
        Self(Inner::Bytes(bytes))
    }
}

impl From<String> for RequestBody {
    fn from(text: String) -> Self {
        Bytes::from(text).into()
    }
}

impl From<()> for RequestBody {
    fn from((): ()) -> Self {
        Self::empty()
    }
}

impl fmt::Debug for RequestBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Inner::Empty => f.write_str("RequestBody(empty)"),
            Inner::Bytes(bytes) => write!(f, "RequestBody({} bytes)", bytes.len()),
            Inner::Stream(_) => f.write_str("RequestBody(stream)"),
        }
    }
}

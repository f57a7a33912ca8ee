//! The port to the wire.

use std::{error::Error, fmt, sync::Arc};

use async_trait::async_trait;
use bytes::Bytes;
use http_body_util::combinators::UnsyncBoxBody;

use crate::{LaneKey, RequestBody};

/// An error of another crate, shared.
pub type Cause = Arc<dyn Error + Send + Sync>;

/// A request as it is handed to a transport.
pub type Request = http::Request<RequestBody>;

/// A body as a transport gives it.
pub type RawBody = UnsyncBoxBody<Bytes, TransportError>;

/// Makes one attempt: sends a request and waits for the head of its response.
///
/// # Contract
/// * It follows no redirects, retries nothing, keeps no queue and has no deadline: the lane does all of that.
/// * Dropping the future or the body gives up the exchange; a connection that is not free for reuse is closed.
#[async_trait]
pub trait Transport: fmt::Debug + Send + Sync + 'static {
    /// Sends `request`.
    async fn send(&self, request: Request) -> Result<http::Response<RawBody>, TransportError>;
}

/// Makes the transport of each lane, so that the connections of a lane go when the lane goes.
pub trait Transports: fmt::Debug + Send + Sync + 'static {
    /// A transport for `lane`.
    ///
    /// # Errors
    /// When none can be made, as without TLS roots.
    fn for_lane(&self, lane: &LaneKey) -> Result<Arc<dyn Transport>, TransportError>;
}

/// One transport for all lanes.
impl<T: Transport> Transports for Arc<T> {
    fn for_lane(&self, _lane: &LaneKey) -> Result<Arc<dyn Transport>, TransportError> {
        Ok(Self::clone(self) as _)
    }
}

/// What kind of failure an attempt ended with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransportErrorKind {
    /// No connection: unknown name, refused, unreachable, too slow.
    Connect,
    /// The server's certificate is not valid, or it speaks no TLS that we speak.
    Tls,
    /// The connection ended before the response did.
    Cut,
    /// What was received is not HTTP.
    Protocol,
    /// The request cannot be sent at all; the server is not to blame.
    Request,
    /// The request is [`PublicOnly`](crate::PublicOnly), and the server is at no public address.
    Private,
}

/// A failed attempt. Cheap to clone.
#[derive(Clone, Debug)]
pub struct TransportError {
    kind: TransportErrorKind,
    cause: Cause,
}

impl TransportError {
    /// A failure of this kind.
    pub fn new(kind: TransportErrorKind, cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        let cause = Cause::from(cause.into());
        Self { kind, cause }
    }

    /// What kind of failure it is.
    pub fn kind(&self) -> TransportErrorKind {
        self.kind
    }

    /// Whether another attempt may go better: not with an invalid certificate, and not for a bad request.
    pub fn is_retriable(&self) -> bool {
        matches!(self.kind, TransportErrorKind::Connect | TransportErrorKind::Cut)
    }

    /// What went wrong, for a caller that wraps it in its own error.
    pub fn cause(&self) -> &Cause {
        &self.cause
    }
}

/// The error with its causes in one line. A cause whose text an outer error already shows is not repeated.
impl fmt::Display for TransportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = self.cause.to_string();
        let mut next = self.cause.source();
        while let Some(cause) = next {
            let line = cause.to_string();
            if !text.contains(&line) {
                text = format!("{text}: {line}");
            }
            next = cause.source();
        }
        f.write_str(&text)
    }
}

/// No source: the text has all causes already, and printing the chain would say them twice.
impl Error for TransportError {}

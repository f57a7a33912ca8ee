//! What carries questions to etcd.

use std::{fmt, io, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use url::Url;

/// Carries HTTP requests. The adapter decides what is asked, of whom, and what comes of the answers.
///
/// Errors are for people: they name what went wrong, without headers and bodies, which hold secrets.
#[async_trait]
pub trait Transport: fmt::Debug + Send + Sync + 'static {
    /// POSTs a body, and gives back the answer once its head has come, which it must within `deadline`. The body may go on
    /// for hours: a watch is one answer. Redirects are not followed. A dropped future drops the request.
    async fn post(
        &self,
        url: &Url,
        headers: &[(&'static str, String)],
        body: Bytes,
        deadline: Duration,
    ) -> io::Result<HttpReply>;
}

/// An answer whose head has come.
#[derive(Debug)]
pub struct HttpReply {
    /// Its status code.
    pub status: u16,
    /// Its body. Dropping it ends the request.
    pub body: Box<dyn HttpBody>,
}

/// A body that comes piece by piece.
#[async_trait]
pub trait HttpBody: fmt::Debug + Send {
    /// The next piece, of any size that the transport holds anyway, without its framing; `None` when the body has ended
    /// as it should. One that is cut off is an error.
    async fn next_chunk(&mut self) -> io::Result<Option<Bytes>>;
}

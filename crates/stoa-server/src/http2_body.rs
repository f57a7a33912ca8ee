//! Bodies of HTTP/2 requests.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use h2::RecvStream;
use http::{HeaderMap, header::CONTENT_LENGTH};
use http_body::{Body, Frame, SizeHint};

/// The body of a request, as it arrives. What is taken of it makes room for more.
#[derive(Debug)]
pub(crate) struct RequestBody {
    stream: RecvStream,
    /// What is left of an announced length, in bytes; h2 holds the client to it.
    left: Option<u64>,
}

impl RequestBody {
    /// The body of a request with these headers.
    pub(crate) fn new(stream: RecvStream, headers: &HeaderMap) -> Self {
        let len = headers
            .get(CONTENT_LENGTH)
            .and_then(|len| len.to_str().ok()?.parse().ok());
        let left = if stream.is_end_stream() { Some(0) } else { len };
        Self { stream, left }
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = h2::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, h2::Error>>> {
        let this = self.get_mut();
        // Nothing here reads trailers.
        let Some(data) = ready!(this.stream.poll_data(cx)) else {
            return Poll::Ready(None);
        };
        Poll::Ready(Some(data.and_then(|data| {
            this.stream.flow_control().release_capacity(data.len())?;
            this.left = this.left.map(|left| left.saturating_sub(data.len() as u64));
            Ok(Frame::data(data))
        })))
    }

    fn is_end_stream(&self) -> bool {
        self.stream.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.left.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

//! The body of a response, with the permit that it still holds.

use std::{
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;
use parking_lot::Mutex;

use crate::{DispatchError, exchange::Exchange};

/// A response.
pub type Response = http::Response<ResponseBody>;

/// The body of a response, read as it arrives.
///
/// Until it has ended it holds its permit in the lane. It ends with an error when the server pauses for longer than the
/// lane allows, when the task's deadline passes and when the pool is closed. All of that is checked when it is read, so a
/// reader that keeps it unread keeps the permit. Dropping it early closes the connection: use [`ResponseBody::drain`] to
/// keep it.
pub struct ResponseBody {
    /// On the heap, because responses are moved around.
    exchange: Option<Box<Exchange>>,
    /// Where what is left goes when this is dropped, so that the pool can clean up after a consumer.
    back: Option<Arc<Mutex<Option<Box<Exchange>>>>>,
}

impl ResponseBody {
    pub(crate) fn new(exchange: Exchange) -> Self {
        Self {
            exchange: Some(Box::new(exchange)),
            back: None,
        }
    }

    /// When the body is dropped, what is left of it goes to the returned place.
    pub(crate) fn give_back(&mut self) -> Arc<Mutex<Option<Box<Exchange>>>> {
        let place = Arc::new(Mutex::new(None));
        self.back = Some(Arc::clone(&place));
        place
    }

    /// The next piece, never empty; `None` after the last one, and after an error.
    pub async fn chunk(&mut self) -> Option<Result<Bytes, DispatchError>> {
        loop {
            match self.frame().await? {
                Ok(frame) => match frame.into_data() {
                    Ok(data) if !data.is_empty() => return Some(Ok(data)),
                    _ => {}
                },
                Err(error) => return Some(Err(error)),
            }
        }
    }

    /// Everything, if it is at most `limit` bytes; `None` if it is more, and the connection is closed.
    ///
    /// # Errors
    /// When the body breaks off.
    pub async fn bytes(mut self, limit: usize) -> Result<Option<Bytes>, DispatchError> {
        let Some(first) = self.chunk().await.transpose()? else {
            return Ok(Some(Bytes::new()));
        };
        if first.len() > limit {
            return Ok(None);
        }
        let Some(second) = self.chunk().await.transpose()? else {
            return Ok(Some(first));
        };
        let mut all = Vec::from(first);
        let mut next = Some(second);
        while let Some(piece) = next {
            if all.len() + piece.len() > limit {
                return Ok(None);
            }
            all.extend_from_slice(&piece);
            next = self.chunk().await.transpose()?;
        }
        Ok(Some(all.into()))
    }

    /// Reads what is left and throws it away, to keep the connection: at most 64 KiB in at most 250 ms. With more, the
    /// connection is closed instead.
    pub async fn drain(mut self) {
        if let Some(exchange) = &mut self.exchange {
            exchange.clean_up().await;
        }
    }
}

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = DispatchError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, DispatchError>>> {
        match &mut self.exchange {
            Some(exchange) => exchange.poll_frame(cx),
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.exchange.as_ref().is_none_or(|exchange| exchange.has_ended())
    }

    fn size_hint(&self) -> SizeHint {
        self.exchange
            .as_ref()
            .map_or_else(|| SizeHint::with_exact(0), |exchange| exchange.size_hint())
    }
}

impl Drop for ResponseBody {
    fn drop(&mut self) {
        if let Some(place) = self.back.take() {
            *place.lock() = self.exchange.take();
        }
    }
}

impl fmt::Debug for ResponseBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let open = !self.is_end_stream();
        f.debug_struct("ResponseBody")
            .field("open", &open)
            .finish_non_exhaustive()
    }
}

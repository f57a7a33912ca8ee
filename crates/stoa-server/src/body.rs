//! Response bodies.

use std::{
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use futures_util::Stream;
use http_body::{Frame, SizeHint};
use stoa_proxy::{Growing, Held};
use stoa_storage::Blob;

use crate::{
    body_error::BodyError,
    finish::Finish,
    mounted_body::MountedBody,
    pieces::{BlobPieces, growing_pieces},
    read_ahead::ReadAhead,
};

type Pieces = Pin<Box<dyn Stream<Item = Result<Bytes, BodyError>> + Send>>;

/// A response body: in memory, or streamed piece by piece.
pub struct Body {
    kind: Kind,
    /// What is left of an announced length, in bytes.
    left: Option<u64>,
    /// Told when the body has ended; only streamed bodies have one.
    finish: Option<Box<Finish>>,
}

enum Kind {
    Full(Bytes),
    Stream { pieces: Pieces, _held: Held },
    Mounted(Box<MountedBody>),
}

impl Body {
    /// Bytes in memory.
    pub fn full(bytes: Bytes) -> Self {
        Self {
            left: Some(bytes.len() as u64),
            kind: Kind::Full(bytes),
            finish: None,
        }
    }

    /// No bytes.
    pub fn empty() -> Self {
        Self::full(Bytes::new())
    }

    /// What a mounted part sends, of which `len` bytes are announced.
    pub(crate) fn mounted(body: MountedBody, len: Option<u64>) -> Self {
        Self {
            kind: Kind::Mounted(Box::new(body)),
            left: len,
            finish: None,
        }
    }

    /// `len` bytes of a stored file from `start` on, read a little ahead of the client.
    pub(crate) fn blob(blob: Blob, start: u64, len: u64, ahead: &Arc<ReadAhead>) -> Self {
        let pieces = BlobPieces::new(blob, (start, start + len), Arc::clone(ahead));
        Self::stream(Box::pin(pieces), Some(len), Held::default())
    }

    /// A file that is still arriving.
    pub(crate) fn growing(growing: &Growing, held: Held, ahead: &Arc<ReadAhead>) -> Self {
        let pieces = growing_pieces(growing, Arc::clone(ahead));
        Self::stream(Box::pin(pieces), growing.total(), held)
    }

    fn stream(pieces: Pieces, left: Option<u64>, held: Held) -> Self {
        Self {
            kind: Kind::Stream { pieces, _held: held },
            left,
            finish: None,
        }
    }

    /// How many bytes, if all of them are in memory.
    pub(crate) fn in_memory(&self) -> Option<u64> {
        match &self.kind {
            Kind::Full(bytes) => Some(bytes.len() as u64),
            Kind::Stream { .. } | Kind::Mounted(_) => None,
        }
    }

    /// The bytes of a body in memory; of any other, none. Nothing is left of it.
    pub(crate) fn take_memory(&mut self) -> Bytes {
        match &mut self.kind {
            Kind::Full(bytes) => std::mem::take(bytes),
            Kind::Stream { .. } | Kind::Mounted(_) => Bytes::new(),
        }
    }

    /// Tells `finish` when the body has ended, or was dropped before.
    pub(crate) fn finishing(mut self, mut finish: Finish) -> Self {
        finish.streams(self.left.is_some());
        // A body that is at its end already is never asked for more.
        finish.sent(0, self.is_at_end());
        self.finish = Some(Box::new(finish));
        self
    }

    fn is_at_end(&self) -> bool {
        match (&self.kind, self.left) {
            (Kind::Full(bytes), _) => bytes.is_empty(),
            (_, Some(left)) => left == 0,
            (Kind::Stream { .. }, None) => false,
            (Kind::Mounted(body), None) => body.is_at_end(),
        }
    }

    /// The next frame of a body that is not in memory.
    fn poll_streamed(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let _span = self.finish.as_ref().map(|finish| finish.span().enter());
        match &mut self.kind {
            Kind::Full(_) => Poll::Ready(None),
            Kind::Stream { pieces, .. } => {
                let piece = ready!(pieces.as_mut().poll_next(cx));
                Poll::Ready(piece.map(|piece| piece.map(Frame::data)))
            }
            Kind::Mounted(body) => match (ready!(body.poll_frame(cx)), self.left) {
                (None, Some(left)) if left > 0 => Poll::Ready(Some(Err(BodyError::Missing(left)))),
                (frame, _) => Poll::Ready(frame),
            },
        }
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = self.get_mut();
        match &mut this.kind {
            Kind::Full(bytes) if bytes.is_empty() => return Poll::Ready(None),
            Kind::Full(bytes) => return Poll::Ready(Some(Ok(Frame::data(std::mem::take(bytes))))),
            Kind::Stream { .. } | Kind::Mounted(_) => {}
        }
        let frame = ready!(this.poll_streamed(cx));
        let sent = match &frame {
            Some(Ok(frame)) => frame.data_ref().map_or(0, Bytes::len) as u64,
            _ => 0,
        };
        this.left = this.left.map(|left| left.saturating_sub(sent));
        let is_whole = frame.is_none() || this.is_at_end();
        match (&frame, &mut this.finish) {
            (Some(Err(error)), Some(finish)) => finish.failed(error),
            (_, Some(finish)) => finish.sent(sent, is_whole),
            (_, None) => {}
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.is_at_end()
    }

    fn size_hint(&self) -> SizeHint {
        match (&self.kind, self.left) {
            (Kind::Full(bytes), _) => SizeHint::with_exact(bytes.len() as u64),
            (_, Some(left)) => SizeHint::with_exact(left),
            (_, None) => SizeHint::default(),
        }
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            Kind::Full(bytes) => write!(f, "Body({} bytes)", bytes.len()),
            Kind::Stream { .. } => write!(f, "Body(stream, {:?} left)", self.left),
            Kind::Mounted(_) => write!(f, "Body(mounted, {:?} left)", self.left),
        }
    }
}

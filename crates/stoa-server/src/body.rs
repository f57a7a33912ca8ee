//! Response bodies.

use std::{
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use stoa_proxy::{Growing, Held};
use stoa_storage::Blob;

use crate::{
    body_error::BodyError,
    finish::Finish,
    mounted_body::MountedBody,
    pieces::{BlobPieces, GrowingPieces, Pieces},
    read_ahead::ReadAhead,
};

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
    File(Box<FileBody>),
    Mounted(Box<MountedBody>),
}

struct FileBody {
    pieces: Box<dyn Pieces>,
    /// The largest piece to be read next, in bytes.
    most: u64,
    ahead: Arc<ReadAhead>,
    _held: Held,
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
        Self::file(Box::new(pieces), Some(len), (ahead, Held::default()))
    }

    /// A file that is still arriving.
    pub(crate) fn growing(growing: &Growing, held: Held, ahead: &Arc<ReadAhead>) -> Self {
        let pieces = GrowingPieces::new(growing, Arc::clone(ahead));
        Self::file(Box::new(pieces), growing.total(), (ahead, held))
    }

    fn file(pieces: Box<dyn Pieces>, left: Option<u64>, (ahead, held): (&Arc<ReadAhead>, Held)) -> Self {
        let file = FileBody {
            pieces,
            most: u64::MAX,
            ahead: Arc::clone(ahead),
            _held: held,
        };
        Self {
            kind: Kind::File(Box::new(file)),
            left,
            finish: None,
        }
    }

    /// Where the memory for its next piece comes from, if it is read of a file.
    pub(crate) fn ahead(&self) -> Option<&Arc<ReadAhead>> {
        match &self.kind {
            Kind::File(file) => Some(&file.ahead),
            Kind::Full(_) | Kind::Mounted(_) => None,
        }
    }

    /// Waits until something can be read of a file: whether there is anything. Of any other body there may always be.
    pub(crate) fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<bool> {
        let _span = self.finish.as_ref().map(|finish| finish.span().enter());
        match &mut self.kind {
            Kind::File(file) => file.pieces.poll_ready(cx),
            Kind::Full(_) | Kind::Mounted(_) => Poll::Ready(true),
        }
    }

    /// The largest piece that is to be read of a file next, in bytes.
    pub(crate) fn at_most(&mut self, bytes: u64) {
        if let Kind::File(file) = &mut self.kind {
            file.most = bytes.max(1);
        }
    }

    /// How many bytes, if all of them are in memory.
    pub(crate) fn in_memory(&self) -> Option<u64> {
        match &self.kind {
            Kind::Full(bytes) => Some(bytes.len() as u64),
            Kind::File(_) | Kind::Mounted(_) => None,
        }
    }

    /// The bytes of a body in memory; of any other, none. Nothing is left of it.
    pub(crate) fn take_memory(&mut self) -> Bytes {
        match &mut self.kind {
            Kind::Full(bytes) => std::mem::take(bytes),
            Kind::File(_) | Kind::Mounted(_) => Bytes::new(),
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
            (Kind::File(_), None) => false,
            (Kind::Mounted(body), None) => body.is_at_end(),
        }
    }

    /// The next frame of a body that is not in memory.
    fn poll_streamed(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let _span = self.finish.as_ref().map(|finish| finish.span().enter());
        match &mut self.kind {
            Kind::Full(_) => Poll::Ready(None),
            Kind::File(file) => {
                let piece = ready!(file.pieces.poll_piece(cx, file.most));
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
            Kind::File(_) | Kind::Mounted(_) => {}
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
            Kind::File(_) => write!(f, "Body(file, {:?} left)", self.left),
            Kind::Mounted(_) => write!(f, "Body(mounted, {:?} left)", self.left),
        }
    }
}

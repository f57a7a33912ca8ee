//! Response bodies.

use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use http_body::{Frame, SizeHint};
use stoa_proxy::{Growing, Held, ProxyError};
use stoa_storage::{Blob, StorageError};

use crate::finish::Finish;

/// How much of a stored file is read at once, in bytes.
const PIECE: u64 = 128 << 10;
/// How many pieces are read ahead of the client.
const AHEAD: usize = 2;

/// Why a body could not be sent to its end. The connection is cut, so that no client takes it for a whole one.
#[derive(Debug, thiserror::Error)]
pub enum BodyError {
    /// The transfer behind it failed.
    #[error(transparent)]
    Proxy(#[from] ProxyError),
    /// Storage failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// A stored file is shorter than it was.
    #[error("a stored file was cut short while it was sent")]
    Short,
}

impl BodyError {
    /// All that is known of it, for the log.
    pub(crate) fn report(&self) -> String {
        match self {
            Self::Proxy(error) => error.report().to_string(),
            Self::Storage(error) => error.report().to_string(),
            Self::Short => self.to_string(),
        }
    }
}

type Pieces = Pin<Box<dyn Stream<Item = Result<Bytes, BodyError>> + Send>>;

/// A response body: in memory, or streamed piece by piece.
pub struct Body {
    kind: Kind,
    /// Told when the body has ended; only streamed bodies have one.
    finish: Option<Finish>,
}

enum Kind {
    Full(Bytes),
    Stream {
        pieces: Pieces,
        left: Option<u64>,
        _held: Held,
    },
}

impl Body {
    /// Bytes in memory.
    pub fn full(bytes: Bytes) -> Self {
        Self {
            kind: Kind::Full(bytes),
            finish: None,
        }
    }

    /// No bytes.
    pub fn empty() -> Self {
        Self::full(Bytes::new())
    }

    /// `len` bytes of a stored file from `start` on, read a little ahead of the client.
    pub(crate) fn blob(blob: Blob, start: u64, len: u64, held: Held) -> Self {
        let end = start + len;
        let offsets = stream::iter((start..end).step_by(usize::try_from(PIECE).unwrap_or(usize::MAX)));
        let pieces = offsets
            .map(move |offset| {
                let blob = blob.clone();
                let want = usize::try_from(PIECE.min(end - offset)).unwrap_or(usize::MAX);
                async move {
                    let piece = blob.read_at(offset, want).await?;
                    // A stored file never shrinks; if the disk says otherwise, the client must not believe it whole.
                    if piece.len() == want {
                        Ok(piece)
                    } else {
                        Err(BodyError::Short)
                    }
                }
            })
            .buffered(AHEAD);
        Self::stream(Box::pin(pieces), Some(len), held)
    }

    /// A file that is still arriving.
    pub(crate) fn growing(growing: &Growing, held: Held) -> Self {
        let pieces = stream::unfold(growing.follow(), |mut follower| async {
            let piece = follower.next().await?;
            Some((piece.map_err(BodyError::from), follower))
        });
        Self::stream(Box::pin(pieces), growing.total(), held)
    }

    fn stream(pieces: Pieces, left: Option<u64>, held: Held) -> Self {
        Self {
            kind: Kind::Stream {
                pieces,
                left,
                _held: held,
            },
            finish: None,
        }
    }

    /// Bytes, if all of them are in memory.
    pub(crate) fn in_memory(&self) -> Option<u64> {
        match &self.kind {
            Kind::Full(bytes) => Some(bytes.len() as u64),
            Kind::Stream { .. } => None,
        }
    }

    /// Tells `finish` when the body has ended, or was dropped before.
    pub(crate) fn finishing(mut self, finish: Finish) -> Self {
        self.finish = Some(finish);
        self
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
            Kind::Full(bytes) if bytes.is_empty() => Poll::Ready(None),
            Kind::Full(bytes) => Poll::Ready(Some(Ok(Frame::data(std::mem::take(bytes))))),
            Kind::Stream { pieces, left, .. } => {
                let piece = std::task::ready!(pieces.as_mut().poll_next(cx));
                match (&piece, &mut this.finish) {
                    (Some(Ok(bytes)), finish) => {
                        if let Some(left) = left {
                            *left = left.saturating_sub(bytes.len() as u64);
                        }
                        if let Some(finish) = finish {
                            finish.sent(bytes.len() as u64, *left == Some(0));
                        }
                    }
                    (None, Some(finish)) => finish.sent(0, true),
                    (Some(Err(error)), Some(finish)) => finish.failed(error),
                    _ => {}
                }
                Poll::Ready(piece.map(|piece| piece.map(Frame::data)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.kind {
            Kind::Full(bytes) => bytes.is_empty(),
            Kind::Stream { left, .. } => *left == Some(0),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.kind {
            Kind::Full(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Kind::Stream { left: Some(left), .. } => SizeHint::with_exact(*left),
            Kind::Stream { left: None, .. } => SizeHint::default(),
        }
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            Kind::Full(bytes) => write!(f, "Body({} bytes)", bytes.len()),
            Kind::Stream { left, .. } => write!(f, "Body(stream, {left:?} left)"),
        }
    }
}

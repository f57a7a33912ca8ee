//! A file without a name, in which what is on its way waits.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use async_trait::async_trait;
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use crate::blocking::blocking;
use crate::pread;
use crate::stage::ReadAt;

/// How much of a file is read at once on its way up, in bytes.
const PIECE: usize = 256 << 10;

/// A file without a name: it is gone with its last reader, also when the process dies.
#[derive(Debug)]
pub(super) struct Spool {
    file: Arc<File>,
    len: AtomicU64,
}

impl Spool {
    pub(super) fn new(file: File) -> Self {
        Self {
            file: Arc::new(file),
            len: AtomicU64::new(0),
        }
    }

    /// How much has been written.
    pub(super) fn len(&self) -> u64 {
        self.len.load(Ordering::Acquire)
    }

    /// Appends a piece. There is one writer at a time.
    pub(super) async fn append(&self, chunk: Bytes) -> io::Result<()> {
        let (file, at) = (Arc::clone(&self.file), self.len());
        let end = at + chunk.len() as u64;
        let written: io::Result<()> = blocking(move || file.write_all_at(&chunk, at)).await;
        written?;
        self.len.store(end, Ordering::Release);
        Ok(())
    }

    /// The whole as a body.
    pub(super) fn body(self: &Arc<Self>) -> SpoolBody {
        SpoolBody {
            spool: Arc::clone(self),
            at: 0,
            reading: None,
        }
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl ReadAt for Spool {
    async fn read_at(&self, offset: u64, len: usize) -> io::Result<Bytes> {
        let left = self.len().saturating_sub(offset);
        let len = usize::try_from(left).map_or(len, |left| len.min(left));
        if len == 0 {
            return Ok(Bytes::new());
        }
        pread::read(Arc::clone(&self.file), offset, len).await
    }
}

type Reading = Pin<Box<dyn Future<Output = io::Result<Bytes>> + Send>>;

/// The content of a spool, one piece after the other.
pub(super) struct SpoolBody {
    spool: Arc<Spool>,
    at: u64,
    reading: Option<Reading>,
}

impl Body for SpoolBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        if self.is_end_stream() {
            return Poll::Ready(None);
        }
        let (spool, at) = (Arc::clone(&self.spool), self.at);
        let reading = self
            .reading
            .get_or_insert_with(|| Box::pin(async move { spool.read_at(at, PIECE).await }));
        let piece = std::task::ready!(reading.as_mut().poll(cx));
        self.reading = None;
        let piece = piece.and_then(|piece| {
            let cut = piece.is_empty().then(|| io::ErrorKind::UnexpectedEof.into());
            cut.map_or(Ok(piece), Err)
        });
        Poll::Ready(Some(piece.map(|piece| {
            self.at += piece.len() as u64;
            Frame::data(piece)
        })))
    }

    fn is_end_stream(&self) -> bool {
        self.at >= self.spool.len()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.spool.len().saturating_sub(self.at))
    }
}

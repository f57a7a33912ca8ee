//! Reading a large object.

use std::fmt;
use std::io;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt as _;
use futures_util::stream::BoxStream;
use object_store::path::Path;
use object_store::{GetOptions, GetRange, GetResult, ObjectStore};
use tokio::sync::Semaphore;

use crate::stage::ReadAt;

/// An object that is read as its client reads: one answer after the other, as far as the places follow one another.
///
/// The answer that opened the object is read on from its start. A read elsewhere asks for just that range; one that goes
/// on behind it asks for all the rest, since a client that reads on is at it. All of them name the object's entity tag, so
/// that an object that was replaced is an error and never a mix.
pub(super) struct ObjectReader {
    store: Arc<dyn ObjectStore>,
    path: Path,
    version: Option<String>,
    len: u64,
    /// One reader at a time, in the order in which they came: pieces are asked for ahead of their client.
    turn: Semaphore,
    flow: parking_lot::Mutex<Flow>,
}

/// Where the last read ended, and the answer that goes on there, if there is one.
struct Flow {
    at: u64,
    pieces: Option<BoxStream<'static, object_store::Result<Bytes>>>,
    /// What has arrived of it and was not asked for yet.
    ahead: Bytes,
}

impl ObjectReader {
    /// Reads the object whose whole is `opened`.
    pub(super) fn new(
        store: Arc<dyn ObjectStore>,
        path: Path,
        version: Option<String>,
        opened: GetResult,
    ) -> Self {
        Self {
            store,
            path,
            version,
            len: opened.meta.size,
            turn: Semaphore::new(1),
            flow: parking_lot::Mutex::new(Flow {
                at: 0,
                pieces: Some(opened.into_stream()),
                ahead: Bytes::new(),
            }),
        }
    }

    /// The answer for the bytes from `start` to `end`.
    async fn ask(&self, start: u64, end: u64) -> io::Result<BoxStream<'static, object_store::Result<Bytes>>> {
        let mut options = GetOptions::new().with_range(Some(GetRange::Bounded(start..end)));
        options.if_match.clone_from(&self.version);
        let found = self
            .store
            .get_opts(&self.path, options)
            .await
            .map_err(io::Error::other)?;
        if found.meta.size != self.len || found.range != (start..end) {
            return Err(io::Error::other("the object is another one by now"));
        }
        Ok(found.into_stream())
    }
}

impl Flow {
    /// The next `len` bytes; fewer where the answer ends.
    async fn take(&mut self, len: usize) -> io::Result<Bytes> {
        let Some(pieces) = &mut self.pieces else {
            return Ok(Bytes::new());
        };
        let mut read = self.ahead.split_to(len.min(self.ahead.len()));
        if read.len() < len {
            let mut joined = BytesMut::with_capacity(len);
            joined.extend_from_slice(&read);
            while joined.len() < len {
                let Some(piece) = pieces.next().await else { break };
                let mut piece = piece.map_err(io::Error::other)?;
                let wanted = piece.split_to(piece.len().min(len - joined.len()));
                joined.extend_from_slice(&wanted);
                self.ahead = piece;
            }
            read = joined.freeze();
        }
        self.at += read.len() as u64;
        Ok(read)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl ReadAt for ObjectReader {
    async fn read_at(&self, offset: u64, len: usize) -> io::Result<Bytes> {
        let end = self.len.min(offset.saturating_add(len as u64));
        if offset >= end {
            return Ok(Bytes::new());
        }
        let len = usize::try_from(end - offset).map_err(io::Error::other)?;
        let _turn = self.turn.acquire().await.map_err(io::Error::other)?;
        // Taken out, so that a read that is given up leaves no answer whose place is not known.
        let elsewhere = Flow {
            at: u64::MAX,
            pieces: None,
            ahead: Bytes::new(),
        };
        let mut flow = std::mem::replace(&mut *self.flow.lock(), elsewhere);
        if flow.at != offset || flow.pieces.is_none() {
            let goes_on = flow.at == offset;
            let until = if goes_on { self.len } else { end };
            flow = Flow {
                at: offset,
                pieces: Some(self.ask(offset, until).await?),
                ahead: Bytes::new(),
            };
            let read = flow.take(len).await?;
            if !goes_on {
                flow.pieces = None;
            }
            *self.flow.lock() = flow;
            return Ok(read);
        }
        let read = flow.take(len).await?;
        *self.flow.lock() = flow;
        Ok(read)
    }
}

impl fmt::Debug for ObjectReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ObjectReader")
            .field("path", &self.path)
            .field("len", &self.len)
            .finish_non_exhaustive()
    }
}

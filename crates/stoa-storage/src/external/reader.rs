//! Reading a file of the remote, at any offset.

use std::fmt;
use std::io;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::{Buf as _, Bytes, BytesMut};
use parking_lot::Mutex;
use stoa_dispatch::ResponseBody;

use super::fetched::{Fetched, Identity};
use super::remote::Remote;
use crate::key::FileKey;
use crate::stage::ReadAt;

/// Answers of one file that are kept open for the next read.
const KEPT: usize = 4;
/// How much is read over rather than asked for once more, in bytes.
const SKIP: u64 = 256 << 10;
/// How often a read asks for the file, after answers that broke off.
const TRIES: u32 = 3;

/// A file of the remote. It is read as its answer arrives; for another offset, or after an answer that broke off, it is
/// asked for once more: from that offset where the server knows ranges, else from its start, of which the beginning is
/// passed over.
///
/// Contents are told apart by what the server says of them (length, entity tag, date): a file that was replaced there is
/// not read on.
pub(super) struct RemoteFile {
    remote: Arc<Remote>,
    key: FileKey,
    len: u64,
    identity: Identity,
    open: Mutex<Vec<Cursor>>,
}

/// An answer that has been read up to an offset.
struct Cursor {
    at: u64,
    body: ResponseBody,
    rest: Bytes,
}

impl RemoteFile {
    /// The file of `len` bytes that `fetched` begins to send.
    pub(super) fn new(remote: Arc<Remote>, key: FileKey, len: u64, fetched: Fetched) -> Self {
        Self {
            remote,
            key,
            len,
            identity: fetched.identity,
            open: Mutex::new(vec![Cursor {
                at: fetched.start,
                body: fetched.body,
                rest: Bytes::new(),
            }]),
        }
    }

    /// The kept answer that gets to `offset` soonest.
    fn take(&self, offset: u64) -> Option<Cursor> {
        let mut open = self.open.lock();
        let near = |cursor: &Cursor| cursor.at <= offset && offset - cursor.at <= SKIP;
        let found = open.iter().enumerate().filter(|(_, cursor)| near(cursor));
        let (index, _) = found.max_by_key(|(_, cursor)| cursor.at)?;
        Some(open.swap_remove(index))
    }

    fn keep(&self, cursor: Cursor) {
        if cursor.at >= self.len {
            return;
        }
        let mut open = self.open.lock();
        let oldest = (open.len() >= KEPT).then(|| open.remove(0));
        open.push(cursor);
        drop(open);
        // Closed without the lock.
        drop(oldest);
    }

    async fn ask(&self, offset: u64) -> io::Result<Cursor> {
        let asked = self.remote.file(&self.key, offset, Some(&self.identity)).await;
        let fetched = asked.map_err(io::Error::other)?;
        let fetched = fetched.ok_or_else(|| io::Error::other("the storage service has it no longer"))?;
        Ok(Cursor {
            at: fetched.start,
            body: fetched.body,
            rest: Bytes::new(),
        })
    }
}

impl Cursor {
    /// Up to `len` bytes of what comes from `offset` on.
    async fn next(&mut self, offset: u64, len: usize) -> io::Result<Bytes> {
        loop {
            let over = usize::try_from(offset - self.at).unwrap_or(usize::MAX);
            let over = over.min(self.rest.len());
            self.rest.advance(over);
            self.at += over as u64;
            if self.at == offset && !self.rest.is_empty() {
                let piece = self.rest.split_to(len.min(self.rest.len()));
                self.at += piece.len() as u64;
                return Ok(piece);
            }
            match self.body.chunk().await {
                Some(Ok(chunk)) => self.rest = chunk,
                Some(Err(error)) => return Err(io::Error::other(error)),
                None => return Err(io::ErrorKind::UnexpectedEof.into()),
            }
        }
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl ReadAt for RemoteFile {
    async fn read_at(&self, offset: u64, len: usize) -> io::Result<Bytes> {
        let left = self.len.saturating_sub(offset);
        let len = usize::try_from(left).map_or(len, |left| len.min(left));
        if len == 0 {
            return Ok(Bytes::new());
        }
        let (mut first, mut more) = (Bytes::new(), BytesMut::new());
        let (mut cursor, mut tries, mut broke) = (self.take(offset), 0, None);
        while first.len() + more.len() < len {
            let read = first.len() + more.len();
            let at = offset + read as u64;
            let mut current = match cursor.take() {
                Some(cursor) => cursor,
                None if tries == TRIES => {
                    return Err(broke.unwrap_or_else(|| io::ErrorKind::UnexpectedEof.into()));
                }
                None => {
                    tries += 1;
                    self.ask(at).await?
                }
            };
            match current.next(at, len - read).await {
                Ok(piece) if first.is_empty() => first = piece,
                Ok(piece) => {
                    if more.is_empty() {
                        more.reserve(len - first.len());
                    }
                    more.extend_from_slice(&piece);
                }
                Err(error) => {
                    broke = Some(error);
                    continue;
                }
            }
            cursor = Some(current);
        }
        if let Some(cursor) = cursor {
            self.keep(cursor);
        }
        if more.is_empty() {
            return Ok(first);
        }
        Ok([first, more.freeze()].concat().into())
    }
}

impl fmt::Debug for RemoteFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RemoteFile")
            .field("key", &self.key.to_string())
            .field("len", &self.len)
            .finish_non_exhaustive()
    }
}

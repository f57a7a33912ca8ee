//! Files that arrive in memory piece by piece.

use std::fmt;
use std::io;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use parking_lot::RwLock;
use stoa_module::dirhash::H1;

use super::shelves::{Reserved, Shelves, place};
use crate::error::StorageError;
use crate::put::Put;
use crate::stage::{ReadAt, Stage};
use crate::stage_key::StageKey;

/// The pieces of a file, and the room they take.
pub(super) struct MemoryStage {
    shelves: Arc<Shelves>,
    key: StageKey,
    pieces: Arc<RwLock<Pieces>>,
    reserved: Reserved,
    /// A piece was refused.
    broken: bool,
}

impl MemoryStage {
    pub(super) fn begin(shelves: Arc<Shelves>, key: StageKey) -> Result<Self, StorageError> {
        let reserved = shelves.reserve(&key, 0)?;
        Ok(Self {
            shelves,
            key,
            pieces: Arc::default(),
            reserved,
            broken: false,
        })
    }

    fn check(&self) -> Result<(), StorageError> {
        if !self.broken {
            return Ok(());
        }
        let error = io::Error::other("an earlier write was refused");
        Err(StorageError::from_io("complete", &place(&self.key), error))
    }
}

impl fmt::Debug for MemoryStage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStage")
            .field("key", &self.key.to_string())
            .finish_non_exhaustive()
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Stage for MemoryStage {
    async fn write(&mut self, chunk: Bytes) -> Result<(), StorageError> {
        self.check()?;
        self.broken = true;
        let room = self.shelves.reserve(&self.key, chunk.len())?;
        self.reserved.join(room);
        self.pieces.write().push(Bytes::copy_from_slice(&chunk));
        self.broken = false;
        Ok(())
    }

    fn reader(&self) -> Arc<dyn ReadAt> {
        Arc::<RwLock<Pieces>>::clone(&self.pieces)
    }

    async fn commit(self: Box<Self>, h1: Option<&H1>) -> Result<Put, StorageError> {
        self.check()?;
        // The pieces and the whole are both in memory here for a moment; then readers use the whole.
        let content = self.pieces.write().join();
        Ok(self.shelves.shelve(&self.key, content, h1, self.reserved))
    }

    async fn reject(self: Box<Self>) -> Result<(), StorageError> {
        // Memory has no place to keep rejected bytes.
        self.check()
    }
}

/// A file in pieces, none of which is empty.
#[derive(Debug, Default)]
struct Pieces {
    /// Each with the offset at which it ends.
    pieces: Vec<(u64, Bytes)>,
}

impl Pieces {
    fn len(&self) -> u64 {
        self.pieces.last().map_or(0, |(end, _)| *end)
    }

    fn push(&mut self, piece: Bytes) {
        if !piece.is_empty() {
            self.pieces.push((self.len() + piece.len() as u64, piece));
        }
    }

    fn join(&mut self) -> Bytes {
        if let [(_, whole)] = self.pieces.as_slice() {
            return whole.clone();
        }
        let parts: Vec<&[u8]> = self.pieces.iter().map(|(_, piece)| piece.as_ref()).collect();
        let whole = Bytes::from(parts.concat());
        self.pieces.clear();
        self.push(whole.clone());
        whole
    }

    /// A slice where one piece has all that is asked for, a copy where it takes several.
    fn read(&self, offset: u64, len: usize) -> Bytes {
        let mut read = BytesMut::new();
        let first = self.pieces.partition_point(|(end, _)| *end <= offset);
        for (end, piece) in &self.pieces[first..] {
            let missing = len - read.len();
            let start =
                piece.len() - usize::try_from(end - offset - read.len() as u64).unwrap_or(piece.len());
            let stop = piece.len().min(start.saturating_add(missing));
            if read.is_empty() && (stop - start == len || *end == self.len()) {
                return piece.slice(start..stop);
            }
            read.extend_from_slice(&piece[start..stop]);
            if read.len() == len {
                break;
            }
        }
        read.freeze()
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl ReadAt for RwLock<Pieces> {
    async fn read_at(&self, offset: u64, len: usize) -> io::Result<Bytes> {
        Ok(self.read().read(offset, len))
    }
}

//! Keeping what passes by.

use std::fmt;
use std::io;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use parking_lot::Mutex;
use stoa_module::dirhash::H1;
use tokio::sync::Semaphore;

use super::room::{Room, passed_by};
use crate::blob::Blob;
use crate::key::FileKey;
use crate::put::Put;
use crate::stage::{ReadAt, Stage};

/// Reads a file of the storage behind, and keeps what is read in the one in front, as long as it is read from its start on
/// without a gap. When all of it has been read, it is kept for good.
pub(super) struct FillingReader {
    blob: Blob,
    key: FileKey,
    h1: Option<H1>,
    room: Arc<Room>,
    /// One reader at a time, in the order in which they came: pieces are asked for ahead of their client.
    turn: Semaphore,
    filling: Mutex<Option<Filling>>,
}

struct Filling {
    stage: Box<dyn Stage>,
    at: u64,
}

impl FillingReader {
    /// The same file as `blob`, which fills `stage` as it is read.
    pub(super) fn before(blob: Blob, stage: Box<dyn Stage>, key: &FileKey, room: &Arc<Room>) -> Blob {
        let (len, etag, h1) = (blob.len(), blob.etag().clone(), blob.h1());
        let reader = Self {
            blob,
            key: key.clone(),
            h1,
            room: Arc::clone(room),
            turn: Semaphore::new(1),
            filling: Mutex::new(Some(Filling { stage, at: 0 })),
        };
        Blob::from_reader(key.to_string().into(), Arc::new(reader), len, etag).with_h1(h1)
    }

    /// Keeps a piece. A front that fails loses its part, and the client nothing.
    async fn fill(&self, offset: u64, piece: &Bytes) {
        let filling = self.filling.lock().take_if(|filling| filling.at == offset);
        let Some(Filling { mut stage, at }) = filling else {
            return;
        };
        if let Err(error) = stage.write(piece.clone()).await {
            passed_by(&self.key, &error);
            return;
        }
        let at = at + piece.len() as u64;
        if at < self.blob.len() {
            *self.filling.lock() = Some(Filling { stage, at });
            return;
        }
        let (room, key, h1) = (Arc::clone(&self.room), self.key.clone(), self.h1);
        // The client need not wait for the disk.
        self.room.tasks().spawn(async move {
            match stage.commit(h1.as_ref()).await {
                Ok(Put::Stored) => room.took(at),
                Ok(Put::Existed) => {}
                Err(error) => passed_by(&key, &error),
            }
        });
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl ReadAt for FillingReader {
    async fn read_at(&self, offset: u64, len: usize) -> io::Result<Bytes> {
        let _turn = self.turn.acquire().await.map_err(io::Error::other)?;
        let piece = self.blob.read_at(offset, len).await.map_err(io::Error::other)?;
        self.fill(offset, &piece).await;
        Ok(piece)
    }
}

impl fmt::Debug for FillingReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FillingReader")
            .field("key", &self.key.to_string())
            .field("blob", &self.blob)
            .finish_non_exhaustive()
    }
}

//! A file on its way into the local storage.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use stoa_module::dirhash::H1;

use super::both::Both;
use super::saved::Saved;
use super::saver::Saver;
use crate::error::StorageError;
use crate::key::{FileKey, FileKind};
use crate::put::Put;
use crate::stage::{ReadAt, Stage};

/// How much of two files is compared at a time, in bytes.
const PIECE: usize = 256 << 10;

/// A stage of the local storage, whose commit looks first whether the remote has the file.
#[derive(Debug)]
pub(super) struct ExternalStage {
    both: Arc<Both>,
    saver: Arc<Saver>,
    key: FileKey,
    inner: Box<dyn Stage>,
    len: u64,
    /// A write has begun and not ended well.
    broken: bool,
}

impl ExternalStage {
    pub(super) fn new(both: Arc<Both>, saver: Arc<Saver>, key: FileKey, inner: Box<dyn Stage>) -> Self {
        Self {
            both,
            saver,
            key,
            inner,
            len: 0,
            broken: false,
        }
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Stage for ExternalStage {
    async fn write(&mut self, chunk: Bytes) -> Result<(), StorageError> {
        let len = chunk.len() as u64;
        let was_broken = std::mem::replace(&mut self.broken, true);
        self.inner.write(chunk).await?;
        self.len += len;
        self.broken = was_broken;
        Ok(())
    }

    fn reader(&self) -> Arc<dyn ReadAt> {
        self.inner.reader()
    }

    async fn commit(self: Box<Self>, h1: Option<&H1>) -> Result<Put, StorageError> {
        if self.broken {
            return self.inner.commit(h1).await;
        }
        let _turn = self.both.turns.take(&self.key.target).await;
        if self.both.local.open(&self.key).await?.is_none() && self.both.remote.has(&self.key).await? {
            if let Some(h1) = h1.filter(|_| self.key.kind == FileKind::Zip) {
                bring_hash(&self.both, &self.key, self.len, self.inner.reader(), h1).await?;
            }
            return Ok(Put::Existed);
        }
        let put = self.inner.commit(h1).await?;
        if put == Put::Stored {
            self.saver.soon(&self.key.target);
        }
        Ok(put)
    }

    async fn reject(self: Box<Self>) -> Result<(), StorageError> {
        self.inner.reject().await
    }
}

/// Gives the zip that the remote has its hash, if it has none and is the one of `len` bytes behind `reader`.
async fn bring_hash(
    both: &Both,
    key: &FileKey,
    len: u64,
    reader: Arc<dyn ReadAt>,
    h1: &H1,
) -> Result<(), StorageError> {
    let records = both.records();
    let Some(mut saved) = Saved::read(&records, &key.target).await? else {
        return Ok(());
    };
    if saved.h1.is_some() || saved.len(FileKind::Zip) != len {
        return Ok(());
    }
    let Some(zip) = both.open_remote(key).await?.filter(|zip| zip.len() == len) else {
        return Ok(());
    };
    let mut at = 0;
    while at < len {
        let there = zip.read_at(at, PIECE).await?;
        let here = reader.read_at(at, there.len()).await;
        let here = here.map_err(|error| StorageError::from_io("compare", "the stage".as_ref(), error))?;
        if here != there {
            return Ok(());
        }
        at += there.len() as u64;
    }
    saved.h1 = Some(*h1);
    saved.write(&records, &key.target).await
}

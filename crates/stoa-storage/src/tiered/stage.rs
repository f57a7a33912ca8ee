//! Files that arrive in both storages.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use stoa_module::dirhash::H1;

use super::room::{Room, passed_by};
use crate::error::StorageError;
use crate::key::FileKey;
use crate::put::Put;
use crate::stage::{ReadAt, Stage};

/// A file that arrives in the storage behind, and in the one in front as long as that can take it.
#[derive(Debug)]
pub(super) struct TieredStage {
    back: Box<dyn Stage>,
    front: Option<Box<dyn Stage>>,
    key: FileKey,
    len: u64,
    room: Arc<Room>,
    /// A write has begun and not ended well.
    broken: bool,
}

impl TieredStage {
    pub(super) fn new(
        back: Box<dyn Stage>,
        front: Option<Box<dyn Stage>>,
        key: FileKey,
        room: Arc<Room>,
    ) -> Self {
        Self {
            back,
            front,
            key,
            len: 0,
            room,
            broken: false,
        }
    }

    fn check(&self) -> Result<(), StorageError> {
        if !self.broken {
            return Ok(());
        }
        let error = io::Error::other("an earlier write failed or was given up");
        let place = PathBuf::from(self.key.to_string());
        Err(StorageError::from_io("complete", &place, error))
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Stage for TieredStage {
    async fn write(&mut self, chunk: Bytes) -> Result<(), StorageError> {
        self.check()?;
        self.broken = true;
        self.len += chunk.len() as u64;
        // Taken out, so that a write that is given up leaves no front with a hole.
        let front = self.front.take().filter(|_| self.room.has(self.len));
        self.back.write(chunk.clone()).await?;
        if let Some(mut front) = front {
            match front.write(chunk).await {
                Ok(()) => self.front = Some(front),
                Err(error) => passed_by(&self.key, &error),
            }
        }
        self.broken = false;
        Ok(())
    }

    fn reader(&self) -> Arc<dyn ReadAt> {
        self.back.reader()
    }

    async fn commit(self: Box<Self>, h1: Option<&H1>) -> Result<Put, StorageError> {
        self.check()?;
        let put = self.back.commit(h1).await?;
        // What has no hash has an entity tag that the front does not know.
        let front = self.front.filter(|_| put == Put::Stored && h1.is_some());
        if let Some(front) = front {
            match front.commit(h1).await {
                Ok(Put::Stored) => self.room.took(self.len),
                Ok(Put::Existed) => {}
                Err(error) => passed_by(&self.key, &error),
            }
        }
        Ok(put)
    }

    async fn reject(self: Box<Self>) -> Result<(), StorageError> {
        self.check()?;
        self.back.reject().await
    }
}

//! A file on its way into the database.

use std::fmt;
use std::io;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use stoa_module::dirhash::H1;

use super::artifacts;
use super::shelf::Shelf;
use super::spool::Spool;
use crate::error::StorageError;
use crate::put::Put;
use crate::stage::{ReadAt, Stage};
use crate::stage_key::StageKey;

/// A file that is collected in the spool, and sent to the database when it is committed.
pub(super) struct MongoStage {
    shelf: Arc<Shelf>,
    key: StageKey,
    spool: Arc<Spool>,
    /// A write has begun and not ended well.
    broken: bool,
}

impl MongoStage {
    pub(super) async fn begin(shelf: Arc<Shelf>, key: StageKey) -> Result<Self, StorageError> {
        let spool = Arc::new(Spool::begin(&shelf.spool).await?);
        Ok(Self {
            shelf,
            key,
            spool,
            broken: false,
        })
    }

    fn check(&self) -> Result<(), StorageError> {
        if !self.broken {
            return Ok(());
        }
        let error = io::Error::other("an earlier write failed or was given up");
        Err(StorageError::from_io(
            "complete",
            self.key.to_string().as_ref(),
            error,
        ))
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Stage for MongoStage {
    async fn write(&mut self, chunk: Bytes) -> Result<(), StorageError> {
        self.check()?;
        self.broken = true;
        self.spool.write(chunk).await?;
        self.broken = false;
        Ok(())
    }

    fn reader(&self) -> Arc<dyn ReadAt> {
        Arc::<Spool>::clone(&self.spool)
    }

    async fn commit(self: Box<Self>, h1: Option<&H1>) -> Result<Put, StorageError> {
        self.check()?;
        let len = self.spool.len();
        match &self.key {
            StageKey::Module(key) => self.shelf.store(key, &*self.spool, len, h1).await,
            StageKey::Artifact(name) => artifacts::store(&self.shelf, name, &*self.spool, len).await,
        }
    }

    async fn reject(self: Box<Self>) -> Result<(), StorageError> {
        self.check()?;
        let len = self.spool.len();
        match &self.key {
            StageKey::Module(key) => self.shelf.reject(key, &*self.spool, len).await,
            // Nobody looks into what was refused of these: what it should have been is known from elsewhere.
            StageKey::Artifact(_) => Ok(()),
        }
    }
}

impl fmt::Debug for MongoStage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MongoStage")
            .field("key", &self.key.to_string())
            .finish_non_exhaustive()
    }
}

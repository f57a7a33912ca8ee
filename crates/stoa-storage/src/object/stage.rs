//! Files that arrive piece by piece.

use std::fmt;
use std::io;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use parking_lot::Mutex;
use sha2::{Digest as _, Sha256};
use stoa_module::dirhash::H1;

use super::shelf::Shelf;
use super::spool::Spool;
use super::upload::Whole;
use crate::blocking::blocking;
use crate::error::StorageError;
use crate::put::Put;
use crate::stage::{ReadAt, Stage};
use crate::stage_key::StageKey;

/// A file that waits on this machine until it is whole.
pub(super) struct SpoolStage {
    shelf: Arc<Shelf>,
    key: StageKey,
    spool: Arc<Spool>,
    digest: Arc<Mutex<Sha256>>,
    /// A write has begun and not ended well.
    broken: bool,
}

impl SpoolStage {
    pub(super) async fn begin(shelf: Arc<Shelf>, key: StageKey) -> Result<Self, StorageError> {
        // A name that no object can have is refused now, and not after the download.
        shelf.keys.staged(&key)?;
        let staging = shelf.staging.clone();
        let file = blocking(move || {
            tempfile::tempfile_in(&staging)
                .map_err(|error| StorageError::from_io("write to", &staging, error))
        });
        let spool = Arc::new(Spool::new(file.await?));
        Ok(Self {
            shelf,
            key,
            spool,
            digest: Arc::default(),
            broken: false,
        })
    }

    /// The file, if it came whole.
    fn whole(self) -> Result<(Arc<Shelf>, StageKey, Whole), StorageError> {
        self.check()?;
        let digest = std::mem::take(&mut *self.digest.lock()).finalize();
        let whole = Whole {
            spool: self.spool,
            digest: digest.into(),
        };
        Ok((self.shelf, self.key, whole))
    }

    fn check(&self) -> Result<(), StorageError> {
        if !self.broken {
            return Ok(());
        }
        let error = io::Error::other("an earlier write failed or was given up");
        let place = self.shelf.keys.place(&self.shelf.keys.staged(&self.key)?);
        Err(StorageError::from_io("complete", &place, error))
    }
}

impl fmt::Debug for SpoolStage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SpoolStage")
            .field("key", &self.key.to_string())
            .finish_non_exhaustive()
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Stage for SpoolStage {
    async fn write(&mut self, chunk: Bytes) -> Result<(), StorageError> {
        self.check()?;
        if chunk.is_empty() {
            return Ok(());
        }
        self.broken = true;
        let (digest, bytes) = (Arc::clone(&self.digest), chunk.clone());
        let hashed: Result<(), io::Error> = blocking(move || {
            digest.lock().update(&bytes);
            Ok(())
        })
        .await;
        let written = match hashed {
            Ok(()) => self.spool.append(chunk).await,
            Err(error) => Err(error),
        };
        written.map_err(|error| StorageError::from_io("write to", &self.shelf.staging, error))?;
        self.broken = false;
        Ok(())
    }

    fn reader(&self) -> Arc<dyn ReadAt> {
        Arc::<Spool>::clone(&self.spool)
    }

    async fn commit(self: Box<Self>, h1: Option<&H1>) -> Result<Put, StorageError> {
        let (shelf, key, whole) = self.whole()?;
        let h1 = h1.filter(|_| key.zip().is_some());
        let put = shelf.upload(&shelf.keys.staged(&key)?, &whole, h1, false).await?;
        if let (Put::Existed, Some(h1), Some(target)) = (put, h1, key.zip()) {
            shelf.record_h1(target, &whole, h1).await?;
        }
        Ok(put)
    }

    async fn reject(self: Box<Self>) -> Result<(), StorageError> {
        let (shelf, key, whole) = self.whole()?;
        let path = shelf.keys.rejected(&key)?;
        shelf.upload(&path, &whole, None, true).await.map(drop)
    }
}

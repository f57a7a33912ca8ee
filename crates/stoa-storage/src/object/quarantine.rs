//! Taking files out of service.

use object_store::{Error, ObjectStoreExt as _};

use super::shelf::Shelf;
use crate::error::StorageError;
use crate::key::{FileKey, FileKind};
use crate::record_name::RecordName;

impl Shelf {
    /// Copies the object aside, then removes it. The hash beside a zip goes first: what is left of a quarantine that was
    /// cut off is a zip without a hash, and never a hash that waits for another zip.
    pub(super) async fn quarantine(&self, key: &FileKey) -> Result<bool, StorageError> {
        let (path, aside) = (self.keys.file(key)?, self.keys.quarantined(key)?);
        match self.store.copy(&path, &aside).await {
            Ok(()) => {}
            Err(Error::NotFound { .. }) => return Ok(false),
            Err(error) => return Err(self.failure("quarantine", &path, &error)),
        }
        self.take_away(key).await?;
        Ok(true)
    }

    /// Removes a file without keeping it.
    pub(super) async fn remove_file(&self, key: &FileKey) -> Result<bool, StorageError> {
        let is_there = self.exists(&self.keys.file(key)?).await?;
        if is_there {
            self.take_away(key).await?;
        }
        Ok(is_there)
    }

    /// Removes an artifact.
    pub(super) async fn remove_artifact(&self, name: &RecordName) -> Result<bool, StorageError> {
        let path = self.keys.record(name)?;
        let is_there = self.exists(&path).await?;
        if is_there {
            self.remove(&path).await?;
        }
        Ok(is_there)
    }

    async fn take_away(&self, key: &FileKey) -> Result<(), StorageError> {
        if key.kind == FileKind::Zip {
            self.remove(&self.keys.hash(&key.target)?).await?;
        }
        self.remove(&self.keys.file(key)?).await
    }
}

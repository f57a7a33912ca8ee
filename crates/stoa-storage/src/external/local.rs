//! The storage in which files wait for the others of their version.

use async_trait::async_trait;

use crate::disk::DiskStorage;
use crate::error::StorageError;
use crate::key::FileKey;
use crate::memory::MemoryStorage;
use crate::storage::Storage;

/// A storage from which a file can also be removed, because it is kept elsewhere by now.
///
/// Apart from [`Storage::quarantine`], which keeps the bytes aside: they would fill the disk with what is sound.
#[async_trait]
pub trait LocalStorage: Storage {
    /// Removes the file, and the recorded hash with a zip. Says whether there was one. Who has it open keeps reading it.
    async fn remove(&self, key: &FileKey) -> Result<bool, StorageError>;
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl LocalStorage for DiskStorage {
    async fn remove(&self, key: &FileKey) -> Result<bool, StorageError> {
        Self::remove(self, key).await
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl LocalStorage for MemoryStorage {
    async fn remove(&self, key: &FileKey) -> Result<bool, StorageError> {
        Ok(Self::remove(self, key))
    }
}

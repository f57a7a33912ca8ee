//! Modules in memory: for tests, and for proxies that may forget.

mod contents;
mod records;
mod shelves;
mod stage;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use stoa_module::dirhash::H1;
use stoa_module::{ModulePath, ModuleVersion};

use self::shelves::{Shelves, place};
use self::stage::MemoryStage;
use crate::artifacts::Artifacts;
use crate::blob::Blob;
use crate::error::StorageError;
use crate::key::{FileKey, FileKind};
use crate::link::Link;
use crate::put::Put;
use crate::record_name::RecordName;
use crate::records::Records;
use crate::stage::Stage;
use crate::storage::Storage;
use crate::stored_file::StoredFile;
use crate::stored_version::StoredVersion;

/// A storage in memory, with a bound on the bytes it holds, staged ones included.
///
/// Nothing is evicted: what does not fit is refused as [`StorageError::Full`]. Reads are slices of the stored
/// bytes. Quarantined files are dropped, because no operator could look at them.
#[derive(Clone)]
pub struct MemoryStorage {
    shelves: Arc<Shelves>,
}

impl MemoryStorage {
    /// An empty storage for up to `max_bytes` bytes of content.
    pub fn new(max_bytes: u64) -> Self {
        Self {
            shelves: Arc::new(Shelves::new(max_bytes)),
        }
    }
}

impl fmt::Display for MemoryStorage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "memory({})", self.shelves.max_bytes)
    }
}

impl fmt::Debug for MemoryStorage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let used = self.shelves.contents.lock().used;
        f.debug_struct("MemoryStorage")
            .field("used", &used)
            .field("max_bytes", &self.shelves.max_bytes)
            .finish()
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Storage for MemoryStorage {
    async fn open(&self, key: &FileKey) -> Result<Option<Blob>, StorageError> {
        let contents = self.shelves.contents.lock();
        let stored = contents.get(key);
        Ok(stored.map(|stored| {
            let blob = Blob::from_bytes(place(key), stored.content.clone(), stored.etag.clone());
            blob.with_h1(stored.h1)
        }))
    }

    async fn put(&self, key: &FileKey, content: Bytes) -> Result<Put, StorageError> {
        if self.shelves.contents.lock().get(key).is_some() {
            return Ok(Put::Existed);
        }
        let reserved = self.shelves.reserve(key, content.len())?;
        // A copy, because the bytes given may be a small part of a large buffer.
        Ok(self.shelves.shelve(
            &key.clone().into(),
            Bytes::copy_from_slice(&content),
            None,
            reserved,
        ))
    }

    async fn stage(&self, key: &FileKey) -> Result<Box<dyn Stage>, StorageError> {
        let stage = MemoryStage::begin(Arc::clone(&self.shelves), key.clone().into())?;
        Ok(Box::new(stage))
    }

    async fn h1(&self, target: &ModuleVersion) -> Result<Option<H1>, StorageError> {
        let key = FileKey::new(target.clone(), FileKind::Zip);
        Ok(self
            .shelves
            .contents
            .lock()
            .get(&key)
            .and_then(|stored| stored.h1))
    }

    async fn versions(&self, module: &ModulePath) -> Result<Vec<StoredVersion>, StorageError> {
        Ok(self.shelves.contents.lock().versions(module))
    }

    async fn modules(
        &self,
        after: Option<&ModulePath>,
        limit: usize,
    ) -> Result<Vec<ModulePath>, StorageError> {
        Ok(self.shelves.contents.lock().modules(after, limit))
    }

    async fn files(&self, after: Option<&FileKey>, limit: usize) -> Result<Vec<StoredFile>, StorageError> {
        Ok(self.shelves.contents.lock().files(after, limit))
    }

    async fn quarantine(&self, key: &FileKey) -> Result<bool, StorageError> {
        Ok(self.shelves.contents.lock().remove(key))
    }

    async fn remove(&self, key: &FileKey) -> Result<bool, StorageError> {
        Ok(self.shelves.contents.lock().remove(key))
    }

    async fn check(&self) -> Result<(), StorageError> {
        Ok(())
    }

    fn location(&self, _key: &FileKey) -> Option<PathBuf> {
        None
    }

    async fn link(&self, _key: &FileKey, _lifetime: Duration) -> Result<Option<Link>, StorageError> {
        Ok(None)
    }

    fn records(&self) -> Arc<dyn Records> {
        Arc::new(self.clone())
    }

    fn artifacts(&self) -> Arc<dyn Artifacts> {
        Arc::new(self.clone())
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Records for MemoryStorage {
    async fn read(&self, name: &RecordName) -> Result<Option<Bytes>, StorageError> {
        Ok(self.shelves.contents.lock().records.get(name).cloned())
    }

    async fn write(&self, name: &RecordName, content: Bytes) -> Result<(), StorageError> {
        self.shelves.write_record(name, &content)
    }

    async fn swap(&self, name: &RecordName, old: Option<&[u8]>, new: Bytes) -> Result<bool, StorageError> {
        self.shelves.swap_record(name, old, &new)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Artifacts for MemoryStorage {
    async fn open(&self, name: &RecordName) -> Result<Option<Blob>, StorageError> {
        Ok(self.shelves.artifact(name))
    }

    async fn stage(&self, name: &RecordName) -> Result<Box<dyn Stage>, StorageError> {
        let stage = MemoryStage::begin(Arc::clone(&self.shelves), name.clone().into())?;
        Ok(Box::new(stage))
    }

    async fn remove(&self, name: &RecordName) -> Result<bool, StorageError> {
        Ok(self.shelves.contents.lock().remove_artifact(name))
    }
}

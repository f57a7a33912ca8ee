//! Modules in memory: for tests, and for proxies that may forget.

mod contents;
mod records;
mod stage;

use std::fmt;
use std::io;
use std::ops::Bound;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use parking_lot::Mutex;
use stoa_module::dirhash::H1;
use stoa_module::{ModulePath, ModuleVersion};

use self::contents::{Contents, Stored};
use self::stage::MemoryStage;
use crate::blob::Blob;
use crate::error::StorageError;
use crate::key::{FileKey, FileKind};
use crate::records::Records;
use crate::stage::Stage;
use crate::storage::{Put, Storage, StoredVersion};

/// A storage in memory, with a bound on the bytes it holds, staged ones included.
///
/// Nothing is evicted: what does not fit is refused as [`StorageError::Full`]. Reads are slices of the stored
/// bytes. Quarantined files are dropped, as nobody could look at them.
#[derive(Clone)]
pub struct MemoryStorage {
    contents: Arc<Mutex<Contents>>,
    max_bytes: u64,
}

impl MemoryStorage {
    /// An empty storage for up to `max_bytes` bytes of content.
    pub fn new(max_bytes: u64) -> Self {
        Self {
            contents: Arc::new(Mutex::new(Contents::default())),
            max_bytes,
        }
    }

    /// Sets `bytes` aside for the file `key`, or refuses them.
    fn reserve(&self, key: &FileKey, bytes: usize) -> Result<Reserved, StorageError> {
        let bytes = bytes as u64;
        let mut contents = self.contents.lock();
        if self.max_bytes.saturating_sub(contents.used) < bytes {
            return Err(self.full(contents.used, &place(key)));
        }
        contents.used += bytes;
        Ok(Reserved {
            contents: Arc::clone(&self.contents),
            bytes,
        })
    }

    /// The refusal of what does not fit beside `used` bytes.
    fn full(&self, used: u64, place: &Path) -> StorageError {
        let message = format!(
            "the memory storage holds {used} of at most {} bytes",
            self.max_bytes
        );
        let error = io::Error::new(io::ErrorKind::StorageFull, message);
        StorageError::from_io("store", place, error)
    }

    /// Puts `content`, for which `reserved` bytes were set aside, under `key` unless that is taken.
    fn shelve(&self, key: &FileKey, content: Bytes, h1: Option<&H1>, reserved: Reserved) -> Put {
        let h1 = h1.filter(|_| key.kind == FileKind::Zip).copied();
        let stored = Stored::new(content, h1);
        let mut contents = self.contents.lock();
        let put = contents.add(key, stored);
        drop(contents);
        if put == Put::Stored {
            reserved.keep();
        }
        put
    }
}

impl fmt::Display for MemoryStorage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "memory({})", self.max_bytes)
    }
}

impl fmt::Debug for MemoryStorage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let used = self.contents.lock().used;
        f.debug_struct("MemoryStorage")
            .field("used", &used)
            .field("max_bytes", &self.max_bytes)
            .finish()
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Storage for MemoryStorage {
    async fn open(&self, key: &FileKey) -> Result<Option<Blob>, StorageError> {
        let contents = self.contents.lock();
        let stored = contents.get(key);
        Ok(stored.map(|stored| Blob::from_bytes(place(key), stored.content.clone(), stored.etag.clone())))
    }

    async fn put(&self, key: &FileKey, content: Bytes) -> Result<Put, StorageError> {
        if self.contents.lock().get(key).is_some() {
            return Ok(Put::Existed);
        }
        let reserved = self.reserve(key, content.len())?;
        // A copy, because the bytes given may be a small part of a large buffer.
        Ok(self.shelve(key, Bytes::copy_from_slice(&content), None, reserved))
    }

    async fn stage(&self, key: &FileKey) -> Result<Box<dyn Stage>, StorageError> {
        Ok(Box::new(MemoryStage::begin(self.clone(), key.clone())?))
    }

    async fn h1(&self, target: &ModuleVersion) -> Result<Option<H1>, StorageError> {
        let key = FileKey::new(target.clone(), FileKind::Zip);
        Ok(self.contents.lock().get(&key).and_then(|stored| stored.h1))
    }

    async fn versions(&self, module: &ModulePath) -> Result<Vec<StoredVersion>, StorageError> {
        Ok(self.contents.lock().versions(module))
    }

    async fn modules(
        &self,
        after: Option<&ModulePath>,
        limit: usize,
    ) -> Result<Vec<ModulePath>, StorageError> {
        let after = after.map_or(Bound::Unbounded, Bound::Excluded);
        Ok(self.contents.lock().modules(after, limit))
    }

    async fn quarantine(&self, key: &FileKey) -> Result<bool, StorageError> {
        Ok(self.contents.lock().remove(key))
    }

    async fn check(&self) -> Result<(), StorageError> {
        Ok(())
    }

    fn location(&self, _key: &FileKey) -> Option<PathBuf> {
        None
    }

    fn records(&self) -> Arc<dyn Records> {
        Arc::new(self.clone())
    }
}

/// Bytes that count as used. They are given back when this is dropped, unless they are kept.
struct Reserved {
    contents: Arc<Mutex<Contents>>,
    bytes: u64,
}

impl Reserved {
    /// Leaves the bytes counted, now as those of a stored file.
    fn keep(mut self) {
        self.bytes = 0;
    }

    /// Makes one reservation of two.
    fn join(&mut self, mut other: Self) {
        self.bytes += std::mem::take(&mut other.bytes);
    }
}

impl Drop for Reserved {
    fn drop(&mut self) {
        self.contents.lock().used -= self.bytes;
    }
}

/// What errors call the file.
fn place(key: &impl fmt::Display) -> PathBuf {
    Path::new("memory:").join(key.to_string())
}

//! A database that is connected to when it is first asked.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use parking_lot::Mutex;
use stoa_module::dirhash::H1;
use stoa_module::{ModulePath, ModuleVersion};
use tokio::sync::{OnceCell, Semaphore};
use tokio::time::Instant;

use super::{MongoOptions, MongoSettled, MongoStorage};
use crate::artifacts::Artifacts;
use crate::blob::Blob;
use crate::error::StorageError;
use crate::key::FileKey;
use crate::link::Link;
use crate::put::Put;
use crate::record_name::RecordName;
use crate::records::Records;
use crate::stage::Stage;
use crate::storage::Storage;
use crate::stored_file::StoredFile;
use crate::stored_version::StoredVersion;

/// A [`MongoStorage`] that is connected to when it is first asked, so that whoever uses it starts while the database is
/// away, and goes on when it is back.
#[derive(Clone, Debug)]
pub struct LateMongo {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    options: MongoOptions,
    connected: OnceCell<MongoStorage>,
    /// One tries at a time.
    turn: Semaphore,
    /// When the last try that failed began, and why it did.
    failed: Mutex<Option<(Instant, StorageError)>>,
}

impl LateMongo {
    /// The database of these options. Nothing is asked yet.
    pub fn new(options: MongoOptions) -> Self {
        Self {
            shared: Arc::new(Shared {
                options,
                connected: OnceCell::new(),
                turn: Semaphore::new(1),
                failed: Mutex::new(None),
            }),
        }
    }

    /// As [`MongoStorage::settle`].
    pub async fn settle(&self) -> Result<MongoSettled, StorageError> {
        self.get().await?.settle().await
    }

    /// The storage. Those who come while somebody tries share what that comes to: each try may take its deadline, and they
    /// would wait for one after the other.
    async fn get(&self) -> Result<&MongoStorage, StorageError> {
        let shared = &self.shared;
        if let Some(storage) = shared.connected.get() {
            return Ok(storage);
        }
        let came = Instant::now();
        // It is never closed.
        let _turn = shared.turn.acquire().await;
        let failed = shared.failed.lock().clone();
        if let Some((_, error)) = failed.filter(|(ended, _)| *ended >= came) {
            return Err(error);
        }
        let connecting = || MongoStorage::connect(&shared.options);
        let connected = shared.connected.get_or_try_init(connecting).await;
        if let Err(error) = &connected {
            *shared.failed.lock() = Some((Instant::now(), error.clone()));
        }
        connected
    }
}

impl fmt::Display for LateMongo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "mongodb({})", self.shared.options.database)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Storage for LateMongo {
    async fn open(&self, key: &FileKey) -> Result<Option<Blob>, StorageError> {
        Storage::open(self.get().await?, key).await
    }

    async fn put(&self, key: &FileKey, content: Bytes) -> Result<Put, StorageError> {
        self.get().await?.put(key, content).await
    }

    async fn stage(&self, key: &FileKey) -> Result<Box<dyn Stage>, StorageError> {
        Storage::stage(self.get().await?, key).await
    }

    async fn h1(&self, target: &ModuleVersion) -> Result<Option<H1>, StorageError> {
        self.get().await?.h1(target).await
    }

    async fn versions(&self, module: &ModulePath) -> Result<Vec<StoredVersion>, StorageError> {
        self.get().await?.versions(module).await
    }

    async fn modules(
        &self,
        after: Option<&ModulePath>,
        limit: usize,
    ) -> Result<Vec<ModulePath>, StorageError> {
        self.get().await?.modules(after, limit).await
    }

    async fn files(&self, after: Option<&FileKey>, limit: usize) -> Result<Vec<StoredFile>, StorageError> {
        self.get().await?.files(after, limit).await
    }

    async fn quarantine(&self, key: &FileKey) -> Result<bool, StorageError> {
        self.get().await?.quarantine(key).await
    }

    async fn remove(&self, key: &FileKey) -> Result<bool, StorageError> {
        Storage::remove(self.get().await?, key).await
    }

    async fn check(&self) -> Result<(), StorageError> {
        self.get().await?.check().await
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
impl Artifacts for LateMongo {
    async fn open(&self, name: &RecordName) -> Result<Option<Blob>, StorageError> {
        Artifacts::open(self.get().await?, name).await
    }

    async fn stage(&self, name: &RecordName) -> Result<Box<dyn Stage>, StorageError> {
        Artifacts::stage(self.get().await?, name).await
    }

    async fn remove(&self, name: &RecordName) -> Result<bool, StorageError> {
        Artifacts::remove(self.get().await?, name).await
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Records for LateMongo {
    async fn read(&self, name: &RecordName) -> Result<Option<Bytes>, StorageError> {
        Records::read(self.get().await?, name).await
    }

    async fn write(&self, name: &RecordName, content: Bytes) -> Result<(), StorageError> {
        Records::write(self.get().await?, name, content).await
    }

    async fn swap(&self, name: &RecordName, old: Option<&[u8]>, new: Bytes) -> Result<bool, StorageError> {
        self.get().await?.swap(name, old, new).await
    }
}

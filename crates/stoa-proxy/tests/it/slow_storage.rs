//! A storage whose last step waits for the test, or fails.

use std::{fmt, io, path::PathBuf, sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use stoa_module::{ModulePath, ModuleVersion, dirhash::H1};
use stoa_storage::{
    Blob, FileKey, Link, MemoryStorage, Put, ReadAt, Records, Stage, Storage, StorageError, StoredFile,
    StoredVersion,
};
use tokio::sync::watch;

/// What becomes of a commit or put.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    Waits,
    Succeeds,
    Fails,
}

#[derive(Clone, Debug)]
pub(crate) struct SlowStorage {
    inner: MemoryStorage,
    ending: Arc<watch::Sender<Ending>>,
    /// How many came to their end so far.
    ends: Arc<watch::Sender<usize>>,
}

#[derive(Debug)]
struct SlowStage(Box<dyn Stage>, SlowStorage);

impl SlowStorage {
    pub(crate) fn new(ending: Ending) -> Self {
        Self {
            inner: MemoryStorage::new(64 << 20),
            ending: Arc::new(watch::Sender::new(ending)),
            ends: Arc::default(),
        }
    }

    /// The storage behind it, as another process would use it.
    pub(crate) fn inner(&self) -> &dyn Storage {
        &self.inner
    }

    pub(crate) fn set(&self, ending: Ending) {
        self.ending.send_replace(ending);
    }

    /// Waits until so many files were complete.
    pub(crate) async fn reached(&self, count: usize) {
        self.ends
            .subscribe()
            .wait_for(|ends| *ends >= count)
            .await
            .unwrap();
    }

    async fn end(&self) -> Result<(), StorageError> {
        self.ends.send_modify(|ends| *ends += 1);
        let mut ending = self.ending.subscribe();
        let ending = *ending.wait_for(|ending| *ending != Ending::Waits).await.unwrap();
        if ending == Ending::Succeeds {
            return Ok(());
        }
        let full = io::Error::from(io::ErrorKind::StorageFull);
        Err(StorageError::from_io("store", "somewhere".as_ref(), full))
    }
}

impl fmt::Display for SlowStorage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "slow > {}", self.inner)
    }
}

#[async_trait]
impl Stage for SlowStage {
    async fn write(&mut self, chunk: Bytes) -> Result<(), StorageError> {
        self.0.write(chunk).await
    }

    fn reader(&self) -> Arc<dyn ReadAt> {
        self.0.reader()
    }

    async fn commit(self: Box<Self>, h1: Option<&H1>) -> Result<Put, StorageError> {
        self.1.end().await?;
        self.0.commit(h1).await
    }

    async fn reject(self: Box<Self>) -> Result<(), StorageError> {
        self.0.reject().await
    }
}

#[async_trait]
impl Storage for SlowStorage {
    async fn open(&self, key: &FileKey) -> Result<Option<Blob>, StorageError> {
        Storage::open(&self.inner, key).await
    }

    async fn put(&self, key: &FileKey, content: Bytes) -> Result<Put, StorageError> {
        self.end().await?;
        self.inner.put(key, content).await
    }

    async fn stage(&self, key: &FileKey) -> Result<Box<dyn Stage>, StorageError> {
        let stage = Storage::stage(&self.inner, key).await?;
        Ok(Box::new(SlowStage(stage, self.clone())))
    }

    async fn h1(&self, target: &ModuleVersion) -> Result<Option<H1>, StorageError> {
        self.inner.h1(target).await
    }

    async fn versions(&self, module: &ModulePath) -> Result<Vec<StoredVersion>, StorageError> {
        self.inner.versions(module).await
    }

    async fn modules(
        &self,
        after: Option<&ModulePath>,
        limit: usize,
    ) -> Result<Vec<ModulePath>, StorageError> {
        self.inner.modules(after, limit).await
    }

    async fn files(&self, after: Option<&FileKey>, limit: usize) -> Result<Vec<StoredFile>, StorageError> {
        self.inner.files(after, limit).await
    }

    async fn quarantine(&self, key: &FileKey) -> Result<bool, StorageError> {
        self.inner.quarantine(key).await
    }

    async fn remove(&self, key: &FileKey) -> Result<bool, StorageError> {
        Storage::remove(&self.inner, key).await
    }

    async fn check(&self) -> Result<(), StorageError> {
        self.inner.check().await
    }

    fn location(&self, key: &FileKey) -> Option<PathBuf> {
        self.inner.location(key)
    }

    async fn link(&self, key: &FileKey, lifetime: Duration) -> Result<Option<Link>, StorageError> {
        self.inner.link(key, lifetime).await
    }

    fn records(&self) -> Arc<dyn Records> {
        self.inner.records()
    }

    fn artifacts(&self) -> Arc<dyn stoa_storage::Artifacts> {
        self.inner.artifacts()
    }
}

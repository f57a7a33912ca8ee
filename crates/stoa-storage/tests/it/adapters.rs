//! Every adapter passes the suite, and so does a decorator that follows the rules.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use stoa_module::dirhash::H1;
use stoa_module::{ModulePath, ModuleVersion};
use stoa_storage::{
    Artifacts, Blob, DiskStorage, FileKey, Link, MemoryStorage, Put, ReadAt, Records, Stage, Storage,
    StorageError, StoredFile, StoredVersion, conformance,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn disk_conforms() {
    let directory = tempfile::tempdir().unwrap();
    let count = std::cell::Cell::new(0);
    conformance::run(async || {
        count.set(count.get() + 1);
        let root = directory.path().join(count.get().to_string());
        Arc::new(DiskStorage::open(root).unwrap()) as Arc<dyn Storage>
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn memory_conforms() {
    conformance::run(async || Arc::new(MemoryStorage::new(64 << 20)) as Arc<dyn Storage>).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_decorator_conforms() {
    conformance::run(async || {
        let inner = Arc::new(MemoryStorage::new(64 << 20));
        let storage = Remote { inner };
        assert_eq!(storage.to_string(), "remote > memory(67108864)");
        Arc::new(storage) as Arc<dyn Storage>
    })
    .await;
}

/// Hides that the inner storage is in this process: its blobs are read through a reader.
#[derive(Debug)]
struct Remote {
    inner: Arc<dyn Storage>,
}

impl fmt::Display for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "remote > {}", self.inner)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Storage for Remote {
    async fn open(&self, key: &FileKey) -> Result<Option<Blob>, StorageError> {
        let Some(blob) = self.inner.open(key).await? else {
            return Ok(None);
        };
        let (len, etag) = (blob.len(), blob.etag().clone());
        Ok(Some(Blob::from_reader(
            key.to_string().into(),
            Arc::new(RemoteFile { blob }),
            len,
            etag,
        )))
    }

    async fn put(&self, key: &FileKey, content: Bytes) -> Result<Put, StorageError> {
        self.inner.put(key, content).await
    }

    async fn stage(&self, key: &FileKey) -> Result<Box<dyn Stage>, StorageError> {
        self.inner.stage(key).await
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
        self.inner.remove(key).await
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

    fn artifacts(&self) -> Arc<dyn Artifacts> {
        self.inner.artifacts()
    }
}

#[derive(Debug)]
struct RemoteFile {
    blob: Blob,
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl ReadAt for RemoteFile {
    async fn read_at(&self, offset: u64, len: usize) -> io::Result<Bytes> {
        self.blob.read_at(offset, len).await.map_err(io::Error::other)
    }
}

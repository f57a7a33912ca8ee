//! What the tests share.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use stoa_dispatch::{HttpOptions, HttpTransports, LaneSettings, Pool};
use stoa_module::ModuleVersion;
use stoa_module::dirhash::H1;
use stoa_storage::external::{Authorization, ExternalOptions};
use stoa_storage::{ExternalStorage, FileKey, FileKind, MemoryStorage, Put, Storage};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::server::{Manner, Server};

/// A storage, its parts and the server behind it.
pub(crate) struct Lab {
    pub(crate) server: Server,
    pub(crate) local: MemoryStorage,
    pub(crate) pool: Pool,
    pub(crate) tasks: TaskTracker,
    pub(crate) storage: ExternalStorage,
}

/// A pool whose lanes fail at once: tests of failures wait for no retry.
pub(crate) fn pool() -> Pool {
    let mut settings = LaneSettings::default();
    settings.retry.max = 0;
    settings.breaker.mode = stoa_dispatch::BreakerMode::Disabled;
    settings.concurrency = stoa_dispatch::Concurrency::Fixed(64.try_into().unwrap());
    settings.queue = 10_000;
    let transports = HttpTransports::new(HttpOptions::default());
    Pool::builder(Arc::new(transports)).settings(settings).start()
}

impl Lab {
    pub(crate) async fn new(manner: Manner) -> Self {
        Self::with(manner, None).await
    }

    pub(crate) async fn with(manner: Manner, authorization: Option<Authorization>) -> Self {
        let (server, local) = (Server::start(manner).await, MemoryStorage::new(64 << 20));
        let (pool, tasks) = (pool(), TaskTracker::new());
        let mut options = ExternalOptions::new(server.url.parse().unwrap()).unwrap();
        options.deadline = Duration::from_secs(20);
        options.authorization = authorization;
        let (storage_local, stop) = (Arc::new(local.clone()), CancellationToken::new());
        let storage =
            ExternalStorage::new(storage_local, pool.clone(), &options, tasks.clone(), stop).unwrap();
        Self {
            server,
            local,
            pool,
            tasks,
            storage,
        }
    }

    /// Waits until nothing is being saved.
    pub(crate) async fn idle(&self) {
        self.tasks.close();
        self.tasks.wait().await;
        self.tasks.reopen();
    }

    /// Stores a version whose zip is `zip`.
    pub(crate) async fn store(&self, path: &str, version: &str, zip: Bytes, h1: Option<&H1>) {
        let small = |text: &str| Bytes::from(format!("{text} of {path}@{version}"));
        let stored = self
            .storage
            .put(&key(path, version, FileKind::Info), small("info"))
            .await;
        assert_eq!(stored.unwrap(), Put::Stored);
        let stored = self
            .storage
            .put(&key(path, version, FileKind::Mod), small("mod"))
            .await;
        assert_eq!(stored.unwrap(), Put::Stored);
        let mut stage = self
            .storage
            .stage(&key(path, version, FileKind::Zip))
            .await
            .unwrap();
        for piece in zip.chunks(100_000) {
            stage.write(zip.slice_ref(piece)).await.unwrap();
        }
        assert_eq!(stage.commit(h1).await.unwrap(), Put::Stored);
    }

    pub(crate) async fn content(&self, key: &FileKey) -> Option<Bytes> {
        let blob = self.storage.open(key).await.unwrap()?;
        Some(blob.bytes(usize::MAX).await.unwrap())
    }

    /// How many files wait in the local storage.
    pub(crate) async fn waiting(&self) -> usize {
        self.local.files(None, 1000).await.unwrap().len()
    }
}

pub(crate) fn target(path: &str, version: &str) -> ModuleVersion {
    ModuleVersion::new(path.parse().unwrap(), version.parse().unwrap()).unwrap()
}

pub(crate) fn key(path: &str, version: &str, kind: FileKind) -> FileKey {
    FileKey::new(target(path, version), kind)
}

pub(crate) fn hash(seed: u8) -> H1 {
    H1::from_bytes([seed; 32])
}

/// Bytes that differ at every place.
pub(crate) fn pattern(len: usize) -> Bytes {
    let words = (0..len as u64).map(|n| n.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes()[7]);
    words.collect()
}

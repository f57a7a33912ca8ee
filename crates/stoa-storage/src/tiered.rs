//! A bounded directory before a storage that is far away.

mod filling;
mod room;
mod stage;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use stoa_module::dirhash::H1;
use stoa_module::{ModulePath, ModuleVersion};
use tokio_util::task::TaskTracker;

use self::filling::FillingReader;
use self::room::{Room, passed_by};
use self::stage::TieredStage;
use crate::artifacts::Artifacts;
use crate::blob::{Blob, SMALL_FILE};
use crate::error::StorageError;
use crate::key::{FileKey, FileKind};
use crate::link::Link;
use crate::put::Put;
use crate::records::Records;
use crate::stage::Stage;
use crate::storage::Storage;
use crate::stored_file::StoredFile;
use crate::stored_version::StoredVersion;

/// A storage before another: what is read of the one behind is kept in the one in front, up to a bound.
///
/// The one behind has everything and decides everything: a file is stored when it is stored there, and lists are its lists.
/// The one in front is a memory of it that outlives the process. Where it fails, it is passed by, and said so in the log.
///
/// When it holds more than its bound, what was read the longest time ago goes, as its medium tells (on disk the time of
/// the last access, which most systems renew once a day), until a tenth of the room is free.
#[derive(Debug)]
pub struct TieredStorage {
    front: Arc<dyn Storage>,
    back: Arc<dyn Storage>,
    room: Arc<Room>,
}

impl TieredStorage {
    /// Keeps up to `max` bytes of `back` in `front`. Work that outlives a request runs on `tasks`; the first is to find out
    /// how much `front` holds. Must be called within a runtime.
    pub fn new(front: Arc<dyn Storage>, back: Arc<dyn Storage>, max: u64, tasks: TaskTracker) -> Self {
        let room = Room::new(Arc::clone(&front), max, tasks);
        room.sweep();
        Self { front, back, room }
    }

    /// What the front has, if that can be read.
    async fn in_front(&self, key: &FileKey) -> Option<Blob> {
        match self.front.open(key).await {
            Ok(blob) => blob,
            Err(error) => {
                passed_by(key, &error);
                None
            }
        }
    }

    /// Keeps a small file in front. A zip has a hash, which goes with it: its entity tag is made of that.
    async fn keep(&self, key: &FileKey, content: Bytes, h1: Option<&H1>) {
        let len = content.len() as u64;
        let is_known = (key.kind == FileKind::Zip) == h1.is_some();
        if !is_known || len > SMALL_FILE || !self.room.has(len) {
            return;
        }
        let put = async {
            if h1.is_none() {
                return self.front.put(key, content).await;
            }
            let mut stage = self.front.stage(key).await?;
            stage.write(content).await?;
            stage.commit(h1).await
        };
        match put.await {
            Ok(Put::Stored) => self.room.took(len),
            Ok(Put::Existed) => {}
            Err(error) => passed_by(key, &error),
        }
    }
}

impl fmt::Display for TieredStorage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "tiered({}, at most {} bytes) > {}",
            self.front,
            self.room.max(),
            self.back
        )
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Storage for TieredStorage {
    async fn open(&self, key: &FileKey) -> Result<Option<Blob>, StorageError> {
        if let Some(blob) = self.in_front(key).await {
            return Ok(Some(blob));
        }
        let Some(blob) = self.back.open(key).await? else {
            return Ok(None);
        };
        if let Some(content) = blob.in_memory().filter(|_| blob.len() <= SMALL_FILE) {
            self.keep(key, content.clone(), blob.h1().as_ref()).await;
            return Ok(Some(blob));
        }
        // Of a large file without a hash the front would have another entity tag.
        if blob.h1().is_none() || !self.room.has(blob.len()) {
            return Ok(Some(blob));
        }
        match self.front.stage(key).await {
            Ok(stage) => Ok(Some(FillingReader::before(blob, stage, key, &self.room))),
            Err(error) => {
                passed_by(key, &error);
                Ok(Some(blob))
            }
        }
    }

    async fn put(&self, key: &FileKey, content: Bytes) -> Result<Put, StorageError> {
        let put = self.back.put(key, content.clone()).await?;
        if put == Put::Stored {
            self.keep(key, content, None).await;
        }
        Ok(put)
    }

    async fn stage(&self, key: &FileKey) -> Result<Box<dyn Stage>, StorageError> {
        let back = self.back.stage(key).await?;
        let front = self.front.stage(key).await;
        let front = front.map_err(|error| passed_by(key, &error)).ok();
        Ok(Box::new(TieredStage::new(
            back,
            front,
            key.clone(),
            Arc::clone(&self.room),
        )))
    }

    async fn h1(&self, target: &ModuleVersion) -> Result<Option<H1>, StorageError> {
        self.back.h1(target).await
    }

    async fn versions(&self, module: &ModulePath) -> Result<Vec<StoredVersion>, StorageError> {
        self.back.versions(module).await
    }

    async fn modules(
        &self,
        after: Option<&ModulePath>,
        limit: usize,
    ) -> Result<Vec<ModulePath>, StorageError> {
        self.back.modules(after, limit).await
    }

    async fn files(&self, after: Option<&FileKey>, limit: usize) -> Result<Vec<StoredFile>, StorageError> {
        self.back.files(after, limit).await
    }

    async fn quarantine(&self, key: &FileKey) -> Result<bool, StorageError> {
        // Where only the front's copy is damaged, the one behind may be sound: both go, and it is fetched again.
        let in_front = self.front.quarantine(key).await?;
        Ok(self.back.quarantine(key).await? || in_front)
    }

    async fn remove(&self, key: &FileKey) -> Result<bool, StorageError> {
        let in_front = self.front.remove(key).await?;
        Ok(self.back.remove(key).await? || in_front)
    }

    async fn check(&self) -> Result<(), StorageError> {
        self.back.check().await
    }

    fn location(&self, _key: &FileKey) -> Option<PathBuf> {
        // What is in front today may be gone tomorrow.
        None
    }

    async fn link(&self, key: &FileKey, lifetime: Duration) -> Result<Option<Link>, StorageError> {
        self.back.link(key, lifetime).await
    }

    fn records(&self) -> Arc<dyn Records> {
        self.back.records()
    }

    fn artifacts(&self) -> Arc<dyn Artifacts> {
        self.back.artifacts()
    }
}

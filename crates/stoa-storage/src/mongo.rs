//! Modules in MongoDB.

mod artifacts;
mod athens;
mod database;
mod failure;
mod grid;
mod held;
mod kept;
mod late;
mod listing;
mod options;
mod records;
mod shelf;
mod spool;
mod stage;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use mongodb::bson::doc;
use stoa_module::dirhash::H1;
use stoa_module::{ModulePath, ModuleVersion};

use self::database::Database;
pub use self::late::LateMongo;
pub use self::options::MongoOptions;
use self::shelf::{FILES, Shelf};
use self::stage::MongoStage;
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

/// A storage in a MongoDB database, which any number of processes may share, and in which Athens may have been before.
///
/// It was tried against a stand-in only, which speaks the protocol over collections in memory: no server of MongoDB was
/// at hand. So replication, elections and the limits of a real server are as the manual says, not as they were seen.
///
/// # Layout
///
/// A file is stored once `stoa_files` has a document whose `_id` is the text of its key. Up to 64 KiB are in the document,
/// more is in the GridFS bucket `stoa_fs`, to which the document refers. So the unique index over `_id` decides which
/// content is first, and a zip shows when all of it is there. `stoa_records` has the records, `stoa_artifacts` the artifacts in the same form, `stoa_quarantine` what was
/// taken out of service or refused, with its bytes, for the operator to look at and delete. Writes are acknowledged by a
/// majority, journaled, and reads see no others.
///
/// What is on its way is noted in `stoa_uploads`. What dead writers left of it goes in [`settle`](Self::settle).
///
/// # What Athens stored
///
/// Its collection of versions and its bucket `fs` are read and never changed, but for an index over `module` and `version`,
/// which it lacks. A file that is found there gets a document of its own, so that it is found at once from then on; a zip
/// stays in Athens' bucket. There, two modules may share a file name, so that a zip counts as that of a module only if its
/// first entry (or its metadata) says so. What is quarantined of Athens' is hidden. Athens must not write at the same time:
/// neither knows what the other is about to store.
///
/// [`modules`](Storage::modules) and [`files`](Storage::files) list what has a document: all of it, after a
/// [`settle`](Self::settle).
#[derive(Clone, Debug)]
pub struct MongoStorage {
    shelf: Arc<Shelf>,
    abandoned: Duration,
}

/// What [`settle`](MongoStorage::settle) found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MongoSettled {
    /// Contents of dead writers, which are deleted now.
    pub swept: usize,
    /// Files that Athens keeps, each of which is listed now.
    pub of_athens: usize,
}

impl MongoStorage {
    /// Connects, and makes the indexes that are missing.
    pub async fn connect(options: &MongoOptions) -> Result<Self, StorageError> {
        let database = Database::connect(options).await?;
        grid::prepare(&database).await?;
        database.index(FILES, doc! {"place": 1}, false).await?;
        for referrer in [FILES, shelf::ASIDE, records::RECORDS, artifacts::ARTIFACTS] {
            database.index(referrer, doc! {"grid.id": 1}, false).await?;
        }
        if let Some(athens) = &options.athens {
            let (versions, one) = (database.collection(athens), doc! {});
            let used = database.run("look up", athens, versions.find_one(one)).await?;
            if used.is_some() {
                database
                    .index(athens, doc! {"module": 1, "version": 1}, false)
                    .await?;
            }
        }
        let shelf = Arc::new(Shelf {
            database,
            athens: options.athens.clone(),
            spool: options.spool.clone(),
        });
        Ok(Self {
            shelf,
            abandoned: options.abandoned,
        })
    }

    /// Deletes what dead writers left, and lists all that Athens keeps. For the owner, at the start; it may take a while
    /// where Athens has many versions, and costs some lookups for each of them.
    pub async fn settle(&self) -> Result<MongoSettled, StorageError> {
        Ok(MongoSettled {
            swept: self
                .shelf
                .sweep(self.abandoned, [records::RECORDS, artifacts::ARTIFACTS])
                .await?,
            of_athens: self.shelf.adopt_all().await?,
        })
    }
}

impl fmt::Display for MongoStorage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "mongodb({})", self.shelf.database.name())
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Storage for MongoStorage {
    async fn open(&self, key: &FileKey) -> Result<Option<Blob>, StorageError> {
        let found = self.shelf.find(key).await?;
        Ok(found.map(|kept| kept.into_blob(&self.shelf.database, key)))
    }

    async fn put(&self, key: &FileKey, content: Bytes) -> Result<Put, StorageError> {
        self.shelf.put(key, content).await
    }

    async fn stage(&self, key: &FileKey) -> Result<Box<dyn Stage>, StorageError> {
        let stage = MongoStage::begin(Arc::clone(&self.shelf), key.clone().into()).await?;
        Ok(Box::new(stage))
    }

    async fn h1(&self, target: &ModuleVersion) -> Result<Option<H1>, StorageError> {
        let zip = FileKey::new(target.clone(), FileKind::Zip);
        Ok(self.shelf.find(&zip).await?.and_then(|kept| kept.h1))
    }

    async fn versions(&self, module: &ModulePath) -> Result<Vec<StoredVersion>, StorageError> {
        listing::versions(&self.shelf, module).await
    }

    async fn modules(
        &self,
        after: Option<&ModulePath>,
        limit: usize,
    ) -> Result<Vec<ModulePath>, StorageError> {
        listing::modules(&self.shelf, after, limit).await
    }

    async fn files(&self, after: Option<&FileKey>, limit: usize) -> Result<Vec<StoredFile>, StorageError> {
        listing::files(&self.shelf, after, limit).await
    }

    async fn quarantine(&self, key: &FileKey) -> Result<bool, StorageError> {
        self.shelf.quarantine(key).await
    }

    async fn remove(&self, key: &FileKey) -> Result<bool, StorageError> {
        self.shelf.remove(key).await
    }

    async fn check(&self) -> Result<(), StorageError> {
        self.shelf.database.check().await
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
impl Records for MongoStorage {
    async fn read(&self, name: &RecordName) -> Result<Option<Bytes>, StorageError> {
        records::read(&self.shelf.database, name).await
    }

    async fn write(&self, name: &RecordName, content: Bytes) -> Result<(), StorageError> {
        records::write(&self.shelf.database, name, content).await
    }

    async fn swap(&self, name: &RecordName, old: Option<&[u8]>, new: Bytes) -> Result<bool, StorageError> {
        records::swap(&self.shelf.database, name, old, new).await
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Artifacts for MongoStorage {
    async fn open(&self, name: &RecordName) -> Result<Option<Blob>, StorageError> {
        artifacts::open(&self.shelf, name).await
    }

    async fn stage(&self, name: &RecordName) -> Result<Box<dyn Stage>, StorageError> {
        let stage = MongoStage::begin(Arc::clone(&self.shelf), name.clone().into()).await?;
        Ok(Box::new(stage))
    }

    async fn remove(&self, name: &RecordName) -> Result<bool, StorageError> {
        artifacts::remove(&self.shelf, name).await
    }
}

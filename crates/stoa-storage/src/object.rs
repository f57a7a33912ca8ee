//! Modules in a bucket.

mod bucket_files;
mod conditions;
mod expiry;
mod failure;
mod http;
mod keys;
mod listing;
mod open;
mod options;
mod quarantine;
mod reader;
mod records;
mod secrets;
mod service;
mod shelf;
mod spool;
mod stage;
mod upload;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use stoa_dispatch::Pool;
use stoa_module::dirhash::H1;
use stoa_module::{ModulePath, ModuleVersion};

pub use self::bucket_files::{BucketFile, BucketFiles};
pub use self::conditions::Conditional;
pub use self::http::{LANE, UPLOAD_LANE, ZIP_LANE, lane_settings};
pub use self::options::ObjectOptions;
use self::shelf::Shelf;
use self::stage::SpoolStage;
use crate::artifacts::Artifacts;
use crate::blob::Blob;
use crate::error::StorageError;
use crate::key::FileKey;
use crate::link::Link;
use crate::object_place::ObjectPlace;
use crate::put::Put;
use crate::record_name::RecordName;
use crate::records::Records;
use crate::stage::Stage;
use crate::storage::Storage;
use crate::stored_file::StoredFile;
use crate::stored_version::StoredVersion;

/// A storage in a bucket of S3 (or what speaks it), Google Cloud Storage or Azure Blob, which any number of processes may
/// share.
///
/// # Layout
///
/// `<prefix>/<escaped module>/@v/<escaped version>.{info,mod,zip}`, so that the bucket is a valid GOPROXY tree. The hash
/// of a zip is metadata of its object (`h1`); a `.ziphash` beside it, as a directory of [`DiskStorage`](crate::DiskStorage)
/// has one, is read too. stoa's own things are below `<prefix>/.stoa`: `quarantine` holds what was taken out of service
/// and, in `rejected`, what was refused on arrival; `probe` what is written to see whether the bucket can be.
/// Records are where their names say.
///
/// # How a file comes in
///
/// A small one by one conditional request, "if there is none". A zip is written to a local file without a name first,
/// since it is not known to be right before its last byte; then one conditional request carries it up, read from that
/// file piece by piece. A request is the smallest thing that a bucket does whole or not at all, so that nobody ever sees a
/// part, and of several writers one wins.
///
/// A service that ignores conditions is found out by a probe ([`Conditional`]): then a look before the write decides, and
/// only the cluster's owner of a module keeps two writers apart.
///
/// # Requests
///
/// A hit costs one GET; what is larger than [`SMALL_FILE`](crate::SMALL_FILE) is read from that same answer, as its client
/// reads. Nothing is listed on the way to a hit.
#[derive(Clone, Debug)]
pub struct ObjectStorage {
    shelf: Arc<Shelf>,
}

impl ObjectStorage {
    /// A storage at `place`; asks nothing yet. Its requests go through `pool`, in the lanes [`LANE`],
    /// [`ZIP_LANE`] and [`UPLOAD_LANE`].
    ///
    /// # Errors
    /// When the options do not fit together, a file of them cannot be read, or there is no place for files on their way.
    /// Blocks for these files; meant for startup.
    pub fn new(place: &ObjectPlace, options: &ObjectOptions, pool: Pool) -> Result<Self, StorageError> {
        let shelf = Arc::new(Shelf::new(place, options, pool)?);
        Ok(Self { shelf })
    }

    /// Finds out whether the bucket is there, may be written, and heeds conditions. What it answers is remembered; where
    /// it does not answer, the next write asks again.
    ///
    /// # Errors
    /// What keeps it from being used.
    pub async fn probe(&self) -> Result<(), StorageError> {
        self.shelf.conditions().await.map(drop)
    }

    /// Whether the service has been found to ignore conditions, so that the first content is kept by a look only.
    pub fn ignores_conditions(&self) -> bool {
        self.shelf.found.get().is_some_and(|found| !found.create)
    }
}

impl fmt::Display for ObjectStorage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "bucket({})", self.shelf.keys.base())
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Storage for ObjectStorage {
    async fn open(&self, key: &FileKey) -> Result<Option<Blob>, StorageError> {
        self.shelf.open(key).await
    }

    async fn put(&self, key: &FileKey, content: Bytes) -> Result<Put, StorageError> {
        self.shelf.put(key, content).await
    }

    async fn stage(&self, key: &FileKey) -> Result<Box<dyn Stage>, StorageError> {
        let stage = SpoolStage::begin(Arc::clone(&self.shelf), key.clone().into()).await?;
        Ok(Box::new(stage))
    }

    async fn h1(&self, target: &ModuleVersion) -> Result<Option<H1>, StorageError> {
        self.shelf.h1(target).await
    }

    async fn versions(&self, module: &ModulePath) -> Result<Vec<StoredVersion>, StorageError> {
        self.shelf.versions(module).await
    }

    async fn modules(
        &self,
        after: Option<&ModulePath>,
        limit: usize,
    ) -> Result<Vec<ModulePath>, StorageError> {
        self.shelf.modules(after, limit).await
    }

    async fn files(&self, after: Option<&FileKey>, limit: usize) -> Result<Vec<StoredFile>, StorageError> {
        self.shelf.files(after, limit).await
    }

    async fn quarantine(&self, key: &FileKey) -> Result<bool, StorageError> {
        self.shelf.quarantine(key).await
    }

    async fn remove(&self, key: &FileKey) -> Result<bool, StorageError> {
        self.shelf.remove_file(key).await
    }

    async fn check(&self) -> Result<(), StorageError> {
        self.shelf.check().await
    }

    fn location(&self, _key: &FileKey) -> Option<PathBuf> {
        None
    }

    async fn link(&self, key: &FileKey, lifetime: Duration) -> Result<Option<Link>, StorageError> {
        self.shelf.link(key, lifetime).await.map(Some)
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
impl Records for ObjectStorage {
    async fn read(&self, name: &RecordName) -> Result<Option<Bytes>, StorageError> {
        self.shelf.read_record(name).await
    }

    async fn write(&self, name: &RecordName, content: Bytes) -> Result<(), StorageError> {
        self.shelf.write_record(name, content).await
    }

    async fn swap(&self, name: &RecordName, old: Option<&[u8]>, new: Bytes) -> Result<bool, StorageError> {
        self.shelf.swap_record(name, old, new).await
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Artifacts for ObjectStorage {
    async fn open(&self, name: &RecordName) -> Result<Option<Blob>, StorageError> {
        self.shelf.open_artifact(name).await
    }

    async fn stage(&self, name: &RecordName) -> Result<Box<dyn Stage>, StorageError> {
        let stage = SpoolStage::begin(Arc::clone(&self.shelf), name.clone().into()).await?;
        Ok(Box::new(stage))
    }

    async fn remove(&self, name: &RecordName) -> Result<bool, StorageError> {
        self.shelf.remove_artifact(name).await
    }
}

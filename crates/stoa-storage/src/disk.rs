//! Modules in a directory of this machine.

mod directories;
mod layout;
mod lock;
mod lookup;
mod open_files;
mod publish;
mod quarantine;
mod read;
mod records;
mod scan;
mod stage;
mod temp;
mod tree;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use stoa_module::dirhash::H1;
use stoa_module::{ModulePath, ModuleVersion};

pub(crate) use self::layout::OWN;
use self::stage::DiskStage;
use self::tree::Tree;
use crate::artifacts::Artifacts;
use crate::blob::Blob;
use crate::blocking::blocking;
use crate::error::StorageError;
use crate::key::FileKey;
use crate::link::Link;
use crate::put::Put;
use crate::record_name::RecordName;
use crate::records::Records;
use crate::stage::Stage;
use crate::storage::Storage;
use crate::storage_mode::StorageMode;
use crate::stored_file::StoredFile;
use crate::stored_version::StoredVersion;

/// A storage in a directory, which any number of processes may share.
///
/// # Layout
///
/// `<escaped module>/@v/<escaped version>.{info,mod,zip,ziphash}` below the root, so that the directory is a
/// valid `GOPROXY=file://` tree. stoa's own things are in `.stoa`, which no module path can name: `tmp` holds
/// files on their way in, `quarantine` what was taken out of service (one directory an incident, for the
/// operator to look at and delete) and, in `rejected`, files that were refused on arrival (the last of each key).
/// Records are where their names say, in directories such as `sumdb`, which no module path can name either. Files and
/// directories get the permissions of a [`StorageMode`], less the umask.
///
/// # How a file comes in
///
/// It is written to `.stoa/tmp`, synced, renamed to its place unless something is there already, and the
/// directory (with each new directory above it) is synced before the call returns. Where the file system cannot
/// rename that way, a hard link does the same. A zip is published before its hash, and only its writer (or one
/// that stores the very same bytes) records one.
///
/// A record comes in the same way, but takes the place of what is there. A swap holds a lock meanwhile.
///
/// A temporary file is locked by the process that writes it; one that can be locked by others was abandoned and
/// is removed at the next [`open`](DiskStorage::open). This needs a file system that knows `flock`.
///
/// # Symbolic links
///
/// The root may be one. Below it they are the operator's: no key can name or make one, reads and writes follow
/// them as the operating system does, and [`modules`](Storage::modules) does not descend into linked
/// directories, so that a loop cannot trap it.
#[derive(Clone, Debug)]
pub struct DiskStorage {
    tree: Arc<Tree>,
}

impl DiskStorage {
    /// Opens the storage in `root`, creating the directory if need be, clears away what dead processes left,
    /// and proves that it can be written, as far as there is room. Nobody else on the machine may read what it stores.
    /// Blocks; meant for startup.
    pub fn open(root: impl Into<PathBuf>) -> Result<Self, StorageError> {
        Self::open_as(root, StorageMode::Private)
    }

    /// The same, with another choice of who may read what is stored from now on.
    pub fn open_as(root: impl Into<PathBuf>, mode: StorageMode) -> Result<Self, StorageError> {
        let tree = Tree::prepare(&root.into(), mode)?;
        Ok(Self { tree: Arc::new(tree) })
    }

    /// The directory, absolute and free of symbolic links.
    pub fn root(&self) -> &Path {
        self.tree.layout.root()
    }

    /// Runs `work` on the blocking pool.
    async fn on_disk<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Arc<Tree>) -> Result<T, StorageError> + Send + 'static,
    ) -> Result<T, StorageError> {
        let tree = Arc::clone(&self.tree);
        blocking(move || work(&tree)).await
    }
}

impl fmt::Display for DiskStorage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "disk({})", self.root().display())
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Storage for DiskStorage {
    async fn open(&self, key: &FileKey) -> Result<Option<Blob>, StorageError> {
        let key = key.clone();
        self.on_disk(move |tree| tree.open(&key)).await
    }

    async fn put(&self, key: &FileKey, content: Bytes) -> Result<Put, StorageError> {
        let key = key.clone();
        self.on_disk(move |tree| tree.put(&key, &content)).await
    }

    async fn stage(&self, key: &FileKey) -> Result<Box<dyn Stage>, StorageError> {
        let key = key.clone();
        let stage = self
            .on_disk(move |tree| DiskStage::begin(Arc::clone(tree), key.into()))
            .await?;
        Ok(Box::new(stage))
    }

    async fn h1(&self, target: &ModuleVersion) -> Result<Option<H1>, StorageError> {
        let target = target.clone();
        self.on_disk(move |tree| tree.h1(&target)).await
    }

    async fn versions(&self, module: &ModulePath) -> Result<Vec<StoredVersion>, StorageError> {
        let module = module.clone();
        self.on_disk(move |tree| tree.versions(&module)).await
    }

    async fn modules(
        &self,
        after: Option<&ModulePath>,
        limit: usize,
    ) -> Result<Vec<ModulePath>, StorageError> {
        let after = after.cloned();
        self.on_disk(move |tree| tree.modules(after.as_ref(), limit))
            .await
    }

    async fn files(&self, after: Option<&FileKey>, limit: usize) -> Result<Vec<StoredFile>, StorageError> {
        let after = after.cloned();
        self.on_disk(move |tree| tree.files(after.as_ref(), limit)).await
    }

    async fn quarantine(&self, key: &FileKey) -> Result<bool, StorageError> {
        let key = key.clone();
        self.on_disk(move |tree| tree.quarantine(&key)).await
    }

    async fn remove(&self, key: &FileKey) -> Result<bool, StorageError> {
        let key = key.clone();
        self.on_disk(move |tree| tree.remove(&key)).await
    }

    async fn check(&self) -> Result<(), StorageError> {
        self.on_disk(|tree| tree.check()).await
    }

    fn location(&self, key: &FileKey) -> Option<PathBuf> {
        Some(self.tree.layout.file(key))
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
impl Records for DiskStorage {
    async fn read(&self, name: &RecordName) -> Result<Option<Bytes>, StorageError> {
        let name = name.clone();
        self.on_disk(move |tree| tree.read_record(&name)).await
    }

    async fn write(&self, name: &RecordName, content: Bytes) -> Result<(), StorageError> {
        let name = name.clone();
        self.on_disk(move |tree| tree.write_record(&name, &content)).await
    }

    async fn swap(&self, name: &RecordName, old: Option<&[u8]>, new: Bytes) -> Result<bool, StorageError> {
        let (name, old) = (name.clone(), old.map(Bytes::copy_from_slice));
        self.on_disk(move |tree| tree.swap_record(&name, old.as_ref(), &new))
            .await
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Artifacts for DiskStorage {
    async fn open(&self, name: &RecordName) -> Result<Option<Blob>, StorageError> {
        let name = name.clone();
        self.on_disk(move |tree| tree.open_artifact(&name)).await
    }

    async fn stage(&self, name: &RecordName) -> Result<Box<dyn Stage>, StorageError> {
        let name = name.clone();
        let stage = self
            .on_disk(move |tree| DiskStage::begin(Arc::clone(tree), name.into()))
            .await?;
        Ok(Box::new(stage))
    }

    async fn remove(&self, name: &RecordName) -> Result<bool, StorageError> {
        let name = name.clone();
        self.on_disk(move |tree| tree.remove_artifact(&name)).await
    }
}

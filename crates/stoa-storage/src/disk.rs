//! Modules in a directory of this machine.

mod directories;
mod layout;
mod lock;
mod publish;
mod quarantine;
mod read;
mod records;
mod scan;
mod stage;
mod temp;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use stoa_module::dirhash::H1;
use stoa_module::{ModulePath, ModuleVersion};

use self::directories::Directories;
use self::layout::Layout;
use self::stage::DiskStage;
use self::temp::Temp;
use crate::blob::Blob;
use crate::blocking::blocking;
use crate::error::StorageError;
use crate::key::FileKey;
use crate::records::Records;
use crate::stage::Stage;
use crate::storage::{Put, Storage, StoredVersion};

/// A storage in a directory, which any number of processes may share.
///
/// # Layout
///
/// `<escaped module>/@v/<escaped version>.{info,mod,zip,ziphash}` below the root, so that the directory is a
/// valid `GOPROXY=file://` tree. stoa's own things are in `.stoa`, which no module path can name: `tmp` holds
/// files on their way in, `quarantine` what was taken out of service (one directory an incident, for the
/// operator to look at and delete) and, in `rejected`, what was never let in (the last of each key). Records are where their names say, in directories such as `sumdb`, which no
/// module path can name either. Files get mode 0644 and directories 0755, less the umask.
///
/// # How a file comes in
///
/// It is written to `.stoa/tmp`, synced, renamed to its place unless something is there already, and the
/// directory (with each new directory above it) is synced before the call returns. Where the file system cannot
/// rename that way, a hard link does the same. A zip is published before its hash, and only its writer (or one
/// who brings the very same bytes) records one.
///
/// A record comes in the same way, but takes the place of what is there; who swaps one holds a lock meanwhile.
///
/// A temporary file is locked by the process that writes it; one that can be locked by others was abandoned and
/// is removed at the next [`open`](DiskStorage::open). This needs a file system that knows `flock`.
///
/// # Symbolic links
///
/// The root may be one. Below it they are the operator's: no key can name or make one, reads and writes follow
/// them as the operating system does, and [`modules`](Storage::modules) does not descend into linked
/// directories, so that a loop cannot trap it.
#[derive(Debug, Clone)]
pub struct DiskStorage {
    disk: Arc<Disk>,
}

/// The blocking half: everything in it runs on the blocking pool.
#[derive(Debug)]
struct Disk {
    layout: Layout,
    directories: Directories,
}

impl DiskStorage {
    /// Opens the storage in `root`, creating the directory if need be, clears away what dead processes left,
    /// and proves that it can be written. Blocks; meant for startup.
    pub fn open(root: impl Into<PathBuf>) -> Result<Self, StorageError> {
        let root = root.into();
        let failed = |action, error| StorageError::from_io(action, &root, error);
        directories::create_all(&root).map_err(|error| failed("create the storage directory", error))?;
        let real = root
            .canonicalize()
            .map_err(|error| failed("open the storage directory", error))?;
        let layout = Layout::new(real);
        for directory in [layout.tmp(), layout.quarantine()] {
            directories::create_all(directory)
                .map_err(|error| StorageError::from_io("create", directory, error))?;
        }
        temp::sweep(layout.tmp())?;
        let directories = Directories::new(layout.root().to_owned());
        let disk = Disk { layout, directories };
        disk.check()?;
        Ok(Self { disk: Arc::new(disk) })
    }

    /// The directory, absolute and free of symbolic links.
    pub fn root(&self) -> &Path {
        self.disk.layout.root()
    }

    /// Runs `work` on the blocking pool.
    async fn on_disk<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Arc<Disk>) -> Result<T, StorageError> + Send + 'static,
    ) -> Result<T, StorageError> {
        let disk = Arc::clone(&self.disk);
        blocking(move || work(&disk)).await
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
        self.on_disk(move |disk| disk.open(&key)).await
    }

    async fn put(&self, key: &FileKey, content: Bytes) -> Result<Put, StorageError> {
        let key = key.clone();
        self.on_disk(move |disk| disk.put(&key, &content)).await
    }

    async fn stage(&self, key: &FileKey) -> Result<Box<dyn Stage>, StorageError> {
        let key = key.clone();
        let stage = self
            .on_disk(move |disk| DiskStage::begin(Arc::clone(disk), key))
            .await?;
        Ok(Box::new(stage))
    }

    async fn h1(&self, target: &ModuleVersion) -> Result<Option<H1>, StorageError> {
        let target = target.clone();
        self.on_disk(move |disk| disk.h1(&target)).await
    }

    async fn versions(&self, module: &ModulePath) -> Result<Vec<StoredVersion>, StorageError> {
        let module = module.clone();
        self.on_disk(move |disk| disk.versions(&module)).await
    }

    async fn modules(
        &self,
        after: Option<&ModulePath>,
        limit: usize,
    ) -> Result<Vec<ModulePath>, StorageError> {
        let after = after.cloned();
        self.on_disk(move |disk| disk.modules(after.as_ref(), limit))
            .await
    }

    async fn quarantine(&self, key: &FileKey) -> Result<bool, StorageError> {
        let key = key.clone();
        self.on_disk(move |disk| disk.quarantine(&key)).await
    }

    async fn check(&self) -> Result<(), StorageError> {
        self.on_disk(|disk| disk.check()).await
    }

    fn location(&self, key: &FileKey) -> Option<PathBuf> {
        Some(self.disk.layout.file(key))
    }

    fn records(&self) -> Arc<dyn Records> {
        Arc::new(self.clone())
    }
}

impl Disk {
    /// Creates, syncs and removes a file.
    fn check(&self) -> Result<(), StorageError> {
        let probe = Temp::create(self.layout.tmp())?;
        probe.fill(b"stoa")
    }
}

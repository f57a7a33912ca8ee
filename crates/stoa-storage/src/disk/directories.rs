//! Directories that survive power loss.

use std::collections::HashSet;
use std::fs::{DirBuilder, File};
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use parking_lot::Mutex;

use crate::error::StorageError;

/// How many directories are remembered as durable. Beyond it the memory starts afresh, which costs syncs only.
const REMEMBERED: usize = 16 * 1024;

/// Creates directories below a root, and knows which are already durable.
///
/// A directory is durable when its entry in the directory above it was synced. That it exists says nothing:
/// another thread, or a process that died since, may have made it a moment ago.
#[derive(Debug)]
pub(super) struct Directories {
    root: PathBuf,
    durable: Mutex<HashSet<PathBuf>>,
}

impl Directories {
    pub(super) fn new(root: PathBuf) -> Self {
        Self {
            root,
            durable: Mutex::new(HashSet::new()),
        }
    }

    /// Makes sure that `directory`, which is below the root, exists and will after power loss.
    pub(super) fn ensure(&self, directory: &Path) -> Result<(), StorageError> {
        if directory == self.root || self.durable.lock().contains(directory) {
            return Ok(());
        }
        let Some(parent) = directory.parent() else {
            return Ok(());
        };
        self.ensure(parent)?;
        create(directory).map_err(|error| StorageError::from_io("create", directory, error))?;
        sync(parent)?;
        let mut durable = self.durable.lock();
        if durable.len() >= REMEMBERED {
            durable.clear();
        }
        durable.insert(directory.to_owned());
        Ok(())
    }

    /// Forgets what is known: somebody removed a directory behind our back.
    pub(super) fn forget(&self) {
        self.durable.lock().clear();
    }
}

/// Syncs a directory, so that the names in it survive power loss.
pub(super) fn sync(directory: &Path) -> Result<(), StorageError> {
    match File::open(directory).and_then(|directory| directory.sync_all()) {
        // Some file systems cannot sync a directory, and need not.
        Err(error) if error.kind() != io::ErrorKind::InvalidInput => {
            Err(StorageError::from_io("sync", directory, error))
        }
        _ => Ok(()),
    }
}

/// Creates `directory` and what is missing above it, durably where the directories above may be read.
pub(super) fn create_all(directory: &Path) -> io::Result<()> {
    let above = match directory.parent() {
        Some(parent) if parent.as_os_str().is_empty() => Path::new("."),
        Some(parent) => parent,
        None => return Ok(()),
    };
    let is_new = match create(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            create_all(above)?;
            create(directory)?
        }
        created => created?,
    };
    if is_new {
        let _ = sync(above);
    }
    Ok(())
}

/// Creates one directory unless it is there, and says whether it did.
fn create(directory: &Path) -> io::Result<bool> {
    match DirBuilder::new().mode(0o755).create(directory) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && directory.is_dir() => Ok(false),
        Err(error) => Err(error),
    }
}

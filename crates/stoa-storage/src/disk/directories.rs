//! Directories that survive power loss.

use std::collections::HashSet;
use std::fs::{DirBuilder, File};
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use parking_lot::Mutex;

use crate::error::StorageError;
use crate::storage_mode::StorageMode;

/// How many directories are remembered as durable. Beyond it the memory starts afresh, which costs syncs only.
const REMEMBERED: usize = 16 * 1024;

/// Creates directories below a root, and knows which are already durable.
///
/// A directory is durable when its entry in the directory above it was synced. That it exists says nothing:
/// another thread, or a process that died since, may have made it a moment ago.
#[derive(Debug)]
pub(super) struct Directories {
    root: PathBuf,
    mode: StorageMode,
    durable: Mutex<HashSet<PathBuf>>,
}

/// Directories that exist but may not after power loss, from the top down.
///
/// Syncing is left until everything else has been done: each sync costs a commit of the file system's journal, and
/// those that find nothing new in it cost nothing.
#[derive(Debug, Default)]
#[must_use = "the directories are durable only when settled"]
pub(super) struct Unsettled(Vec<PathBuf>);

impl Directories {
    pub(super) fn new(root: PathBuf, mode: StorageMode) -> Self {
        Self {
            root,
            mode,
            durable: Mutex::new(HashSet::new()),
        }
    }

    /// Makes sure that `directory`, which is below the root, exists. It is durable only after
    /// [`settle`](Self::settle) with what this returns.
    pub(super) fn ensure(&self, directory: &Path) -> Result<Unsettled, StorageError> {
        if directory == self.root || self.durable.lock().contains(directory) {
            return Ok(Unsettled::default());
        }
        let Some(parent) = directory.parent() else {
            return Ok(Unsettled::default());
        };
        let mut unsettled = self.ensure(parent)?;
        create(directory, self.mode).map_err(|error| StorageError::from_io("create", directory, error))?;
        unsettled.0.push(directory.to_owned());
        Ok(unsettled)
    }

    /// Makes the directories durable.
    pub(super) fn settle(&self, unsettled: Unsettled) -> Result<(), StorageError> {
        // From the bottom up: on a journaling file system the first sync commits all of them.
        for directory in unsettled.0.into_iter().rev() {
            directory.parent().map_or(Ok(()), sync)?;
            let mut durable = self.durable.lock();
            if durable.len() >= REMEMBERED {
                durable.clear();
            }
            durable.insert(directory);
        }
        Ok(())
    }

    /// Forgets which directories are durable: another program removed one.
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
pub(super) fn create_all(directory: &Path, mode: StorageMode) -> io::Result<()> {
    let above = match directory.parent() {
        Some(parent) if parent.as_os_str().is_empty() => Path::new("."),
        Some(parent) => parent,
        None => return Ok(()),
    };
    let is_new = match create(directory, mode) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            create_all(above, mode)?;
            create(directory, mode)?
        }
        created => created?,
    };
    if is_new {
        let _ = sync(above);
    }
    Ok(())
}

/// Creates `directory` and, if that is missing too, the one above it; nothing further up.
pub(super) fn create_pair(directory: &Path, mode: StorageMode) -> io::Result<()> {
    match create(directory, mode) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            directory
                .parent()
                .map_or(Err(error), |above| create(above, mode))?;
            create(directory, mode)?;
        }
        created => {
            created?;
        }
    }
    Ok(())
}

/// Creates one directory unless it is there, and says whether it did.
fn create(directory: &Path, mode: StorageMode) -> io::Result<bool> {
    match DirBuilder::new().mode(mode.of_directories()).create(directory) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && directory.is_dir() => Ok(false),
        Err(error) => Err(error),
    }
}

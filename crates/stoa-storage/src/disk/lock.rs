//! Locks that count across processes: keeping a zip and its recorded hash together, and swaps of records.

use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use rustix::fs::{FlockOperation, flock};
use stoa_module::ModuleVersion;

use super::directories;
use super::lookup::exists;
use super::tree::Tree;
use crate::error::StorageError;
use crate::key::{FileKey, FileKind};

/// A lock that counts across processes. It is released when the guard is dropped, or its process dies.
#[derive(Debug)]
pub(super) struct Guard {
    _file: File,
}

impl Tree {
    /// The lock for publishing the zip of `target`.
    ///
    /// A zip and its hash are two files, and must never belong to different zips. While nothing is taken out of
    /// service this needs no lock: only the writer whose zip won records a hash. So writers hold the lock shared,
    /// and never wait for each other; a remover holds it alone.
    ///
    /// A hash whose zip is gone (an operator deleted it) is removed first, or it would be taken for the hash of the
    /// new zip.
    pub(super) fn lock_to_publish(&self, target: &ModuleVersion) -> Result<Guard, StorageError> {
        let guard = self.lock(self.layout.lock(), FlockOperation::LockShared)?;
        if !self.has_stray_hash(target)? {
            return Ok(guard);
        }
        drop(guard);
        let guard = self.lock_to_remove()?;
        if self.has_stray_hash(target)? {
            let hash = self.layout.hash(target);
            fs::remove_file(&hash).map_err(|error| StorageError::from_io("remove", &hash, error))?;
            directories::sync(&self.layout.versions(target.path()))?;
        }
        Ok(guard)
    }

    /// The lock for taking a file out of service.
    pub(super) fn lock_to_remove(&self) -> Result<Guard, StorageError> {
        self.lock(self.layout.lock(), FlockOperation::LockExclusive)
    }

    /// The lock for changing a record. It is held for a look and a rename, so one is enough for all records.
    pub(super) fn lock_records(&self) -> Result<Guard, StorageError> {
        self.lock(self.layout.records_lock(), FlockOperation::LockExclusive)
    }

    fn has_stray_hash(&self, target: &ModuleVersion) -> Result<bool, StorageError> {
        let zip = FileKey::new(target.clone(), FileKind::Zip);
        Ok(exists(&self.layout.hash(target))? && !exists(&self.layout.file(&zip))?)
    }

    fn lock(&self, path: &Path, operation: FlockOperation) -> Result<Guard, StorageError> {
        let locked = || {
            let file = OpenOptions::new()
                .write(true)
                .create(true)
                .truncate(false)
                .mode(self.mode.of_files())
                .open(path)?;
            rustix::io::retry_on_intr(|| flock(&file, operation))?;
            Ok(Guard { _file: file })
        };
        locked().map_err(|error| StorageError::from_io("lock", path, error))
    }
}

//! Deleting what is kept elsewhere.

use std::fs;
use std::path::Path;

use super::directories;
use super::lookup::is_absent;
use super::tree::Tree;
use crate::error::StorageError;
use crate::key::{FileKey, FileKind};

impl Tree {
    /// Deletes the file. The hash of a zip goes first, and durably, as it does when the zip is quarantined.
    pub(super) fn remove(&self, key: &FileKey) -> Result<bool, StorageError> {
        let _guard = self.lock_to_remove()?;
        if key.kind == FileKind::Zip {
            unlink(&self.layout.hash(&key.target))?;
        }
        unlink(&self.layout.file(key))
    }
}

fn unlink(file: &Path) -> Result<bool, StorageError> {
    match fs::remove_file(file) {
        Ok(()) => {}
        Err(error) if is_absent(&error) => return Ok(false),
        Err(error) => return Err(StorageError::from_io("remove", file, error)),
    }
    file.parent().map_or(Ok(()), directories::sync)?;
    Ok(true)
}

//! Taking damaged files out of service.

use std::fs;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use super::directories;
use super::lookup::is_absent;
use super::temp::{Temp, unique_name};
use super::tree::Tree;
use crate::error::StorageError;
use crate::key::{FileKey, FileKind};
use crate::record_name::RecordName;
use crate::stage_key::StageKey;

impl Tree {
    /// Moves the file to `.stoa/quarantine/<time and a number>/<its place in the layout>`.
    ///
    /// The hash of a zip is moved first, and durably: a zip without a hash is sound, but a hash without its zip would
    /// be taken for the hash of the next one.
    pub(super) fn quarantine(&self, key: &FileKey) -> Result<bool, StorageError> {
        let _guard = self.lock_to_remove()?;
        let incident = self.layout.quarantine().join(incident_name());
        if key.kind == FileKind::Zip {
            self.set_aside(&self.layout.hash(&key.target), &incident)?;
        }
        self.set_aside(&self.layout.file(key), &incident)
    }

    /// Removes the file and with a zip its hash, which goes first for the same reason.
    pub(super) fn remove(&self, key: &FileKey) -> Result<bool, StorageError> {
        let _guard = self.lock_to_remove()?;
        let file = self.layout.file(key);
        if key.kind == FileKind::Zip && unlink(&self.layout.hash(&key.target))? {
            sync_parent(&file)?;
        }
        let was_there = unlink(&file)?;
        if was_there {
            sync_parent(&file)?;
        }
        Ok(was_there)
    }

    /// Removes an artifact.
    pub(super) fn remove_artifact(&self, name: &RecordName) -> Result<bool, StorageError> {
        let _guard = self.lock_to_remove()?;
        let file = self.layout.record(name);
        let was_there = unlink(&file)?;
        if was_there {
            sync_parent(&file)?;
        }
        Ok(was_there)
    }

    /// Moves a file that was never published to `.stoa/quarantine/rejected/<its place in the layout>`, where it replaces
    /// the one before: a source that keeps sending the wrong bytes does not fill the disk.
    pub(super) fn keep_aside(&self, mut temp: Temp, key: &StageKey) -> Result<(), StorageError> {
        let aside = self.layout.rejected(key);
        if let Some(parent) = aside.parent() {
            let unsettled = self.directories.ensure(parent)?;
            self.directories.settle(unsettled)?;
        }
        temp.replace(&aside)
            .map_err(|error| StorageError::from_io("quarantine", &aside, error))
    }

    fn set_aside(&self, file: &Path, incident: &Path) -> Result<bool, StorageError> {
        let failed = |error| StorageError::from_io("quarantine", file, error);
        match fs::symlink_metadata(file) {
            Err(error) if is_absent(&error) => return Ok(false),
            found => found.map_err(failed)?,
        };
        let aside = incident.join(file.strip_prefix(self.layout.root()).unwrap_or(file));
        if let Some(parent) = aside.parent() {
            let unsettled = self.directories.ensure(parent)?;
            self.directories.settle(unsettled)?;
        }
        fs::rename(file, &aside).map_err(failed)?;
        sync_parent(file)?;
        sync_parent(&aside)?;
        Ok(true)
    }
}

/// Removes a file, and says whether there was one.
fn unlink(file: &Path) -> Result<bool, StorageError> {
    match fs::remove_file(file) {
        Ok(()) => Ok(true),
        Err(error) if is_absent(&error) => Ok(false),
        Err(error) => Err(StorageError::from_io("remove", file, error)),
    }
}

fn sync_parent(file: &Path) -> Result<(), StorageError> {
    file.parent().map_or(Ok(()), directories::sync)
}

/// A name no other incident has. Names sort by time.
fn incident_name() -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    format!("{}.{:09}-{}", now.as_secs(), now.subsec_nanos(), unique_name())
}

//! Making a file visible, whole and for good.

use std::fs::File;
use std::io;
use std::path::Path;

use stoa_module::ModuleVersion;
use stoa_module::dirhash::H1;

use super::directories::{self, Unsettled};
use super::lookup::exists;
use super::temp::Temp;
use super::tree::Tree;
use crate::error::StorageError;
use crate::key::{FileKey, FileKind};
use crate::pread::pread;
use crate::put::Put;
use crate::stage_key::StageKey;

impl Tree {
    pub(super) fn put(&self, key: &FileKey, content: &[u8]) -> Result<Put, StorageError> {
        let path = self.layout.file(key);
        if exists(&path)? {
            // Its writer may not have synced the name yet.
            self.settle(&path)?;
            return Ok(Put::Existed);
        }
        let temp = Temp::create(self.layout.tmp(), self.mode)?;
        temp.fill(content)?;
        self.publish(temp, &key.clone().into(), None)
    }

    /// Publishes a synced file under `key`, with the hash `h1` if it is a zip.
    pub(super) fn publish(
        &self,
        mut temp: Temp,
        key: &StageKey,
        h1: Option<&H1>,
    ) -> Result<Put, StorageError> {
        if let Some(target) = key.zip() {
            return self.publish_zip(temp, target, h1);
        }
        let path = self.layout.staged(key);
        let put = self.place(&mut temp, &path)?;
        self.settle(&path)?;
        Ok(put)
    }

    /// The hash is written before the zip is published, so that a full disk refuses both or none.
    fn publish_zip(
        &self,
        mut temp: Temp,
        target: &ModuleVersion,
        h1: Option<&H1>,
    ) -> Result<Put, StorageError> {
        let record = h1.map(|h1| self.write_hash(h1)).transpose()?;
        let zip = self.layout.file(&FileKey::new(target.clone(), FileKind::Zip));
        let hash = self.layout.hash(target);
        let _guard = self.lock_to_publish(target)?;
        let put = self.place(&mut temp, &zip)?;
        if let Some(mut record) = record {
            // The winner may have died before it recorded the hash. The same bytes have the same hash.
            let ours = put == Put::Stored || (!exists(&hash)? && same_content(temp.file(), &zip)?);
            if ours {
                // In the same directory, so that one sync settles both.
                self.place(&mut record, &hash)?;
            }
        }
        self.settle(&zip)?;
        Ok(put)
    }

    fn write_hash(&self, h1: &H1) -> Result<Temp, StorageError> {
        let record = Temp::create(self.layout.tmp(), self.mode)?;
        record.fill(h1.to_string().as_bytes())?;
        Ok(record)
    }

    /// Gives `temp` its name, unless that is taken. What has the name is durable only after [`settle`](Self::settle).
    fn place(&self, temp: &mut Temp, to: &Path) -> Result<Put, StorageError> {
        let failed = |error| StorageError::from_io("publish", to, error);
        let _settled_later = self.ensure_parent(to)?;
        match temp.publish(to) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                self.directories.forget();
                let _settled_later = self.ensure_parent(to)?;
                temp.publish(to).map_err(failed)
            }
            put => put.map_err(failed),
        }
    }

    /// Makes the name of a file durable, and the directories above it.
    pub(super) fn settle(&self, file: &Path) -> Result<(), StorageError> {
        // Asked again: directories stay unsettled until they are settled.
        let unsettled = self.ensure_parent(file)?;
        file.parent().map_or(Ok(()), directories::sync)?;
        self.directories.settle(unsettled)
    }

    pub(super) fn ensure_parent(&self, file: &Path) -> Result<Unsettled, StorageError> {
        file.parent()
            .map_or(Ok(Unsettled::default()), |parent| self.directories.ensure(parent))
    }
}

fn same_content(ours: &File, path: &Path) -> Result<bool, StorageError> {
    const PIECE: usize = 256 * 1024;
    let same = || -> io::Result<bool> {
        let theirs = File::open(path)?;
        let len = ours.metadata()?.len();
        if len != theirs.metadata()?.len() {
            return Ok(false);
        }
        let mut offset = 0;
        while offset < len {
            let piece = pread(ours, offset, PIECE)?;
            if piece.is_empty() || piece != pread(&theirs, offset, PIECE)? {
                return Ok(false);
            }
            offset += piece.len() as u64;
        }
        Ok(true)
    };
    same().map_err(|error| StorageError::from_io("compare", path, error))
}

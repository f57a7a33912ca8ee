//! Records in files.

use std::io;
use std::path::{Path, PathBuf};

use bytes::Bytes;

use super::lookup::open_file;
use super::temp::Temp;
use super::tree::Tree;
use crate::error::StorageError;
use crate::pread::pread;
use crate::record_name::RecordName;
use crate::records;

impl Tree {
    pub(super) fn read_record(&self, name: &RecordName) -> Result<Option<Bytes>, StorageError> {
        let path = self.layout.record(name);
        let Some((file, metadata)) = open_file(&path)? else {
            return self.check_root().map(|()| None);
        };
        let len = metadata.len();
        records::check_len(|| path.clone(), len)?;
        // The file is replaced, never changed, so the length stays.
        let len = usize::try_from(len).map_err(io::Error::other);
        let read = len.and_then(|len| pread(&file, 0, len));
        read.map(Some)
            .map_err(|error| StorageError::from_io("read", &path, error))
    }

    pub(super) fn write_record(&self, name: &RecordName, content: &[u8]) -> Result<(), StorageError> {
        let (path, temp) = self.prepare_record(name, content)?;
        let guard = self.lock_records()?;
        self.replace(temp, &path)?;
        drop(guard);
        self.settle(&path)
    }

    pub(super) fn swap_record(
        &self,
        name: &RecordName,
        old: Option<&Bytes>,
        new: &[u8],
    ) -> Result<bool, StorageError> {
        // A caller that is too late already writes nothing. Whether it came in time is decided below, under the lock.
        if self.read_record(name)?.as_ref() != old {
            return Ok(false);
        }
        let (path, temp) = self.prepare_record(name, new)?;
        let guard = self.lock_records()?;
        if self.read_record(name)?.as_ref() != old {
            return Ok(false);
        }
        self.replace(temp, &path)?;
        drop(guard);
        self.settle(&path)?;
        Ok(true)
    }

    /// The place of a record, and its new content, synced: nothing slow is left to be done with the lock.
    fn prepare_record(&self, name: &RecordName, content: &[u8]) -> Result<(PathBuf, Temp), StorageError> {
        let path = self.layout.record(name);
        records::check_len(|| path.clone(), content.len() as u64)?;
        let temp = Temp::create(self.layout.tmp(), self.mode)?;
        temp.fill(content)?;
        Ok((path, temp))
    }

    /// Gives `temp` its name, whatever has it. It is durable only after [`settle`](Self::settle).
    fn replace(&self, mut temp: Temp, to: &Path) -> Result<(), StorageError> {
        let failed = |error| StorageError::from_io("publish", to, error);
        let _settled_later = self.ensure_parent(to)?;
        match temp.replace(to) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                self.directories.forget();
                let _settled_later = self.ensure_parent(to)?;
                temp.replace(to).map_err(failed)
            }
            replaced => replaced.map_err(failed),
        }
    }
}

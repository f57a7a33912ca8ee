//! Records in files.

use std::io;
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use bytes::Bytes;

use super::read::open_file;
use super::temp::Temp;
use super::{Disk, DiskStorage};
use crate::error::StorageError;
use crate::pread::pread;
use crate::record_name::RecordName;
use crate::records::{self, Records};

#[async_trait]
impl Records for DiskStorage {
    async fn read(&self, name: &RecordName) -> Result<Option<Bytes>, StorageError> {
        let name = name.clone();
        self.on_disk(move |disk| disk.read_record(&name)).await
    }

    async fn write(&self, name: &RecordName, content: Bytes) -> Result<(), StorageError> {
        let name = name.clone();
        self.on_disk(move |disk| disk.write_record(&name, &content)).await
    }

    async fn swap(&self, name: &RecordName, old: Option<&[u8]>, new: Bytes) -> Result<bool, StorageError> {
        let (name, old) = (name.clone(), old.map(Bytes::copy_from_slice));
        self.on_disk(move |disk| disk.swap_record(&name, old.as_ref(), &new))
            .await
    }
}

impl Disk {
    fn read_record(&self, name: &RecordName) -> Result<Option<Bytes>, StorageError> {
        let path = self.layout.record(name);
        let Some((file, metadata)) = open_file(&path)? else {
            return Ok(None);
        };
        let len = metadata.len();
        records::check_len(|| path.clone(), len)?;
        // The file is replaced, never changed, so the length stays.
        let len = usize::try_from(len).map_err(io::Error::other);
        let read = len.and_then(|len| pread(&file, 0, len));
        read.map(Some)
            .map_err(|error| StorageError::from_io("read", &path, error))
    }

    fn write_record(&self, name: &RecordName, content: &[u8]) -> Result<(), StorageError> {
        let (path, temp) = self.prepare_record(name, content)?;
        let guard = self.lock_records()?;
        self.replace(temp, &path)?;
        drop(guard);
        self.settle(&path)
    }

    fn swap_record(&self, name: &RecordName, old: Option<&Bytes>, new: &[u8]) -> Result<bool, StorageError> {
        // Who comes too late need not write anything. Whether one came in time is decided below.
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
        let temp = Temp::create(self.layout.tmp())?;
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

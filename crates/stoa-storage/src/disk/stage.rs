//! Files that arrive piece by piece.

use std::fmt;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use stoa_module::dirhash::H1;

use super::Disk;
use super::publish::exists;
use super::temp::Temp;
use crate::blocking::blocking;
use crate::error::StorageError;
use crate::key::FileKey;
use crate::pread::read;
use crate::stage::{ReadAt, Stage};
use crate::storage::Put;

/// A temporary file that knows its key.
pub(super) struct DiskStage {
    disk: Arc<Disk>,
    key: FileKey,
    temp: Temp,
    written: Arc<Written>,
    /// A write has begun and not ended well.
    broken: bool,
}

impl DiskStage {
    pub(super) fn begin(disk: Arc<Disk>, key: FileKey) -> Result<Self, StorageError> {
        // A name the file system cannot have is refused now, and not after the download.
        exists(&disk.layout.file(&key))?;
        let temp = Temp::create(disk.layout.tmp())?;
        let written = Arc::new(Written {
            file: Arc::clone(temp.file()),
            len: AtomicU64::new(0),
        });
        Ok(Self {
            disk,
            key,
            temp,
            written,
            broken: false,
        })
    }

    fn check(&self) -> Result<(), StorageError> {
        if !self.broken {
            return Ok(());
        }
        let error = io::Error::other("an earlier write failed or was given up");
        Err(StorageError::from_io(
            "complete",
            &self.disk.layout.file(&self.key),
            error,
        ))
    }
}

impl fmt::Debug for DiskStage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = self.key.to_string();
        f.debug_struct("DiskStage")
            .field("key", &key)
            .field("temp", &self.temp)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl Stage for DiskStage {
    async fn write(&mut self, chunk: Bytes) -> Result<(), StorageError> {
        self.check()?;
        if chunk.is_empty() {
            return Ok(());
        }
        let (file, at) = (Arc::clone(&self.written.file), self.written.len());
        let end = at + chunk.len() as u64;
        self.broken = true;
        let done: io::Result<()> = blocking(move || file.write_all_at(&chunk, at)).await;
        done.map_err(|error| StorageError::from_io("write", &self.disk.layout.file(&self.key), error))?;
        self.written.len.store(end, Ordering::Release);
        self.broken = false;
        Ok(())
    }

    fn reader(&self) -> Arc<dyn ReadAt> {
        Arc::<Written>::clone(&self.written)
    }

    async fn commit(self: Box<Self>, h1: Option<&H1>) -> Result<Put, StorageError> {
        self.check()?;
        let h1 = h1.copied();
        let Self { disk, key, temp, .. } = *self;
        blocking(move || {
            temp.sync()?;
            disk.publish(temp, &key, h1.as_ref())
        })
        .await
    }

    async fn reject(self: Box<Self>) -> Result<(), StorageError> {
        self.check()?;
        let Self { disk, key, temp, .. } = *self;
        blocking(move || disk.keep_aside(temp, &key)).await
    }
}

/// What has been written so far. The file is held open, so it outlives its name.
#[derive(Debug)]
struct Written {
    file: Arc<File>,
    len: AtomicU64,
}

impl Written {
    fn len(&self) -> u64 {
        self.len.load(Ordering::Acquire)
    }
}

#[async_trait]
impl ReadAt for Written {
    async fn read_at(&self, offset: u64, len: usize) -> io::Result<Bytes> {
        let left = self.len().saturating_sub(offset);
        let len = usize::try_from(left).map_or(len, |left| len.min(left));
        if len == 0 {
            return Ok(Bytes::new());
        }
        read(Arc::clone(&self.file), offset, len).await
    }
}

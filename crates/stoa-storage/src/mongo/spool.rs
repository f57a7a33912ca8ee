//! Files of this machine that are on their way in.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use bytes::Bytes;

use crate::blocking::blocking;
use crate::error::StorageError;
use crate::pread::read;
use crate::stage::ReadAt;

/// A file without a name, which is gone with the last who reads it, or with the process.
#[derive(Debug)]
pub(super) struct Spool {
    file: Arc<File>,
    len: AtomicU64,
}

impl Spool {
    pub(super) async fn begin(directory: &Path) -> Result<Self, StorageError> {
        let place = directory.to_owned();
        let made: io::Result<File> = blocking(move || tempfile::tempfile_in(place)).await;
        let file = made.map_err(|error| StorageError::from_io("make a file in", directory, error))?;
        Ok(Self {
            file: Arc::new(file),
            len: AtomicU64::new(0),
        })
    }

    /// How much has been written, in bytes.
    pub(super) fn len(&self) -> u64 {
        self.len.load(Ordering::Acquire)
    }

    /// Appends. One call at a time.
    pub(super) async fn write(&self, chunk: Bytes) -> Result<(), StorageError> {
        let (file, at) = (Arc::clone(&self.file), self.len());
        let end = at + chunk.len() as u64;
        let done: io::Result<()> = blocking(move || file.write_all_at(&chunk, at)).await;
        done.map_err(|error| StorageError::from_io("write", Path::new("the spool"), error))?;
        self.len.store(end, Ordering::Release);
        Ok(())
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl ReadAt for Spool {
    async fn read_at(&self, offset: u64, len: usize) -> io::Result<Bytes> {
        let left = self.len().saturating_sub(offset);
        let len = usize::try_from(left).map_or(len, |left| len.min(left));
        if len == 0 {
            return Ok(Bytes::new());
        }
        read(Arc::clone(&self.file), offset, len).await
    }
}

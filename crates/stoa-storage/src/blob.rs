//! A stored file, opened for reading.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use stoa_module::dirhash::H1;

use crate::error::StorageError;
use crate::etag::ETag;
use crate::stage::ReadAt;

/// Files up to this size are read when they are opened, so that [`Blob::bytes`] needs no second trip.
pub const SMALL_FILE: u64 = 64 * 1024;

/// A stored file, opened: its bytes stay the same whatever happens to its key.
///
/// They stay readable too, as long as the storage can keep the file open; a [`DiskStorage`](crate::DiskStorage) keeps a
/// share of the descriptors of its process open. Cheap to clone; clones share the open file.
#[derive(Clone, Debug)]
pub struct Blob {
    path: PathBuf,
    len: u64,
    etag: ETag,
    h1: Option<H1>,
    source: Source,
}

#[derive(Clone, Debug)]
enum Source {
    Memory(Bytes),
    Reader(Arc<dyn ReadAt>),
}

impl Blob {
    /// A file whose content is at hand. `path` names it in errors.
    pub fn from_bytes(path: PathBuf, content: Bytes, etag: ETag) -> Self {
        Self {
            path,
            len: content.len() as u64,
            etag,
            h1: None,
            source: Source::Memory(content),
        }
    }

    /// A file of `len` bytes behind a reader.
    pub fn from_reader(path: PathBuf, reader: Arc<dyn ReadAt>, len: u64, etag: ETag) -> Self {
        Self {
            path,
            len,
            etag,
            h1: None,
            source: Source::Reader(reader),
        }
    }

    /// The same, of a zip with this recorded hash.
    #[must_use]
    pub fn with_h1(mut self, h1: Option<H1>) -> Self {
        self.h1 = h1;
        self
    }

    /// The hash that is recorded with a zip, where opening it told. [`Storage::h1`](crate::Storage::h1) knows it for sure.
    pub fn h1(&self) -> Option<H1> {
        self.h1
    }

    /// The size in bytes.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether the file has no bytes.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The entity tag.
    pub fn etag(&self) -> &ETag {
        &self.etag
    }

    /// The whole content if it is in memory already, which it is for small files.
    pub fn in_memory(&self) -> Option<&Bytes> {
        match &self.source {
            Source::Memory(content) => Some(content),
            Source::Reader(_) => None,
        }
    }

    /// Up to `len` bytes from `offset`: fewer only where the file ends, none beyond.
    pub async fn read_at(&self, offset: u64, len: usize) -> Result<Bytes, StorageError> {
        let left = self.len.saturating_sub(offset);
        let len = usize::try_from(left).map_or(len, |left| len.min(left));
        if len == 0 {
            return Ok(Bytes::new());
        }
        let piece = match &self.source {
            Source::Memory(content) => {
                let start = usize::try_from(offset).unwrap_or(usize::MAX).min(content.len());
                Ok(content.slice(start..start + len))
            }
            Source::Reader(reader) => reader.read_at(offset, len).await,
        };
        self.whole(piece, len)
    }

    /// The whole content; an error if that is more than `max` bytes.
    pub async fn bytes(&self, max: usize) -> Result<Bytes, StorageError> {
        match usize::try_from(self.len) {
            Ok(len) if len <= max => self.read_at(0, len).await,
            _ => Err(StorageError::too_large(&self.path, self.len, max as u64)),
        }
    }

    /// Checks that all `len` bytes are there: a file that is shorter than when it was opened was cut by another program.
    fn whole(&self, read: io::Result<Bytes>, len: usize) -> Result<Bytes, StorageError> {
        let bytes = read.map_err(|error| StorageError::from_io("read", &self.path, error))?;
        if bytes.len() < len {
            let reason = format!("it is shorter than the {} bytes it had when opened", self.len);
            return Err(StorageError::damaged(&self.path, reason));
        }
        Ok(bytes)
    }
}

//! A stored file, opened for reading.

use std::fmt;
use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use sha2::{Digest, Sha256};
use stoa_module::dirhash::H1;

use crate::error::StorageError;
use crate::pread::read;
use crate::stage::ReadAt;

/// Files up to this size are read when they are opened, so that [`Blob::bytes`] needs no second trip.
pub const SMALL_FILE: u64 = 64 * 1024;

/// A strong entity tag, as text without quotes.
///
/// It tells contents of a key apart, so that a client that resumes a download never mixes two files:
///
/// * a zip with a recorded hash: the digest of the hash and the length. The same on every node, and other than
///   before if a quarantined zip comes back compressed differently (the hash covers names and contents only);
/// * any other small file: a digest of its content;
/// * any other file: what the adapter knows to change when a file is replaced (on disk: time of writing to
///   the nanosecond, inode and length).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ETag(Arc<str>);

impl ETag {
    /// The tag of a zip of `len` bytes with the hash `h1`.
    pub fn of_zip(h1: &H1, len: u64) -> Self {
        let digest = URL_SAFE_NO_PAD.encode(h1.as_bytes());
        Self(format!("{digest}-{len:x}").into())
    }

    /// The tag of a file with this content.
    pub fn of_content(content: &[u8]) -> Self {
        let digest = Sha256::digest(content);
        Self(URL_SAFE_NO_PAD.encode(&digest[..18]).into())
    }

    /// A tag from what identifies one writing of a file.
    pub(crate) fn of_writing(modified_ns: i128, inode: u64, len: u64) -> Self {
        Self(format!("{modified_ns:x}-{inode:x}-{len:x}").into())
    }

    /// The tag's text, without quotes.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ETag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A stored file, opened: its bytes stay readable and the same whatever happens to its key.
///
/// Cheap to clone; clones share the open file.
#[derive(Debug, Clone)]
pub struct Blob {
    path: PathBuf,
    len: u64,
    etag: ETag,
    source: Source,
}

#[derive(Debug, Clone)]
enum Source {
    Memory(Bytes),
    File(Arc<File>),
    Reader(Arc<dyn ReadAt>),
}

impl Blob {
    /// A file whose content is at hand. `path` names it in errors.
    pub fn from_bytes(path: PathBuf, content: Bytes, etag: ETag) -> Self {
        Self {
            path,
            len: content.len() as u64,
            etag,
            source: Source::Memory(content),
        }
    }

    /// An open local file of `len` bytes.
    pub fn from_file(path: PathBuf, file: Arc<File>, len: u64, etag: ETag) -> Self {
        Self {
            path,
            len,
            etag,
            source: Source::File(file),
        }
    }

    /// A file of `len` bytes behind any other reader.
    pub fn from_reader(path: PathBuf, reader: Arc<dyn ReadAt>, len: u64, etag: ETag) -> Self {
        Self {
            path,
            len,
            etag,
            source: Source::Reader(reader),
        }
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
            Source::File(_) | Source::Reader(_) => None,
        }
    }

    /// The open file, if the content is in one: none for small files, which are in memory.
    ///
    /// It is shared, so only positioned reads make sense on it.
    pub fn std_file(&self) -> Option<Arc<File>> {
        match &self.source {
            Source::File(file) => Some(Arc::clone(file)),
            Source::Memory(_) | Source::Reader(_) => None,
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
            Source::File(file) => read(Arc::clone(file), offset, len).await,
            Source::Reader(reader) => reader.read_at(offset, len).await,
        };
        self.whole(piece, len)
    }

    /// The whole content; an error if that is more than `max` bytes.
    pub async fn bytes(&self, max: usize) -> Result<Bytes, StorageError> {
        match usize::try_from(self.len) {
            Ok(len) if len <= max => self.read_at(0, len).await,
            _ => Err(StorageError::TooLarge {
                path: self.path.clone(),
                len: self.len,
                max: max as u64,
            }),
        }
    }

    /// A file that is shorter than it was when it was opened was cut by somebody else.
    fn whole(&self, read: io::Result<Bytes>, len: usize) -> Result<Bytes, StorageError> {
        let bytes = read.map_err(|error| StorageError::from_io("read", &self.path, error))?;
        if bytes.len() < len {
            let reason = format!("it is shorter than the {} bytes it had when opened", self.len);
            return Err(StorageError::Corrupt {
                path: self.path.clone(),
                reason,
            });
        }
        Ok(bytes)
    }
}

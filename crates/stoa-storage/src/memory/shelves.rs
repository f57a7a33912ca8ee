//! The room of a memory storage.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;
use stoa_module::dirhash::H1;

use super::contents::{Contents, Stored};
use crate::blob::Blob;
use crate::error::StorageError;
use crate::put::Put;
use crate::record_name::RecordName;
use crate::stage_key::StageKey;

/// What a memory storage holds, and the bound on it.
pub(super) struct Shelves {
    pub(super) contents: Mutex<Contents>,
    pub(super) max_bytes: u64,
}

/// Bytes that count as used. They are given back when this is dropped, unless they are kept.
pub(super) struct Reserved {
    shelves: Arc<Shelves>,
    bytes: u64,
}

impl Shelves {
    /// Empty ones, with room for `max_bytes` bytes.
    pub(super) fn new(max_bytes: u64) -> Self {
        Self {
            contents: Mutex::default(),
            max_bytes,
        }
    }

    /// Sets `bytes` aside for the file `key`, or refuses them.
    pub(super) fn reserve(
        self: &Arc<Self>,
        key: &impl fmt::Display,
        bytes: usize,
    ) -> Result<Reserved, StorageError> {
        let bytes = bytes as u64;
        let mut contents = self.contents.lock();
        if self.max_bytes.saturating_sub(contents.used) < bytes {
            return Err(self.full(contents.used, key));
        }
        contents.used += bytes;
        Ok(Reserved {
            shelves: Arc::clone(self),
            bytes,
        })
    }

    /// The refusal of `name`, which does not fit beside `used` bytes.
    pub(super) fn full(&self, used: u64, name: &impl fmt::Display) -> StorageError {
        let message = format!(
            "the memory storage holds {used} of at most {} bytes",
            self.max_bytes
        );
        let error = io::Error::new(io::ErrorKind::StorageFull, message);
        StorageError::from_io("store", &place(name), error)
    }

    /// Puts `content`, for which `reserved` bytes were set aside, under `key` unless that is taken.
    pub(super) fn shelve(&self, key: &StageKey, content: Bytes, h1: Option<&H1>, reserved: Reserved) -> Put {
        let h1 = h1.filter(|_| key.zip().is_some()).copied();
        let stored = Stored::new(content, h1);
        let put = match key {
            StageKey::Module(key) => self.contents.lock().add(key, stored),
            StageKey::Artifact(name) => self.contents.lock().add_artifact(name, stored),
        };
        if put == Put::Stored {
            reserved.keep();
        }
        put
    }
}

impl Shelves {
    pub(super) fn artifact(&self, name: &RecordName) -> Option<Blob> {
        let contents = self.contents.lock();
        let stored = contents.artifact(name)?;
        Some(Blob::from_bytes(
            place(name),
            stored.content.clone(),
            stored.etag.clone(),
        ))
    }
}

impl Reserved {
    /// Leaves the bytes counted, now as those of a stored file.
    fn keep(mut self) {
        self.bytes = 0;
    }

    /// Makes one reservation of two.
    pub(super) fn join(&mut self, mut other: Self) {
        self.bytes += std::mem::take(&mut other.bytes);
    }
}

impl Drop for Reserved {
    fn drop(&mut self) {
        self.shelves.contents.lock().used -= self.bytes;
    }
}

/// What errors call the file.
pub(super) fn place(name: &impl fmt::Display) -> PathBuf {
    Path::new("memory:").join(name.to_string())
}

//! The content of an answer.

use bytes::Bytes;
use stoa_storage::Blob;

use crate::Growing;

/// The content of an answer, from a source or from storage, on its way to a client. Cheap to clone.
#[derive(Clone, Debug)]
pub enum Content {
    /// In memory, whole.
    Bytes(Bytes),
    /// A stored file, whole.
    Stored(Blob),
    /// A large file that is still arriving.
    Growing(Growing),
}

impl Content {
    /// How many bytes it has, if that is known.
    pub fn bytes(&self) -> Option<u64> {
        match self {
            Self::Bytes(bytes) => Some(bytes.len() as u64),
            Self::Stored(blob) => Some(blob.len()),
            Self::Growing(growing) => growing.total(),
        }
    }
}

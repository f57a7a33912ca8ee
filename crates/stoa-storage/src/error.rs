//! What can go wrong with a storage, by meaning.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use thiserror::Error;

use crate::blocking::Cancelled;

/// Why a storage could not do what it was asked.
///
/// That a file is not stored is no error: [`Storage::open`](crate::Storage::open) says `None`. The message is
/// one line and says what to do; the operating system's own words are in
/// [`source`](std::error::Error::source). Cheap to clone, so that callers who share a flight share its error.
#[derive(Debug, Clone, Error)]
pub enum StorageError {
    /// There is no room: the disk, a quota, a file size limit or the bound of a memory store is reached.
    /// Nothing of the refused file is left behind.
    #[error("no room left to store {}: free space or raise the limit", path.display())]
    Full {
        /// The file or directory that did not fit.
        path: PathBuf,
        /// What the operating system said.
        source: Arc<io::Error>,
    },

    /// The storage may not be used this way: permissions are missing, or it is mounted read-only.
    #[error("access to {} is denied: make it readable and writable for the user that runs stoa", path.display())]
    Denied {
        /// The file or directory that is closed to us.
        path: PathBuf,
        /// What the operating system said.
        source: Arc<io::Error>,
    },

    /// The storage failed: a device error, a lost mount, too many open files.
    #[error("cannot {action} {}: check the storage and the system's log", path.display())]
    Io {
        /// What was tried, as a verb: `read`, `write`, `publish`.
        action: &'static str,
        /// The file or directory it was tried on.
        path: PathBuf,
        /// What the operating system said.
        source: Arc<io::Error>,
    },

    /// What is stored is not what was once stored: quarantine it and fetch it again.
    #[error("{} is damaged ({reason}): quarantine it and fetch it again", path.display())]
    Corrupt {
        /// The damaged file.
        path: PathBuf,
        /// How it shows.
        reason: String,
    },

    /// The file is larger than the caller is willing to hold in memory.
    #[error("{} has {len} bytes, and {max} are accepted here: read it in pieces", path.display())]
    TooLarge {
        /// The file in question.
        path: PathBuf,
        /// Its size in bytes.
        len: u64,
        /// The caller's bound in bytes.
        max: u64,
    },

    /// No file can have this name in this storage; asking again cannot help.
    #[error("{} cannot be stored: {reason}", path.display())]
    BadKey {
        /// The place the name leads to.
        path: PathBuf,
        /// Which rule of the storage it breaks.
        reason: String,
    },

    /// The storage URL of the configuration names nothing that can be opened.
    #[error("bad storage url: {reason}")]
    BadUrl {
        /// What is wrong, without repeating secrets a URL may hold.
        reason: String,
    },
}

impl StorageError {
    /// Gives `error`, met when doing `action` to `path`, its meaning.
    pub fn from_io(action: &'static str, path: &Path, error: io::Error) -> Self {
        use io::ErrorKind::{
            FileTooLarge, InvalidFilename, PermissionDenied, QuotaExceeded, ReadOnlyFilesystem, StorageFull,
        };
        let path = path.to_owned();
        match error.kind() {
            StorageFull | QuotaExceeded | FileTooLarge => Self::Full {
                path,
                source: Arc::new(error),
            },
            PermissionDenied | ReadOnlyFilesystem => Self::Denied {
                path,
                source: Arc::new(error),
            },
            InvalidFilename => Self::BadKey {
                path,
                reason: "its name, or a part of it, is longer than the file system allows".to_owned(),
            },
            _ => Self::Io {
                action,
                path,
                source: Arc::new(error),
            },
        }
    }

    /// Whether the same call may succeed later without anybody changing its input.
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Full { .. } | Self::Denied { .. } | Self::Io { .. })
    }
}

impl From<Cancelled> for StorageError {
    fn from(cancelled: Cancelled) -> Self {
        Self::Io {
            action: "reach",
            path: PathBuf::from("the storage"),
            source: Arc::new(cancelled.into()),
        }
    }
}

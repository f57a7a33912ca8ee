//! Why a module zip is refused.

use std::io;

use super::limits::MAX_ZIP_FILE;
use super::problem::FileErrors;
use crate::quote::Quoted;

/// A module zip, or the files that should become one, is refused. Variants tell causes apart; the texts are Go's
/// where Go has one.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ZipError {
    /// The container is damaged, cut short or not a zip.
    #[error("not a valid zip file: {0}")]
    Malformed(&'static str),
    /// An entry does not inflate to what the container declares.
    #[error("{}: {reason}", String::from_utf8_lossy(name))]
    BadContent {
        /// The whole name of the entry.
        name: Vec<u8>,
        /// What is wrong with its content.
        reason: &'static str,
    },
    /// Names or sizes of files break the rules of module zips.
    #[error(transparent)]
    BadFiles(#[from] FileErrors),
    /// The archive or its contents are too large.
    #[error(transparent)]
    TooLarge(#[from] SizeError),
    /// The archive has more entries or longer names than it may have (see [`ZipLimits`](super::ZipLimits)).
    #[error("module zip file has too many or too long file names")]
    TooManyNames,
    /// While creating: a file has more bytes than its entry in the list says.
    #[error("file {} is larger than declared size", Quoted(path))]
    LargerThanDeclared {
        /// The path of the file.
        path: Vec<u8>,
    },
    /// While creating: a file has fewer bytes than its entry in the list says.
    #[error("file {} is smaller than declared size", Quoted(path))]
    SmallerThanDeclared {
        /// The path of the file.
        path: Vec<u8>,
    },
    /// Reading or writing failed; nothing is known about the zip.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl ZipError {
    /// Whether the zip itself is at fault, so that reading it again ends the same way.
    ///
    /// False for failed reads and writes, and for damage that a broken transfer can cause.
    pub fn is_permanent(&self) -> bool {
        !matches!(self, Self::Io(_) | Self::Malformed(_) | Self::BadContent { .. })
    }
}

/// Something exceeds a limit on sizes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SizeError {
    /// The files of a source tree together exceed [`MAX_ZIP_FILE`].
    #[error("module source tree too large (max size is {MAX_ZIP_FILE} bytes)")]
    SourceTree,
    /// The zip file itself is too large.
    #[error("module zip file is too large ({size} bytes; limit is {limit} bytes)")]
    Archive {
        /// Bytes of the archive, or as many as had arrived.
        size: u64,
        /// What is allowed.
        limit: u64,
    },
    /// The contents of the zip, inflated, are too large.
    #[error("total uncompressed size of module contents too large (max size is {limit} bytes)")]
    Contents {
        /// What is allowed.
        limit: u64,
    },
}

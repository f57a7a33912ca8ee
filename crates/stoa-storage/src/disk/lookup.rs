//! Looking for files.

use std::fs::{self, File, Metadata};
use std::io;
use std::path::Path;

use crate::error::StorageError;

/// Whether something has this name.
pub(super) fn exists(path: &Path) -> Result<bool, StorageError> {
    match fs::symlink_metadata(path) {
        Ok(_) => Ok(true),
        Err(error) if is_absent(&error) => Ok(false),
        Err(error) => Err(StorageError::from_io("look up", path, error)),
    }
}

/// Whether the error says that there is no such file.
pub(super) fn is_absent(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

/// Opens the file; `None` if there is none. Anything else with its name is damage.
pub(super) fn open_file(path: &Path) -> Result<Option<(File, Metadata)>, StorageError> {
    let opened = File::open(path).and_then(|file| {
        let metadata = file.metadata()?;
        Ok((file, metadata))
    });
    match opened {
        Ok((file, metadata)) if metadata.is_file() => Ok(Some((file, metadata))),
        Ok(_) => Err(StorageError::damaged(path, "it is not a file")),
        Err(error) if is_absent(&error) => Ok(None),
        Err(error) => Err(StorageError::from_io("open", path, error)),
    }
}

//! From the text of a configuration to a storage.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use rustix::fs::{Access, access};

use crate::disk::OWN;
use crate::error::StorageError;
use crate::storage_place::{StoragePlace, invalid, parse_file, parse_size, split_scheme};

/// Where modules are kept, by the text of a configuration:
///
/// * `memory:` or `memory:?max=1GiB` - a [`MemoryStorage`](crate::MemoryStorage); without a bound it holds 512 MiB;
/// * `file:///directory`, percent-encoded as URLs are, or a plain path - a [`DiskStorage`](crate::DiskStorage);
/// * `s3://BUCKET/PREFIX`, `gs://...`, `az://CONTAINER/...` - a bucket;
/// * `https://HOST/PATH` - a server that speaks Athens' external storage protocol;
/// * `mongodb://HOST/DATABASE` or `mongodb+srv://...` - a database of MongoDB;
/// * `file:///directory?max=50GiB,s3://...` - one of the last three, and before it what a directory of this machine has
///   room for.
///
/// Prints as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StorageUrl {
    text: String,
    front: Option<(PathBuf, u64)>,
    place: StoragePlace,
}

impl StorageUrl {
    /// A directory of this machine, whose path is absolute. It prints as a URL that reads back to it.
    pub fn of_directory(directory: &Path) -> Self {
        use std::fmt::Write as _;
        let mut text = String::from("file://");
        for byte in directory.as_os_str().as_encoded_bytes() {
            match byte {
                b'/' | b'-' | b'.' | b'_' | b'~' | b'+' | b'@' => text.push(char::from(*byte)),
                byte if byte.is_ascii_alphanumeric() => text.push(char::from(*byte)),
                byte => {
                    let _infallible = write!(text, "%{byte:02X}");
                }
            }
        }
        Self {
            text,
            front: None,
            place: StoragePlace::Directory(directory.to_owned()),
        }
    }

    /// Where everything is.
    pub fn place(&self) -> &StoragePlace {
        &self.place
    }

    /// The directory before it, and how many bytes of modules it may hold.
    pub fn front(&self) -> Option<(&Path, u64)> {
        self.front
            .as_ref()
            .map(|(directory, max)| (directory.as_path(), *max))
    }

    /// The directory of this machine that it names, if it names one: that of all modules, or that before a bucket.
    pub fn directory(&self) -> Option<&Path> {
        match (&self.front, &self.place) {
            (Some((directory, _)), _) | (None, StoragePlace::Directory(directory)) => Some(directory),
            (None, _) => None,
        }
    }

    /// The directory for what is stoa's own and no module, in that directory. It exists once the storage has been opened.
    pub fn own_directory(&self) -> Option<PathBuf> {
        Some(self.directory()?.join(OWN))
    }

    /// Whether what is needed of this machine is there: the directory, or what is there of the directories above it, may
    /// be written. Creates and changes nothing. Blocks.
    pub fn check(&self) -> Result<(), StorageError> {
        self.directory().map_or(Ok(()), check_directory)
    }

    /// Whether the directory that holds all modules is there, for those who only look. Blocks.
    pub fn check_existing(&self) -> Result<(), StorageError> {
        let StoragePlace::Directory(directory) = &self.place else {
            return Ok(());
        };
        let found = std::fs::metadata(directory);
        found
            .map(drop)
            .map_err(|error| StorageError::from_io("find", directory, error))
    }
}

impl fmt::Display for StorageUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for StorageUrl {
    type Err = StorageError;

    fn from_str(text: &str) -> Result<Self, StorageError> {
        let text = text.trim();
        // A comma is allowed in a plain path and between the hosts of a database, so that it parts only what is a URL
        // behind it.
        let parts = text
            .match_indices(',')
            .map(|(at, _)| (text[..at].trim(), text[at + 1..].trim()))
            .find(|(_, rest)| split_scheme(rest).is_some_and(|(_, rest)| rest.starts_with("//")));
        let (front, place): (_, StoragePlace) = match parts {
            Some((front, place)) => (Some(parse_front(front)?), place.parse()?),
            None => (None, text.parse()?),
        };
        if front.is_some() && !place.is_remote() {
            return Err(invalid(
                "only a bucket, or what is on another server, has a directory before it: file:///DIR?max=50GiB,s3://BUCKET"
                    .to_owned(),
            ));
        }
        Ok(Self {
            text: text.to_owned(),
            front,
            place,
        })
    }
}

fn check_directory(root: &Path) -> Result<(), StorageError> {
    let failed = |path: &Path, error| StorageError::from_io("use the storage directory", path, error);
    let above = root.ancestors().map(|path| match path {
        path if path.as_os_str().is_empty() => Path::new("."),
        path => path,
    });
    for path in above {
        match path.metadata() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(failed(path, error)),
            Ok(metadata) if !metadata.is_dir() => {
                return Err(failed(path, io::ErrorKind::NotADirectory.into()));
            }
            Ok(_) => {
                let needed = Access::READ_OK | Access::WRITE_OK | Access::EXEC_OK;
                return access(path, needed).map_err(|error| failed(path, error.into()));
            }
        }
    }
    Ok(())
}

/// `file:///directory?max=SIZE`.
fn parse_front(url: &str) -> Result<(PathBuf, u64), StorageError> {
    let shape =
        || invalid("before a bucket stands a directory with a bound: file:///DIR?max=50GiB".to_owned());
    let Some(("file", rest)) = split_scheme(url) else {
        return Err(shape());
    };
    let (path, max) = rest.split_once("?max=").ok_or_else(shape)?;
    let max = parse_size(max).filter(|max| *max > 0).ok_or_else(shape)?;
    Ok((parse_file(path)?, max))
}

#[cfg(test)]
mod tests;

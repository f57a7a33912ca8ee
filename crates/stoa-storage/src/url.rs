//! From the text of a configuration to a storage.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{Access, access};

use crate::disk::{DiskStorage, OWN};
use crate::error::StorageError;
use crate::memory::MemoryStorage;
use crate::storage::Storage;
use crate::storage_mode::StorageMode;

/// The bound of a memory storage whose URL names none.
const DEFAULT_MEMORY: u64 = 512 << 20;

/// Opens the storage that `url` names:
///
/// * `memory:` or `memory:?max=1GiB` - a [`MemoryStorage`]; without a bound it holds 512 MiB;
/// * `file:///directory`, percent-encoded as URLs are, or a plain path - a [`DiskStorage`].
///
/// What is made in a directory has the permissions of `mode`.
///
/// Blocks as [`DiskStorage::open`] does; meant for startup.
pub fn open_url(url: &str, mode: StorageMode) -> Result<Arc<dyn Storage>, StorageError> {
    Ok(match parse(url)? {
        Place::Memory(bytes) => Arc::new(MemoryStorage::new(bytes)),
        Place::Directory(root) => Arc::new(DiskStorage::open_as(root, mode)?),
    })
}

/// The directory that `url` names; `None` if it names a storage without one.
pub fn directory_of_url(url: &str) -> Result<Option<PathBuf>, StorageError> {
    Ok(match parse(url)? {
        Place::Memory(_) => None,
        Place::Directory(root) => Some(root),
    })
}

/// The directory for what is stoa's own and no module, in the directory that `url` names. It exists once the storage has
/// been opened.
pub fn own_directory_of_url(url: &str) -> Result<Option<PathBuf>, StorageError> {
    Ok(directory_of_url(url)?.map(|root| root.join(OWN)))
}

/// Whether [`open_url`] would find what it needs: the directory, or what is there of the directories above it, may be
/// written. Creates and changes nothing. Blocks.
pub fn check_url(url: &str) -> Result<(), StorageError> {
    let Some(root) = directory_of_url(url)? else {
        return Ok(());
    };
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

/// What a URL names.
enum Place {
    /// Memory, so many bytes of it.
    Memory(u64),
    Directory(PathBuf),
}

fn parse(url: &str) -> Result<Place, StorageError> {
    let url = url.trim();
    match split_scheme(url) {
        Some(("memory", rest)) => parse_memory(rest).map(Place::Memory),
        Some(("file", rest)) => parse_file(rest).map(Place::Directory),
        // Only the scheme is repeated: the rest may hold a password.
        Some((scheme, _)) => Err(invalid(format!(
            "unknown scheme '{scheme}:'; use memory:, memory:?max=1GiB, file:///directory or a plain path"
        ))),
        None if url.is_empty() => Err(invalid(
            "it is empty; use memory:, file:///directory or a plain path".to_owned(),
        )),
        None => Ok(Place::Directory(url.into())),
    }
}

/// Opens the storage that `url` names, as [`open_url`] does, but makes no directory: one that is not there is an error.
pub fn open_existing_url(url: &str, mode: StorageMode) -> Result<Arc<dyn Storage>, StorageError> {
    if let Some(directory) = directory_of_url(url)? {
        std::fs::metadata(&directory).map_err(|error| StorageError::from_io("find", &directory, error))?;
    }
    open_url(url, mode)
}

/// The scheme in lower case letters and what follows its colon; `None` if this is a plain path.
fn split_scheme(url: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = url.split_once(':')?;
    let is_scheme = scheme.starts_with(|first: char| first.is_ascii_lowercase())
        && scheme
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "+-".contains(c));
    is_scheme.then_some((scheme, rest))
}

/// The bound in bytes: from the `?max=` of a memory URL, or the default.
fn parse_memory(rest: &str) -> Result<u64, StorageError> {
    if rest.is_empty() {
        return Ok(DEFAULT_MEMORY);
    }
    let size = rest.strip_prefix("?max=").and_then(parse_size);
    size.filter(|size| *size > 0).ok_or_else(|| {
        invalid(format!(
            "'memory:{rest}' is not memory: or memory:?max=SIZE, as in 512MiB or 1GiB"
        ))
    })
}

/// A number of bytes, with or without a binary unit.
fn parse_size(text: &str) -> Option<u64> {
    let digits = text.trim_end_matches(|c: char| !c.is_ascii_digit());
    let unit: u64 = match &text[digits.len()..] {
        "" | "B" => 1,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        _ => return None,
    };
    digits.parse::<u64>().ok()?.checked_mul(unit)
}

fn parse_file(rest: &str) -> Result<PathBuf, StorageError> {
    let path = rest
        .strip_prefix("//localhost")
        .or_else(|| rest.strip_prefix("//"))
        .unwrap_or(rest);
    if !path.starts_with('/') || path.starts_with("//") {
        return Err(invalid(
            "a file url has an absolute path and no host: file:///directory".to_owned(),
        ));
    }
    if path.contains(['?', '#']) {
        return Err(invalid(
            "a file url has no options; write %3F for '?' and %23 for '#'".to_owned(),
        ));
    }
    let decoded = percent_decode(path).filter(|path| !path.contains('\0'));
    decoded
        .map(PathBuf::from)
        .ok_or_else(|| invalid("its path is not percent-encoded text".to_owned()))
}

fn percent_decode(text: &str) -> Option<String> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        rest = after;
        if first != b'%' {
            decoded.push(first);
            continue;
        }
        let (digits, after) = rest.split_at_checked(2)?;
        let digit = |digit: u8| {
            char::from(digit)
                .to_digit(16)
                .and_then(|digit| u8::try_from(digit).ok())
        };
        decoded.push(digit(digits[0])? * 16 + digit(digits[1])?);
        rest = after;
    }
    String::from_utf8(decoded).ok()
}

fn invalid(reason: String) -> StorageError {
    StorageError::InvalidUrl { reason }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(url: &str) -> Result<Arc<dyn Storage>, StorageError> {
        open_url(url, StorageMode::Private)
    }

    fn refusal(url: &str) -> String {
        open(url).unwrap_err().to_string()
    }

    #[test]
    fn opens_memory() {
        assert_eq!(open("memory:").unwrap().to_string(), "memory(536870912)");
        assert_eq!(
            open("memory:?max=1GiB").unwrap().to_string(),
            "memory(1073741824)"
        );
        assert_eq!(open("memory:?max=100").unwrap().to_string(), "memory(100)");
    }

    #[test]
    fn opens_directories() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().canonicalize().unwrap();
        let url = format!("file://{}/a%20b", root.display());
        assert_eq!(
            open(&url).unwrap().to_string(),
            format!("disk({}/a b)", root.display())
        );
        let path = root.join("plain");
        assert_eq!(
            open(path.to_str().unwrap()).unwrap().to_string(),
            format!("disk({})", path.display())
        );
    }

    #[test]
    fn an_existing_directory_is_opened_and_none_is_made() {
        let directory = tempfile::tempdir().unwrap();
        let there = directory.path().to_str().unwrap();
        assert!(open_existing_url(there, StorageMode::default()).is_ok());
        assert!(open_existing_url("memory:", StorageMode::default()).is_ok());
        let absent = directory.path().join("mistyped");
        for url in [
            absent.to_str().unwrap().to_owned(),
            format!("file://{}", absent.display()),
        ] {
            let error = open_existing_url(&url, StorageMode::default()).unwrap_err();
            assert!(matches!(error, StorageError::Unavailable(_)), "{error:?}");
            assert!(
                error.report().to_string().contains("cannot find /"),
                "{}",
                error.report()
            );
        }
        assert!(!absent.try_exists().unwrap());
    }

    #[test]
    fn checks_a_directory_without_making_it() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path();
        std::fs::write(root.join("file"), "x").unwrap();
        check_url("memory:").unwrap();
        check_url(root.join("new/er").to_str().unwrap()).unwrap();
        check_url(&format!("file://{}", root.display())).unwrap();
        check_url("relative-and-absent").unwrap();
        assert_eq!(std::fs::read_dir(root).unwrap().count(), 1, "nothing was made");
        for bad in ["file", "file/below"] {
            let error = check_url(root.join(bad).to_str().unwrap()).unwrap_err();
            assert!(matches!(error, StorageError::Unavailable(_)), "{bad}: {error}");
        }
        assert!(check_url("s3://bucket").is_err());
    }

    #[test]
    fn refuses_what_names_no_storage() {
        for (url, part) in [
            (
                "s3://key:secret@bucket",
                "unknown scheme 's3:'; use memory:, memory:?max=1GiB, file:///directory",
            ),
            ("memory:?max=lots", "as in 512MiB"),
            ("memory:?max=0", "as in 512MiB"),
            ("memory:?max=99999999999GiB", "as in 512MiB"),
            ("memory:x", "as in 512MiB"),
            ("file://host/dir", "no host"),
            ("file:dir", "absolute path"),
            ("file:///dir?x=1", "no options"),
            ("file:///a%2", "percent-encoded"),
            ("file:///a%00", "percent-encoded"),
            ("", "it is empty"),
        ] {
            let refusal = refusal(url);
            assert!(refusal.contains(part), "{url}: {refusal}");
            assert!(
                !refusal.contains("secret") && !refusal.contains('\n'),
                "{url}: {refusal}"
            );
        }
    }
}

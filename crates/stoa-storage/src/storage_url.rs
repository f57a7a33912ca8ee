//! From the text of a configuration to a storage.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use rustix::fs::{Access, access};

use crate::disk::{DiskStorage, OWN};
use crate::error::StorageError;
use crate::memory::MemoryStorage;
use crate::object_place::{ObjectPlace, Provider};
use crate::storage::Storage;
use crate::storage_mode::StorageMode;

/// The bound of a memory storage whose URL names none.
const DEFAULT_MEMORY: u64 = 512 << 20;

/// Where modules are kept, by the text of a configuration:
///
/// * `memory:` or `memory:?max=1GiB` - a [`MemoryStorage`]; without a bound it holds 512 MiB;
/// * `file:///directory`, percent-encoded as URLs are, or a plain path - a [`DiskStorage`];
/// * `s3://BUCKET/PREFIX`, `gs://...`, `az://CONTAINER/...` - a bucket;
/// * `file:///directory?max=50GiB,s3://...` - a bucket, and before it what a directory of this machine has room for.
///
/// Prints as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StorageUrl {
    text: String,
    front: Option<(PathBuf, u64)>,
    place: StoragePlace,
}

/// What one URL names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoragePlace {
    /// Memory, so many bytes of it.
    Memory(u64),
    /// A directory of this machine.
    Directory(PathBuf),
    /// A bucket.
    Bucket(ObjectPlace),
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

impl StoragePlace {
    /// Opens what is on this machine; `None` for a bucket. What is made in a directory has the permissions of `mode`.
    /// Blocks as [`DiskStorage::open`] does; meant for startup.
    pub fn open(&self, mode: StorageMode) -> Result<Option<Arc<dyn Storage>>, StorageError> {
        Ok(match self {
            Self::Memory(bytes) => Some(Arc::new(MemoryStorage::new(*bytes))),
            Self::Directory(root) => Some(Arc::new(DiskStorage::open_as(root, mode)?)),
            Self::Bucket(_) => None,
        })
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
        // A comma is allowed in a plain path, so that it parts only what are URLs on both sides.
        let parts = text
            .match_indices(',')
            .map(|(at, _)| (text[..at].trim(), text[at + 1..].trim()))
            .find(|(_, rest)| split_scheme(rest).is_some());
        let (front, place) = match parts {
            Some((front, place)) => (Some(parse_front(front)?), parse(place)?),
            None => (None, parse(text)?),
        };
        if front.is_some() && !matches!(place, StoragePlace::Bucket(_)) {
            return Err(invalid(
                "only a bucket has a directory before it: file:///DIR?max=50GiB,s3://BUCKET".to_owned(),
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

fn parse(url: &str) -> Result<StoragePlace, StorageError> {
    match split_scheme(url) {
        Some(("memory", rest)) => parse_memory(rest).map(StoragePlace::Memory),
        Some(("file", rest)) => parse_file(rest).map(StoragePlace::Directory),
        // Only the scheme is repeated: the rest may hold a password.
        Some((scheme, rest)) => match Provider::of_scheme(scheme) {
            Some(provider) => ObjectPlace::parse(provider, rest).map(StoragePlace::Bucket),
            None => Err(invalid(format!("unknown scheme '{scheme}:'; use {SHAPES}"))),
        },
        None if url.is_empty() => Err(invalid(format!("it is empty; use {SHAPES}"))),
        None => Ok(StoragePlace::Directory(url.into())),
    }
}

/// What there is to choose from.
const SHAPES: &str =
    "file:///directory, a plain path, s3://BUCKET, gs://BUCKET, az://CONTAINER or memory:?max=1GiB";

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

    fn url(text: &str) -> StorageUrl {
        text.parse().unwrap()
    }

    fn open(text: &str) -> String {
        let storage = url(text).place().open(StorageMode::Private).unwrap();
        storage.unwrap().to_string()
    }

    #[test]
    fn opens_memory() {
        assert_eq!(open("memory:"), "memory(536870912)");
        assert_eq!(open("memory:?max=1GiB"), "memory(1073741824)");
        assert_eq!(open("memory:?max=100"), "memory(100)");
    }

    #[test]
    fn opens_directories() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().canonicalize().unwrap();
        let text = format!("file://{}/a%20b", root.display());
        assert_eq!(open(&text), format!("disk({}/a b)", root.display()));
        for name in ["plain", "with,comma"] {
            let path = root.join(name);
            assert_eq!(open(path.to_str().unwrap()), format!("disk({})", path.display()));
        }
    }

    #[test]
    fn a_directory_prints_as_a_url_that_reads_back() {
        for path in ["/home/you/.local/share/stoa", "/a b/50%?#,s3://x/\u{e9}"] {
            let made = StorageUrl::of_directory(Path::new(path));
            assert_eq!(made.directory(), Some(Path::new(path)));
            assert_eq!(url(&made.to_string()), made);
        }
    }

    #[test]
    fn an_existing_directory_is_found_and_none_is_made() {
        let directory = tempfile::tempdir().unwrap();
        url(directory.path().to_str().unwrap()).check_existing().unwrap();
        url("memory:").check_existing().unwrap();
        let absent = directory.path().join("mistyped");
        for text in [
            absent.to_str().unwrap().to_owned(),
            format!("file://{}", absent.display()),
        ] {
            let error = url(&text).check_existing().unwrap_err();
            assert!(matches!(error, StorageError::Unavailable(_)), "{error:?}");
            let report = error.report().to_string();
            assert!(report.contains("cannot find /"), "{report}");
        }
        assert!(!absent.try_exists().unwrap());
    }

    #[test]
    fn checks_a_directory_without_making_it() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path();
        std::fs::write(root.join("file"), "x").unwrap();
        url("memory:").check().unwrap();
        url("s3://bucket").check().unwrap();
        url(root.join("new/er").to_str().unwrap()).check().unwrap();
        url(&format!("file://{}", root.display())).check().unwrap();
        url("relative-and-absent").check().unwrap();
        assert_eq!(std::fs::read_dir(root).unwrap().count(), 1, "nothing was made");
        for bad in ["file", "file/below"] {
            let error = url(root.join(bad).to_str().unwrap()).check().unwrap_err();
            assert!(matches!(error, StorageError::Unavailable(_)), "{bad}: {error}");
        }
        let front = format!("file://{}/file?max=1GiB,s3://bucket", root.display());
        url(&front).check().unwrap_err();
    }

    #[test]
    fn names_buckets_with_and_without_a_directory_before_them() {
        let bucket = url("s3://modules/go");
        assert!(matches!(bucket.place(), StoragePlace::Bucket(place) if place.base() == "s3://modules/go/"));
        assert_eq!((bucket.directory(), bucket.own_directory()), (None, None));
        for text in [
            "file:///var/cache/a%2Cb?max=50GiB,gs://modules",
            "file:///var/cache/a,b?max=50GiB, gs://modules",
        ] {
            let both = url(text);
            assert_eq!(both.front(), Some((Path::new("/var/cache/a,b"), 50 << 30)));
            assert_eq!(both.own_directory(), Some("/var/cache/a,b/.stoa".into()));
            assert!(
                matches!(both.place(), StoragePlace::Bucket(place) if place.provider == Provider::Google)
            );
            assert_eq!(both.to_string(), text);
        }
    }

    #[test]
    fn refuses_what_names_no_storage() {
        for (text, part) in [
            (
                "ftp://key:secret@host",
                "unknown scheme 'ftp:'; use file:///directory",
            ),
            ("s3://key:secret@bucket", "belong in storage_options"),
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
            ("file:///a,s3://b", "with a bound"),
            ("file:///a?max=1PiB,s3://b", "with a bound"),
            ("/a,s3://b", "with a bound"),
            ("file:///a?max=1GiB,file:///b", "only a bucket"),
        ] {
            let refusal = text.parse::<StorageUrl>().unwrap_err().to_string();
            assert!(refusal.contains(part), "{text}: {refusal}");
            assert!(
                !refusal.contains("secret") && !refusal.contains('\n'),
                "{text}: {refusal}"
            );
        }
    }
}

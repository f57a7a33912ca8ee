//! What one URL of a storage names.

use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

use crate::disk::DiskStorage;
use crate::error::StorageError;
use crate::memory::MemoryStorage;
use crate::object_place::{ObjectPlace, Provider};
use crate::remote_place::{ExternalPlace, MongoPlace};
use crate::storage::Storage;
use crate::storage_mode::StorageMode;

/// The bound of a memory storage whose URL names none.
const DEFAULT_MEMORY: u64 = 512 << 20;
/// What there is to choose from.
const SHAPES: &str = "file:///directory, a plain path, s3://BUCKET, gs://BUCKET, az://CONTAINER, https://HOST/PATH, \
                      mongodb://HOST/DATABASE or memory:?max=1GiB";

/// What one URL names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoragePlace {
    /// Memory, so many bytes of it.
    Memory(u64),
    /// A directory of this machine.
    Directory(PathBuf),
    /// A bucket.
    Bucket(ObjectPlace),
    /// A server that speaks Athens' external storage protocol.
    External(ExternalPlace),
    /// A database of MongoDB.
    Mongo(MongoPlace),
}

impl StoragePlace {
    /// Whether what is stored is on other machines.
    pub fn is_remote(&self) -> bool {
        match self {
            Self::Memory(_) | Self::Directory(_) => false,
            Self::Bucket(_) | Self::External(_) | Self::Mongo(_) => true,
        }
    }

    /// Opens what is on this machine; `None` for what [is not](Self::is_remote). What is made in a directory has the
    /// permissions of `mode`. Blocks as [`DiskStorage::open`] does; meant for startup.
    pub fn open(&self, mode: StorageMode) -> Result<Option<Arc<dyn Storage>>, StorageError> {
        Ok(match self {
            Self::Memory(bytes) => Some(Arc::new(MemoryStorage::new(*bytes))),
            Self::Directory(root) => Some(Arc::new(DiskStorage::open_as(root, mode)?)),
            Self::Bucket(_) | Self::External(_) | Self::Mongo(_) => None,
        })
    }
}

impl FromStr for StoragePlace {
    type Err = StorageError;

    fn from_str(url: &str) -> Result<Self, StorageError> {
        match split_scheme(url) {
            Some(("memory", rest)) => parse_memory(rest).map(Self::Memory),
            Some(("file", rest)) => parse_file(rest).map(Self::Directory),
            Some((scheme @ ("http" | "https"), rest)) => {
                ExternalPlace::parse(scheme, rest).map(Self::External)
            }
            Some((scheme @ ("mongodb" | "mongodb+srv"), rest)) => {
                MongoPlace::parse(scheme, rest).map(Self::Mongo)
            }
            // Only the scheme is repeated: the rest may hold a password.
            Some((scheme, rest)) => match Provider::of_scheme(scheme) {
                Some(provider) => ObjectPlace::parse(provider, rest).map(Self::Bucket),
                None => Err(invalid(format!("unknown scheme '{scheme}:'; use {SHAPES}"))),
            },
            None if url.is_empty() => Err(invalid(format!("it is empty; use {SHAPES}"))),
            None => Ok(Self::Directory(url.into())),
        }
    }
}

/// The scheme in lower case letters and what follows its colon; `None` if this is a plain path.
pub(crate) fn split_scheme(url: &str) -> Option<(&str, &str)> {
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
pub(crate) fn parse_size(text: &str) -> Option<u64> {
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

pub(crate) fn parse_file(rest: &str) -> Result<PathBuf, StorageError> {
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

pub(crate) fn invalid(reason: String) -> StorageError {
    StorageError::InvalidUrl { reason }
}

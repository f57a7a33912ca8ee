//! Lines of signatures.

use std::fmt;

use super::{KeyHash, KeyId, KeyName};
use crate::encoding;

/// What the line of a signature starts with: an em dash and a space.
const PREFIX: &str = "\u{2014} ";
/// The hash of the key comes first.
const HASH_LEN: usize = 4;

/// A signature under a note. Displayed as its line, `— name base64`, without the newline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    key: KeyId,
    /// The hash of the key and the signature, as it was written.
    base64: Box<str>,
}

impl Signature {
    pub(super) fn new(key: KeyId, signature: &[u8]) -> Self {
        let bytes = [&key.hash.get().to_be_bytes(), signature].concat();
        let base64 = encoding::encode(&bytes).into();
        Self { key, base64 }
    }

    /// Takes a line apart and returns the bytes of the signature too. `None` if the line has no signature.
    pub(super) fn parse(line: &str) -> Option<(Self, Vec<u8>)> {
        let (name, base64) = line.strip_prefix(PREFIX)?.split_once(' ')?;
        let name = KeyName::new(name).ok()?;
        let mut bytes = encoding::decode(base64)?;
        if bytes.len() <= HASH_LEN {
            return None;
        }
        let signature = bytes.split_off(HASH_LEN);
        let hash = KeyHash::new(u32::from_be_bytes(bytes.try_into().ok()?));
        let key = KeyId { name, hash };
        let base64 = base64.into();
        Some((Self { key, base64 }, signature))
    }

    /// The key it claims to be made with.
    pub fn key(&self) -> &KeyId {
        &self.key
    }

    /// The hash of the key and the signature in base64, as they were written.
    pub fn base64(&self) -> &str {
        &self.base64
    }
}

impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{} {}", self.key.name, self.base64)
    }
}

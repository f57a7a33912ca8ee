//! What keys are known by.

use std::fmt;
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use super::KeyError;

/// The name of a key: that of its database, as `sum.golang.org` or `localhost.localdev/sumdb`.
///
/// It is not empty and has neither white space nor `+`. Clones share one allocation.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyName(Arc<str>);

impl KeyName {
    /// Takes a name.
    ///
    /// # Errors
    ///
    /// [`KeyError::Malformed`] if it is none.
    pub fn new(name: &str) -> Result<Self, KeyError> {
        if name.is_empty() || name.contains(|c: char| c == '+' || c.is_whitespace()) {
            Err(KeyError::Malformed)
        } else {
            Ok(Self(name.into()))
        }
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.0, f)
    }
}

/// The hash of a key and its name, shortened to 32 bits: it tells keys apart and proves nothing.
///
/// Displayed as eight hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyHash(u32);

impl KeyHash {
    /// The hash with this value.
    pub const fn new(hash: u32) -> Self {
        Self(hash)
    }

    /// The hash as a number.
    pub const fn get(self) -> u32 {
        self.0
    }

    /// The hash of a public key, which has its algorithm before it.
    pub(super) fn of_key(name: &KeyName, key: &[u8]) -> Self {
        let hash: [u8; 32] = Sha256::new()
            .chain_update(name.as_str())
            .chain_update("\n")
            .chain_update(key)
            .finalize()
            .into();
        let [a, b, c, d, ..] = hash;
        Self(u32::from_be_bytes([a, b, c, d]))
    }

    /// Takes eight hexadecimal digits.
    pub(super) fn parse(text: &str) -> Result<Self, KeyError> {
        // Numbers in Rust may have a sign.
        if text.len() != 8 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(KeyError::Malformed);
        }
        u32::from_str_radix(text, 16)
            .map(Self)
            .map_err(|_| KeyError::Malformed)
    }
}

impl fmt::Display for KeyHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", self.0)
    }
}

/// Which key: its name and its hash. Displayed as `name+hash`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId {
    /// The name of the key.
    pub name: KeyName,
    /// Its hash.
    pub hash: KeyHash,
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}+{}", self.name, self.hash)
    }
}

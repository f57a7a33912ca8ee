//! Hashes of records and of the nodes above them.

use std::fmt;
use std::str::FromStr;

use sha2::{Digest as _, Sha256};

use crate::encoding;

/// What is hashed before a record, so that no record can pass for a node (RFC 6962, section 2.1).
const RECORD_PREFIX: [u8; 1] = [0];
/// What is hashed before the two hashes below a node.
const NODE_PREFIX: [u8; 1] = [1];

/// A SHA-256 hash of a record, a node or a whole tree (`tlog.Hash`).
///
/// Displayed and parsed as standard base64 with padding.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hash([u8; 32]);

impl Hash {
    /// How many bytes a hash has.
    pub const LEN: usize = 32;

    /// The hash of the tree without records: that of nothing at all (RFC 6962, section 2.1).
    pub const EMPTY_TREE: Self = Self([
        0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4, 0xc8, 0x99, 0x6f, 0xb9, 0x24, 0x27,
        0xae, 0x41, 0xe4, 0x64, 0x9b, 0x93, 0x4c, 0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55,
    ]);

    /// The hash with these 32 bytes.
    pub const fn from_bytes(bytes: [u8; Self::LEN]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes of the hash.
    pub const fn as_bytes(&self) -> &[u8; Self::LEN] {
        &self.0
    }

    /// The hash of a record with this content (`tlog.RecordHash`).
    pub fn of_record(data: &[u8]) -> Self {
        Self(
            Sha256::new()
                .chain_update(RECORD_PREFIX)
                .chain_update(data)
                .finalize()
                .into(),
        )
    }

    /// The hash of the node above `left` and `right` (`tlog.NodeHash`).
    pub fn of_node(left: Self, right: Self) -> Self {
        Self(
            Sha256::new()
                .chain_update(NODE_PREFIX)
                .chain_update(left.0)
                .chain_update(right.0)
                .finalize()
                .into(),
        )
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&encoding::encode(&self.0))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hash({self})")
    }
}

/// A text that is not base64 of 32 bytes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("malformed hash")]
pub struct HashError;

impl FromStr for Hash {
    type Err = HashError;

    /// Takes the base64 of a hash (`tlog.ParseHash`).
    fn from_str(text: &str) -> Result<Self, HashError> {
        let bytes = encoding::decode(text).ok_or(HashError)?;
        bytes.try_into().map(Self).map_err(|_| HashError)
    }
}

//! What the messages of a hello have in common.

use bytes::Bytes;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{PeerError, mac::Code};

/// The version that is spoken here.
pub const VERSION: u32 = 1;

/// The most bytes of a hello and of the answer to one.
pub const LARGEST_HELLO: usize = 4096;

/// A message, and the code that proves it. A field that the code does not cover is no field of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Signed<T> {
    /// What is said.
    pub(crate) said: T,
    /// The code of it.
    pub(crate) mac: Code,
}

/// The part of a message that every version has.
#[derive(Deserialize)]
struct Versioned {
    said: SaidVersion,
}

#[derive(Deserialize)]
struct SaidVersion {
    version: u32,
}

impl<T: Serialize + DeserializeOwned> Signed<T> {
    /// The message that these bytes are, which is not proved yet. The version is looked at before anything else, because
    /// another one may have other fields.
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, PeerError> {
        if bytes.len() > LARGEST_HELLO {
            return Err(PeerError::TooLarge("a hello"));
        }
        let malformed = |_| PeerError::Malformed("a hello");
        let Versioned { said } = serde_json::from_slice(bytes).map_err(malformed)?;
        if said.version != VERSION {
            return Err(PeerError::VersionMismatch {
                theirs: said.version,
                ours: VERSION,
            });
        }
        serde_json::from_slice(bytes).map_err(malformed)
    }

    /// The bytes of the message.
    pub(crate) fn write(&self) -> Bytes {
        let Ok(bytes) = serde_json::to_vec(self) else {
            unreachable!("numbers, names and digits are JSON")
        };
        bytes.into()
    }
}

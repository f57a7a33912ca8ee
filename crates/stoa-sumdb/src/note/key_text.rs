//! The text of keys: `name+hash+key`.

use super::{KeyError, KeyHash, KeyId, KeyName};
use crate::encoding;

/// The one algorithm there is.
const ED25519: u8 = 1;

/// The parts of a key's text; whether the hash fits is not known yet.
pub(super) struct KeyText {
    pub(super) id: KeyId,
    /// The algorithm and the key.
    bytes: Vec<u8>,
}

impl KeyText {
    /// Takes a key apart.
    pub(super) fn parse(text: &str) -> Result<Self, KeyError> {
        let (name, rest) = text.split_once('+').ok_or(KeyError::Malformed)?;
        let (hash, key) = rest.split_once('+').ok_or(KeyError::Malformed)?;
        let id = KeyId {
            name: KeyName::new(name)?,
            hash: KeyHash::parse(hash)?,
        };
        let bytes = encoding::decode(key)
            .filter(|bytes| !bytes.is_empty())
            .ok_or(KeyError::Malformed)?;
        Ok(Self { id, bytes })
    }

    /// Whether the hash is that of the name and the key, if the key is a public one.
    pub(super) fn has_right_hash(&self) -> bool {
        self.id.hash == KeyHash::of_key(&self.id.name, &self.bytes)
    }

    /// The key.
    pub(super) fn ed25519(&self) -> Result<[u8; 32], KeyError> {
        match self.bytes.split_first() {
            Some((&ED25519, key)) => key.try_into().map_err(|_| KeyError::Malformed),
            Some(_) => Err(KeyError::UnknownAlgorithm),
            None => Err(KeyError::Malformed),
        }
    }
}

/// The id of the Ed25519 key `public` of this name.
pub(super) fn id_of(name: KeyName, public: &[u8; 32]) -> KeyId {
    let hash = KeyHash::of_key(&name, &with_algorithm(public));
    KeyId { name, hash }
}

/// A key with its algorithm before it, in base64.
pub(super) fn encode(key: &[u8; 32]) -> String {
    encoding::encode(&with_algorithm(key))
}

fn with_algorithm(key: &[u8; 32]) -> [u8; 33] {
    let mut bytes = [ED25519; 33];
    bytes[1..].copy_from_slice(key);
    bytes
}

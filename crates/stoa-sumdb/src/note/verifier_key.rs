//! Public keys.

use std::fmt;
use std::str::FromStr;

use ed25519_dalek::{Verifier as _, VerifyingKey};

use super::key_text::{self, KeyText};
use super::{KeyError, KeyHash, KeyId, KeyName};

/// A public key of a checksum database (`note.NewVerifier`).
///
/// Displayed and parsed as `name+hash+key`, the form of GOSUMDB.
#[derive(Clone, PartialEq, Eq)]
pub struct VerifierKey {
    id: KeyId,
    key: VerifyingKey,
}

impl VerifierKey {
    /// The Ed25519 key `public` under a name (`note.NewEd25519VerifierKey`).
    ///
    /// # Errors
    ///
    /// [`KeyError::Malformed`] if these 32 bytes are no point of the curve. Go finds that when nothing verifies.
    pub fn new(name: KeyName, public: &[u8; 32]) -> Result<Self, KeyError> {
        let key = VerifyingKey::from_bytes(public).map_err(|_| KeyError::Malformed)?;
        Ok(Self {
            id: key_text::id_of(name, public),
            key,
        })
    }

    pub(super) fn of_signer(id: KeyId, key: VerifyingKey) -> Self {
        Self { id, key }
    }

    /// The name and hash of the key.
    pub fn id(&self) -> &KeyId {
        &self.id
    }

    /// The name of the key, which is that of the database.
    pub fn name(&self) -> &KeyName {
        &self.id.name
    }

    /// The hash of the key.
    pub fn hash(&self) -> KeyHash {
        self.id.hash
    }

    /// Whether `signature` is one of `text` by this key.
    pub fn verifies(&self, text: &[u8], signature: &[u8]) -> bool {
        ed25519_dalek::Signature::from_slice(signature)
            .is_ok_and(|signature| self.key.verify(text, &signature).is_ok())
    }
}

impl FromStr for VerifierKey {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let parts = KeyText::parse(text)?;
        if parts.has_right_hash() {
            Self::new(parts.id.name.clone(), &parts.ed25519()?)
        } else {
            Err(KeyError::WrongHash)
        }
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}+{}", self.id, key_text::encode(self.key.as_bytes()))
    }
}

impl fmt::Debug for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VerifierKey({self})")
    }
}

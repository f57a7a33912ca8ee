//! Private keys.

use std::fmt;
use std::str::FromStr;

use ed25519_dalek::{Signer as _, SigningKey};

use super::key_text::{self, KeyText};
use super::{KeyError, KeyId, KeyName, Signature, VerifierKey};

/// What the text of a private key starts with.
const PREFIX: &str = "PRIVATE+KEY+";

/// A private key of a checksum database (`note.NewSigner`). Parsed from `PRIVATE+KEY+name+hash+key`.
///
/// It is wiped when it is dropped, and printed without the key.
#[derive(Clone)]
pub struct Signer {
    id: KeyId,
    key: SigningKey,
}

impl Signer {
    /// The Ed25519 key that grows from `seed`, under a name (`note.GenerateKey` with a seed from elsewhere).
    pub fn from_seed(name: KeyName, seed: &[u8; 32]) -> Self {
        let key = SigningKey::from_bytes(seed);
        let id = key_text::id_of(name, key.verifying_key().as_bytes());
        Self { id, key }
    }

    /// The name and hash of the key.
    pub fn id(&self) -> &KeyId {
        &self.id
    }

    /// The public half.
    pub fn verifier_key(&self) -> VerifierKey {
        VerifierKey::of_signer(self.id.clone(), self.key.verifying_key())
    }

    /// The text of the private key, with which anyone can sign.
    pub fn to_secret_text(&self) -> String {
        format!("{PREFIX}{}+{}", self.id, key_text::encode(self.key.as_bytes()))
    }

    /// Signs a text.
    pub(super) fn sign(&self, text: &str) -> Signature {
        Signature::new(self.id.clone(), &self.key.sign(text.as_bytes()).to_bytes())
    }
}

impl FromStr for Signer {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let text = text.strip_prefix(PREFIX).ok_or(KeyError::Malformed)?;
        let parts = KeyText::parse(text)?;
        let signer = Self::from_seed(parts.id.name.clone(), &parts.ed25519()?);
        if signer.id.hash == parts.id.hash {
            Ok(signer)
        } else {
            Err(KeyError::WrongHash)
        }
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signer({})", self.id)
    }
}

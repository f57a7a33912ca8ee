//! The keys that are believed.

use super::{KeyId, NoteError, VerifierKey};

/// The keys whose signatures are looked at (`note.VerifierList`).
#[derive(Clone, Debug, Default)]
pub struct Verifiers {
    keys: Vec<VerifierKey>,
}

impl Verifiers {
    /// These keys. Two of the same id make each note that either signed ambiguous.
    pub fn new(keys: impl IntoIterator<Item = VerifierKey>) -> Self {
        Self {
            keys: keys.into_iter().collect(),
        }
    }

    /// The key with this id, if it is known.
    ///
    /// # Errors
    ///
    /// [`NoteError::Ambiguous`] if more than one has it.
    pub fn find(&self, id: &KeyId) -> Result<Option<&VerifierKey>, NoteError> {
        let mut keys = self.keys.iter().filter(|key| key.id() == id);
        let key = keys.next();
        match keys.next() {
            None => Ok(key),
            Some(_) => Err(NoteError::Ambiguous { key: id.clone() }),
        }
    }
}

impl From<VerifierKey> for Verifiers {
    fn from(key: VerifierKey) -> Self {
        Self::new([key])
    }
}

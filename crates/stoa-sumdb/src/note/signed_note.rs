//! Notes whose signatures were checked.

use super::signature::Signature;

/// A text that at least one known key signed (`note.Note`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedNote {
    pub(super) text: Box<str>,
    pub(super) verified: Vec<Signature>,
    pub(super) unverified: Vec<Signature>,
}

impl SignedNote {
    /// The text that was signed, with the newline at its end.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The signatures of known keys.
    pub fn verified(&self) -> &[Signature] {
        &self.verified
    }

    /// The signatures of other keys, which were not checked.
    pub fn unverified(&self) -> &[Signature] {
        &self.unverified
    }
}

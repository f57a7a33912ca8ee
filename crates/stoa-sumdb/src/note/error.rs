//! Why a note is not believed.

use super::{KeyId, SignedNote};

/// Why a text is no note, no known key signed a note, or a text cannot be signed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    /// The bytes are no note: not UTF-8, with control characters, or not text, an empty line and up to a hundred
    /// lines of signatures.
    #[error("malformed note")]
    Malformed,
    /// The note is longer than [`MAX_NOTE_BYTES`](super::MAX_NOTE_BYTES).
    #[error("note of {len} bytes is too long")]
    TooLong {
        /// How long it is.
        len: usize,
    },
    /// A known key's signature is not one of this text.
    #[error("invalid signature for key {key}")]
    InvalidSignature {
        /// The key.
        key: KeyId,
    },
    /// More than one known key has the id a signature names.
    #[error("ambiguous key {key}")]
    Ambiguous {
        /// The id.
        key: KeyId,
    },
    /// No known key signed the note.
    #[error("note has no verifiable signatures")]
    Unverified {
        /// The note, which proves nothing.
        note: Box<SignedNote>,
    },
}

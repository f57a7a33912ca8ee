//! Signed notes: texts with signatures under them (`golang.org/x/mod/sumdb/note`).

mod error;
mod key_error;
mod key_id;
mod key_text;
mod open_and_sign;
mod signature;
mod signed_note;
mod signer;
mod verifier_key;
mod verifiers;

pub use error::NoteError;
pub use key_error::KeyError;
pub use key_id::{KeyHash, KeyId, KeyName};
pub use open_and_sign::MAX_NOTE_BYTES;
pub use signature::Signature;
pub use signed_note::SignedNote;
pub use signer::Signer;
pub use verifier_key::VerifierKey;
pub use verifiers::Verifiers;

//! Why a text is no key.

/// A text that is no key of a checksum database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The text is not `name+hash+key`, or the key has not the length and form of its algorithm.
    #[error("malformed verifier id")]
    Malformed,
    /// The key is for another algorithm than Ed25519.
    #[error("unknown verifier algorithm")]
    UnknownAlgorithm,
    /// The hash is not that of the name and the key: one of the three was changed or cut.
    #[error("invalid verifier hash")]
    WrongHash,
}

//! Why a proof could not be made, or proves nothing.

use super::MissingHash;

/// A proof that cannot be made, or that proves nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// The record or the older tree is not in the tree it should be proved to be in.
    #[error("nothing to prove: {what} is not in a tree of {size} records")]
    OutOfRange {
        /// What is not in the tree.
        what: String,
        /// The size of the tree.
        size: super::TreeSize,
    },
    /// A hash the proof is made of is not held.
    #[error("cannot prove: {0}")]
    Missing(#[from] MissingHash),
    /// The proof does not lead to the hash of the tree, or has too few or too many hashes.
    #[error("invalid transparency proof")]
    Failed,
}

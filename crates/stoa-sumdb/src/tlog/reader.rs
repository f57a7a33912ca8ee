//! Where hashes are read from.

use super::{Hash, Node};

/// Holds hashes of a log (`tlog.HashReader`).
///
/// Reading does not wait: hashes that must be fetched are fetched first, as tiles (see [`TilePlan`](super::TilePlan)).
pub trait HashReader {
    /// The hash of a node.
    ///
    /// # Errors
    ///
    /// [`MissingHash`] if it is not held.
    fn hash(&self, node: Node) -> Result<Hash, MissingHash>;
}

#[deny(clippy::missing_trait_methods)]
impl<R: HashReader + ?Sized> HashReader for &R {
    fn hash(&self, node: Node) -> Result<Hash, MissingHash> {
        (**self).hash(node)
    }
}

/// A hash that was needed is not at hand.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the hash of node {node} is missing")]
pub struct MissingHash {
    /// The node whose hash was needed.
    pub node: Node,
}

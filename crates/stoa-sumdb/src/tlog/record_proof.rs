//! Proofs that a tree has a record.

use std::ops::Range;

use super::{Hash, HashReader, Node, ProofError, RecordId, TreeHead, TreeSize, subtree};

/// The hashes that lead from a record to the hash of its tree, lowest first (`tlog.RecordProof`).
///
/// RFC 6962 calls it a Merkle audit path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordProof(Vec<Hash>);

impl RecordProof {
    /// A proof as it was received, to be checked.
    pub fn from_hashes(hashes: Vec<Hash>) -> Self {
        Self(hashes)
    }

    /// The hashes, lowest first.
    pub fn hashes(&self) -> &[Hash] {
        &self.0
    }

    /// Proves that a tree of `size` records has record `id` (`tlog.ProveRecord`).
    ///
    /// # Errors
    ///
    /// [`ProofError::OutOfRange`] if it has not, [`ProofError::Missing`] if a hash is not held.
    pub fn prove(size: TreeSize, id: RecordId, reader: &impl HashReader) -> Result<Self, ProofError> {
        let hashes = siblings(size, id)?
            .into_iter()
            .map(|records| subtree::hash(records, reader))
            .collect::<Result<_, _>>()?;
        Ok(Self(hashes))
    }

    /// The nodes [`RecordProof::prove`] reads.
    ///
    /// # Errors
    ///
    /// [`ProofError::OutOfRange`] as there.
    pub fn nodes(size: TreeSize, id: RecordId) -> Result<Vec<Node>, ProofError> {
        Ok(siblings(size, id)?.into_iter().flat_map(subtree::nodes).collect())
    }

    /// Checks that `tree` has a record `id` with the hash `record` (`tlog.CheckRecord`).
    ///
    /// # Errors
    ///
    /// [`ProofError::Failed`] if the proof does not say so, [`ProofError::OutOfRange`] if it cannot.
    pub fn check(&self, tree: &TreeHead, id: RecordId, record: Hash) -> Result<(), ProofError> {
        let siblings = siblings(tree.size, id)?;
        if siblings.len() != self.0.len() {
            return Err(ProofError::Failed);
        }
        let hash = siblings
            .iter()
            .zip(&self.0)
            .fold(record, |hash, (records, &sibling)| {
                if is_right_of(records, id) {
                    Hash::of_node(hash, sibling)
                } else {
                    Hash::of_node(sibling, hash)
                }
            });
        if hash == tree.hash {
            Ok(())
        } else {
            Err(ProofError::Failed)
        }
    }
}

fn is_right_of(records: &Range<u64>, id: RecordId) -> bool {
    u64::try_from(id.get()).is_ok_and(|record| record < records.start)
}

/// What stands beside the way from a record up to the root, lowest first.
fn siblings(size: TreeSize, id: RecordId) -> Result<Vec<Range<u64>>, ProofError> {
    let record = id.index_in(size).ok_or_else(|| ProofError::OutOfRange {
        what: format!("record {id}"),
        size,
    })?;
    let mut way = 0..size.get();
    let mut siblings = Vec::new();
    while way.end - way.start > 1 {
        let middle = subtree::split(&way);
        if record < middle {
            siblings.push(middle..way.end);
            way.end = middle;
        } else {
            siblings.push(way.start..middle);
            way.start = middle;
        }
    }
    siblings.reverse();
    Ok(siblings)
}

//! Proofs that a tree continues an older one.

use std::ops::Range;

use super::{Hash, HashReader, Node, ProofError, TreeHead, TreeSize, subtree};

/// The hashes that lead from an older tree to a newer one, lowest first (`tlog.TreeProof`).
///
/// RFC 6962 calls it a Merkle consistency proof.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TreeProof(Vec<Hash>);

impl TreeProof {
    /// A proof as it was received, to be checked.
    pub fn from_hashes(hashes: Vec<Hash>) -> Self {
        Self(hashes)
    }

    /// The hashes, lowest first.
    pub fn hashes(&self) -> &[Hash] {
        &self.0
    }

    /// Proves that the tree of `newer` records starts with that of `older` records (`tlog.ProveTree`).
    ///
    /// # Errors
    ///
    /// [`ProofError::OutOfRange`] if `older` is larger or empty, [`ProofError::Missing`] if a hash is not held.
    pub fn prove(newer: TreeSize, older: TreeSize, reader: &impl HashReader) -> Result<Self, ProofError> {
        let hashes = parts(newer, older)?
            .into_iter()
            .map(|records| subtree::hash(records, reader))
            .collect::<Result<_, _>>()?;
        Ok(Self(hashes))
    }

    /// The nodes [`TreeProof::prove`] reads.
    ///
    /// # Errors
    ///
    /// [`ProofError::OutOfRange`] as there.
    pub fn nodes(newer: TreeSize, older: TreeSize) -> Result<Vec<Node>, ProofError> {
        Ok(parts(newer, older)?
            .into_iter()
            .flat_map(subtree::nodes)
            .collect())
    }

    /// Checks that `newer` starts with all of `older` (`tlog.CheckTree`).
    ///
    /// # Errors
    ///
    /// [`ProofError::Failed`] if the proof does not say so, [`ProofError::OutOfRange`] if it cannot.
    pub fn check(&self, newer: &TreeHead, older: &TreeHead) -> Result<(), ProofError> {
        let parts = parts(newer.size, older.size)?;
        if parts.len() != self.0.len() {
            return Err(ProofError::Failed);
        }
        let mut steps = parts.iter().zip(self.0.iter().copied());
        // The way up starts at the last subtree the older tree has whole: itself, or the first part.
        let start = match parts.first() {
            Some(records) if records.end == older.size.get() => {
                steps.next().map_or(older.hash, |(_, hash)| hash)
            }
            _ => older.hash,
        };
        let (older_hash, newer_hash) =
            steps.fold((start, start), |(older_hash, newer_hash), (records, hash)| {
                if records.start >= older.size.get() {
                    (older_hash, Hash::of_node(newer_hash, hash))
                } else {
                    (Hash::of_node(hash, older_hash), Hash::of_node(hash, newer_hash))
                }
            });
        if older_hash == older.hash && newer_hash == newer.hash {
            Ok(())
        } else {
            Err(ProofError::Failed)
        }
    }
}

/// The runs of records whose hashes make up a proof, lowest first.
fn parts(newer: TreeSize, older: TreeSize) -> Result<Vec<Range<u64>>, ProofError> {
    if older == TreeSize::EMPTY || older > newer {
        return Err(ProofError::OutOfRange {
            what: format!("a tree of {older} records"),
            size: newer,
        });
    }
    let mut way = 0..newer.get();
    let mut parts = Vec::new();
    while older.get() != way.end {
        let middle = subtree::split(&way);
        if older.get() <= middle {
            parts.push(middle..way.end);
            way.end = middle;
        } else {
            parts.push(way.start..middle);
            way.start = middle;
        }
    }
    // A subtree that starts at zero is the older tree itself, whose hash is known.
    if way.start != 0 {
        parts.push(way);
    }
    parts.reverse();
    Ok(parts)
}

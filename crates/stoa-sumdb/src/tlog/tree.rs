//! Hashes of trees and the hashes that are stored for them.

use super::{Hash, HashReader, MissingHash, Node, RecordId, TreeSize, subtree};

/// The hash of the tree of the first `size` records (`tlog.TreeHash`).
///
/// # Errors
///
/// [`MissingHash`] if one of the [`tree_nodes`] is not held.
pub fn tree_hash(size: TreeSize, reader: &impl HashReader) -> Result<Hash, MissingHash> {
    subtree::hash(0..size.get(), reader)
}

/// The nodes from which [`tree_hash`] is made, at most 63.
pub fn tree_nodes(size: TreeSize) -> impl Iterator<Item = Node> {
    subtree::nodes(0..size.get())
}

/// The hashes to store when a record is appended, from [`Node::stored_index`] of the record on
/// (`tlog.StoredHashesForRecordHash`).
///
/// They are its own hash and those of the nodes it completes, for which earlier hashes are read.
///
/// # Errors
///
/// [`MissingHash`] if an earlier hash is not held. An `id` that no tree has completes no nodes.
pub fn stored_hashes(id: RecordId, hash: Hash, reader: &impl HashReader) -> Result<Vec<Hash>, MissingHash> {
    let mut hashes = vec![hash];
    let Some(record) = id.index_in(TreeSize::MAX) else {
        return Ok(hashes);
    };
    let mut hash = hash;
    for level in 0..(record + 1).trailing_zeros() {
        // The node at this level is a right one, else it would complete nothing.
        let Some(left) = Node::new(level, (record >> level) - 1) else {
            break;
        };
        hash = Hash::of_node(reader.hash(left)?, hash);
        hashes.push(hash);
    }
    Ok(hashes)
}

/// How many hashes are stored for a tree (`tlog.StoredHashCount`).
pub fn stored_hash_count(size: TreeSize) -> u64 {
    // One for each record, and one less for each complete subtree of the tree but the records themselves: a
    // subtree of n records has 2n-1 nodes.
    tree_nodes(size).map(|node| (2 << node.level()) - 1).sum()
}

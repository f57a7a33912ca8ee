//! Runs of records as complete subtrees.

use std::ops::Range;

use super::{Hash, HashReader, MissingHash, Node};

/// The complete subtrees that make up a run of records, largest first.
///
/// The run starts where a tree is split, so its start is a multiple of the largest power of two that fits it.
pub(super) fn nodes(records: Range<u64>) -> impl Iterator<Item = Node> {
    let mut start = records.start;
    std::iter::from_fn(move || {
        let level = records.end.checked_sub(start)?.checked_ilog2()?;
        let node = Node::new(level, start >> level)?;
        start += 1 << level;
        Some(node)
    })
}

/// The hash of a run of records that is not empty.
pub(super) fn hash(records: Range<u64>, reader: &impl HashReader) -> Result<Hash, MissingHash> {
    let hashes: Vec<Hash> = nodes(records)
        .map(|node| reader.hash(node))
        .collect::<Result<_, _>>()?;
    Ok(join(hashes).unwrap_or(Hash::EMPTY_TREE))
}

/// The hash of adjacent subtrees, given largest first: the left one stands against all that is right of it.
pub(super) fn join(hashes: impl IntoIterator<Item = Hash, IntoIter: DoubleEndedIterator>) -> Option<Hash> {
    hashes
        .into_iter()
        .rev()
        .reduce(|right, left| Hash::of_node(left, right))
}

/// Where a run of at least two records is split: at the largest power of two that is less.
pub(super) fn split(records: &Range<u64>) -> u64 {
    records.start + (1 << (records.end - records.start - 1).ilog2())
}

//! Places of hashes in a tree.

use std::fmt;

use super::TreeSize;

/// A complete subtree by its place: the `number`th node of 2^`level` records each, counted from the left.
///
/// Level 0 has the records. Every value is complete in some tree of an allowed size, so sums over it cannot
/// overflow. [`Node::stored_index`] puts all nodes in one row, in the order in which appending makes them (section
/// 3.3 of Crosby and Wallach, "Efficient Data Structures for Tamper-Evident Logging").
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Node {
    level: u8,
    number: u64,
}

impl Node {
    /// The node `number` of `level`; `None` if no tree is large enough for it.
    pub const fn new(level: u32, number: u64) -> Option<Self> {
        // A tree has fewer than 2^63 records, so level 62 is its highest.
        if level > 62 || number >= TreeSize::MAX.get() >> level {
            return None;
        }
        #[expect(clippy::cast_possible_truncation, reason = "at most 62")]
        Some(Self {
            level: level as u8,
            number,
        })
    }

    /// The level above the records, at most 62.
    pub const fn level(self) -> u32 {
        self.level as u32
    }

    /// The number within the level.
    pub const fn number(self) -> u64 {
        self.number
    }

    /// Whether a tree of this size has the node with all its records.
    pub const fn is_in(self, size: TreeSize) -> bool {
        self.last_record() < size.get()
    }

    /// The record that completes the node.
    const fn last_record(self) -> u64 {
        ((self.number + 1) << self.level) - 1
    }

    /// The position of the node in a row of stored hashes (`tlog.StoredHashIndex`).
    pub const fn stored_index(self) -> u64 {
        first_index(self.last_record()) + self.level as u64
    }

    /// The node at a position in a row of stored hashes (`tlog.SplitStoredHashIndex`); `None` if that is beyond the
    /// largest tree.
    pub const fn at_stored_index(index: u64) -> Option<Self> {
        // first_index(n) < 2n, and not less by more than the bits of n.
        let mut record = index / 2;
        let mut first = first_index(record);
        loop {
            let next = match first.checked_add(1 + (record + 1).trailing_zeros() as u64) {
                Some(next) if next <= index => next,
                _ => break,
            };
            record += 1;
            first = next;
        }
        if record >= TreeSize::MAX.get() {
            return None;
        }
        // What is stored with a record: (0, n), (1, n/2), (2, n/4) and so on.
        #[expect(
            clippy::cast_possible_truncation,
            reason = "a record completes at most 62 nodes"
        )]
        let level = (index - first) as u32;
        Self::new(level, record >> level)
    }
}

/// Where the hash of a record is stored: n + n/2 + n/4 + ..., one for each node before it.
const fn first_index(record: u64) -> u64 {
    // The sum is 2n less the bits of n, in this order because 2n may not fit.
    record - record.count_ones() as u64 + record
}

/// Prints as `level/number`.
impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.level, self.number)
    }
}

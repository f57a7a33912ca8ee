//! How many records a tree has.

use std::fmt;

/// The number of records of a tree: at most 2⁶³-1, as in Go, so that positions of hashes fit 64 bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TreeSize(u64);

impl TreeSize {
    /// The tree without records, from which every log starts.
    pub const EMPTY: Self = Self(0);
    /// The largest tree there can be.
    pub const MAX: Self = Self(i64::MAX.unsigned_abs());

    /// A tree of `records` records; `None` beyond [`TreeSize::MAX`].
    pub const fn new(records: u64) -> Option<Self> {
        if records <= Self::MAX.0 {
            Some(Self(records))
        } else {
            None
        }
    }

    /// The number of records.
    pub const fn get(self) -> u64 {
        self.0
    }
}

impl fmt::Display for TreeSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

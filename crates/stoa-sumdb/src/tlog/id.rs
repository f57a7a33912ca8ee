//! Which record of a log.

use std::fmt;

use super::TreeSize;

/// The number of a record in its log, counted from zero.
///
/// Texts of records may have a negative number there, which Go reads too; [`RecordId::index_in`] finds no such record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordId(i64);

impl RecordId {
    /// The record with this number.
    pub const fn new(id: i64) -> Self {
        Self(id)
    }

    /// The number as it is written.
    pub const fn get(self) -> i64 {
        self.0
    }

    /// The position of the record in a tree of this size; `None` if the tree has no such record.
    pub fn index_in(self, size: TreeSize) -> Option<u64> {
        u64::try_from(self.0).ok().filter(|&index| index < size.get())
    }
}

impl fmt::Display for RecordId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

//! What became of a file that was to be stored.

/// What became of a file that was to be stored. Either way the key now has content, durably.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Put {
    /// The key had no content; now it has this.
    Stored,
    /// The key had content already, and keeps it: the first content wins.
    Existed,
}

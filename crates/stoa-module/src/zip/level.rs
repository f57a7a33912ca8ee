//! How hard to compress.

/// How hard to compress, from 0 to 9; 6 by default.
///
/// Contents are what matters to a module's identity, so the level is free to choose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Level(pub(super) u32);

impl Level {
    /// A level; whatever is above 9 counts as 9.
    pub fn new(level: u32) -> Self {
        Self(level.min(9))
    }
}

impl Default for Level {
    fn default() -> Self {
        Self(6)
    }
}

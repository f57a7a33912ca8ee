//! How many permits there are, and for which class.

use crate::Class;

/// The share of the permits that background work may have, in percent; at least one permit.
const BACKGROUND_SHARE: usize = 30;

/// Counts the permits that are out.
#[derive(Debug)]
pub(super) struct Shares {
    limit: usize,
    used: usize,
    used_by_background: usize,
}

impl Shares {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            limit: limit.max(1),
            used: 0,
            used_by_background: 0,
        }
    }

    pub(super) fn set_limit(&mut self, limit: usize) {
        self.limit = limit.max(1);
    }

    pub(super) fn limit(&self) -> usize {
        self.limit
    }

    pub(super) fn used(&self) -> usize {
        self.used
    }

    /// The permits that are left.
    pub(super) fn free(&self) -> usize {
        self.limit.saturating_sub(self.used)
    }

    /// Those of them that background work may have.
    pub(super) fn free_for_background(&self) -> usize {
        let share = (self.limit * BACKGROUND_SHARE / 100).max(1);
        self.free().min(share.saturating_sub(self.used_by_background))
    }

    pub(super) fn take(&mut self, class: Class) {
        self.used += 1;
        self.used_by_background += usize::from(class == Class::Background);
    }

    pub(super) fn give_back(&mut self, class: Class) {
        self.used -= 1;
        self.used_by_background -= usize::from(class == Class::Background);
    }
}

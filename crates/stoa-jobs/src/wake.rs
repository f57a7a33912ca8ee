//! Whom a transaction wakes.

use crate::Wakers;

/// Whom a transaction wakes when it is done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wake {
    /// Those who wait for jobs.
    pub work: bool,
    /// Those who run jobs.
    pub control: bool,
    /// Those who watch.
    pub events: bool,
}

impl Wake {
    /// Both.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self {
            work: self.work || other.work,
            control: self.control || other.control,
            events: self.events || other.events,
        }
    }

    /// Whether it wakes anybody.
    pub const fn is_any(self) -> bool {
        self.work || self.control || self.events
    }

    /// Wakes them.
    pub fn fire(self, wakers: &Wakers) {
        if self.work {
            wakers.work();
        }
        if self.control {
            wakers.control();
        }
        if self.events {
            wakers.events();
        }
    }
}

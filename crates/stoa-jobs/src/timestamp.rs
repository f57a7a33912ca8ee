//! Moments of the store's clock.

use std::{fmt, time::Duration};

use serde::{Deserialize, Serialize};

/// A moment by the clock of the store: milliseconds since 1970-01-01 UTC.
///
/// All nodes of a store count by its clock and not by their own, so that a node whose clock is wrong ends no lease too early.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(u64);

impl Timestamp {
    /// This many milliseconds after 1970-01-01 UTC.
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    /// Milliseconds since 1970-01-01 UTC.
    pub const fn as_millis(self) -> u64 {
        self.0
    }

    /// The moment that comes `time` later.
    #[must_use]
    pub fn plus(self, time: Duration) -> Self {
        Self(self.0.saturating_add(millis(time)))
    }

    /// The moment that was `time` earlier, or the first of all moments.
    #[must_use]
    pub fn minus(self, time: Duration) -> Self {
        Self(self.0.saturating_sub(millis(time)))
    }

    /// How long it is from `earlier` to this moment; nothing if it comes later.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ms", self.0)
    }
}

/// A duration in whole milliseconds; what does not fit is the longest there is.
pub(crate) fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_that_do_not_fit_end_at_the_last_moment() {
        let late = Timestamp::from_millis(u64::MAX - 1);
        assert_eq!(late.plus(Duration::MAX).as_millis(), u64::MAX);
        assert_eq!(
            Timestamp::from_millis(5)
                .minus(Duration::from_secs(1))
                .as_millis(),
            0
        );
        assert_eq!(Timestamp::from_millis(5).since(late), Duration::ZERO);
    }
}

//! What a store tells the time by.

use std::{
    fmt,
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use tokio::time::Instant;

use crate::{Timestamp, timestamp::millis};

/// What a store tells the time by.
pub trait Clock: fmt::Debug + Send + Sync + 'static {
    /// The time. It never goes back by much, and is the same for all users of a store.
    fn now(&self) -> Timestamp;
}

/// The clock of the machine.
#[derive(Clone, Copy, Debug)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_millis(millis(since))
    }
}

/// The clock of tokio, which stands still in a test that pauses it.
#[derive(Clone, Copy, Debug)]
pub struct TokioClock {
    start: Instant,
    first: Timestamp,
}

impl TokioClock {
    /// A clock that shows `first` now.
    pub fn starting_at(first: Timestamp) -> Self {
        Self {
            start: Instant::now(),
            first,
        }
    }
}

impl Clock for TokioClock {
    fn now(&self) -> Timestamp {
        self.first.plus(self.start.elapsed())
    }
}

/// A clock that a test moves.
#[derive(Debug)]
pub struct ManualClock(AtomicU64);

impl ManualClock {
    /// A clock that shows `first` until it is moved.
    pub const fn starting_at(first: Timestamp) -> Self {
        Self(AtomicU64::new(first.as_millis()))
    }

    /// Moves it on.
    pub fn advance(&self, time: Duration) {
        self.0.fetch_add(millis(time), Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::SeqCst))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: Timestamp = Timestamp::from_millis(1_000_000);

    #[tokio::test(start_paused = true)]
    async fn the_clock_of_tokio_moves_with_its_paused_time() {
        let clock = TokioClock::starting_at(FIRST);
        assert_eq!(clock.now(), FIRST);
        tokio::time::advance(Duration::from_secs(90)).await;
        assert_eq!(clock.now(), FIRST.plus(Duration::from_secs(90)));
    }

    #[test]
    fn the_clock_of_the_machine_counts_from_1970() {
        assert!(
            SystemClock.now() > Timestamp::from_millis(1_700_000_000_000),
            "2023"
        );
    }
}

//! What a lane counts.

use std::{
    ops::AddAssign,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

/// What has happened in a lane since it was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LaneCounts {
    /// Tasks taken.
    pub queued: u64,
    /// Tasks not taken.
    pub rejected: u64,
    /// Tasks that got a permit.
    pub started: u64,
    /// Tasks that left the queue without a permit.
    pub abandoned: u64,
    /// Tasks that ended with a response of a status below 500.
    pub succeeded: u64,
    /// Tasks that were refused after they had got a permit: by a filter, the breaker, the rate, their own expiry.
    pub refused: u64,
    /// Tasks that ended in any other way after they had got a permit.
    pub failed: u64,
    /// Attempts sent.
    pub attempts: u64,
    /// Attempts that retried another.
    pub retries: u64,
    /// Pauses that the server asked for.
    pub throttles: u64,
    /// Times that the breaker opened, failed probes included.
    pub openings: u64,
    /// Bytes of bodies read only to keep a connection.
    pub drained: u64,
    /// Time spent waiting for permits.
    pub waited: Duration,
    /// Time from permits to ends.
    pub busy: Duration,
}

impl AddAssign for LaneCounts {
    fn add_assign(&mut self, other: Self) {
        self.queued += other.queued;
        self.rejected += other.rejected;
        self.started += other.started;
        self.abandoned += other.abandoned;
        self.succeeded += other.succeeded;
        self.refused += other.refused;
        self.failed += other.failed;
        self.attempts += other.attempts;
        self.retries += other.retries;
        self.throttles += other.throttles;
        self.openings += other.openings;
        self.drained += other.drained;
        self.waited += other.waited;
        self.busy += other.busy;
    }
}

/// The same, while it is being counted.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) queued: Count,
    pub(crate) rejected: Count,
    pub(crate) started: Count,
    pub(crate) abandoned: Count,
    pub(crate) succeeded: Count,
    pub(crate) refused: Count,
    pub(crate) failed: Count,
    pub(crate) attempts: Count,
    pub(crate) retries: Count,
    pub(crate) throttles: Count,
    pub(crate) openings: Count,
    pub(crate) drained: Count,
    pub(crate) waited: Count,
    pub(crate) busy: Count,
}

/// One number.
#[derive(Debug, Default)]
pub(crate) struct Count(AtomicU64);

impl Count {
    pub(crate) fn one(&self) {
        self.add(1);
    }

    pub(crate) fn add(&self, number: u64) {
        self.0.fetch_add(number, Ordering::Relaxed);
    }

    /// Adds a time, in nanoseconds: enough for 580 years.
    pub(crate) fn time(&self, time: Duration) {
        self.add(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX));
    }

    fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Counters {
    pub(crate) fn counts(&self) -> LaneCounts {
        LaneCounts {
            queued: self.queued.get(),
            rejected: self.rejected.get(),
            started: self.started.get(),
            abandoned: self.abandoned.get(),
            succeeded: self.succeeded.get(),
            refused: self.refused.get(),
            failed: self.failed.get(),
            attempts: self.attempts.get(),
            retries: self.retries.get(),
            throttles: self.throttles.get(),
            openings: self.openings.get(),
            drained: self.drained.get(),
            waited: Duration::from_nanos(self.waited.get()),
            busy: Duration::from_nanos(self.busy.get()),
        }
    }
}

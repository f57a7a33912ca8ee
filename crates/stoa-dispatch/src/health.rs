//! Counts of tasks.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::{Event, EventKind, Listener};

/// A listener that counts what becomes of tasks.
#[derive(Debug, Default)]
pub struct Health {
    queued: AtomicU64,
    rejected: AtomicU64,
    succeeded: AtomicU64,
    failed: AtomicU64,
}

/// The counters at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HealthCounts {
    /// Tasks taken.
    pub queued: u64,
    /// Tasks not taken.
    pub rejected: u64,
    /// Tasks that ended with a response of a status below 500, its body cleaned up.
    pub succeeded: u64,
    /// Tasks that ended in any other way, those that were given up while they waited included.
    pub failed: u64,
}

impl Health {
    /// All at zero.
    pub fn new() -> Self {
        Self::default()
    }

    /// The counters now.
    pub fn counts(&self) -> HealthCounts {
        HealthCounts {
            queued: self.queued.load(Ordering::Relaxed),
            rejected: self.rejected.load(Ordering::Relaxed),
            succeeded: self.succeeded.load(Ordering::Relaxed),
            failed: self.failed.load(Ordering::Relaxed),
        }
    }
}

impl Listener for Health {
    fn event(&self, event: &Event) {
        let counter = match &event.kind {
            EventKind::Queue => &self.queued,
            EventKind::Reject(_) => &self.rejected,
            EventKind::Finish {
                result: Ok(Some(status)),
                ..
            } if !status.is_server_error() => &self.succeeded,
            EventKind::Finish { .. } | EventKind::Abandon(_) => &self.failed,
            EventKind::Start { .. }
            | EventKind::Retry { .. }
            | EventKind::Throttle { .. }
            | EventKind::Breaker(_) => return,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }
}

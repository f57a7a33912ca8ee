//! What goes on on one connection.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

/// What goes on on one connection: the difference between a peer that is slow and one that has stopped, and between a
/// connection that is in use and one that may be closed.
#[derive(Debug)]
pub(crate) struct Activity {
    started: Instant,
    /// When the peer last took something, in milliseconds after the start.
    moved: AtomicU64,
    /// The peer's socket takes nothing just now.
    blocked: AtomicBool,
    /// Requests that are being answered.
    open: AtomicUsize,
}

/// A request that is being answered.
#[derive(Debug)]
pub(crate) struct Busy(Arc<Activity>);

impl Activity {
    pub(crate) fn new() -> Self {
        Self {
            started: Instant::now(),
            moved: AtomicU64::new(0),
            blocked: AtomicBool::new(false),
            open: AtomicUsize::new(0),
        }
    }

    /// The peer has taken something.
    pub(crate) fn has_moved(&self) {
        let now = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.moved.store(now, Ordering::Relaxed);
    }

    /// For how long the peer has taken nothing.
    pub(crate) fn still_for(&self) -> Duration {
        let moved = Duration::from_millis(self.moved.load(Ordering::Relaxed));
        self.started.elapsed().saturating_sub(moved)
    }

    /// Whether the peer's socket takes nothing just now.
    pub(crate) fn set_blocked(&self, is_blocked: bool) {
        self.blocked.store(is_blocked, Ordering::Relaxed);
    }

    /// A request is being answered until the guard is dropped.
    pub(crate) fn answering(self: &Arc<Self>) -> Busy {
        self.open.fetch_add(1, Ordering::Relaxed);
        Busy(Arc::clone(self))
    }

    /// Whether nothing is being answered or sent, so that closing the connection takes nothing from anybody.
    pub(crate) fn is_quiet(&self) -> bool {
        self.open.load(Ordering::Relaxed) == 0 && !self.blocked.load(Ordering::Relaxed)
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::Relaxed);
    }
}

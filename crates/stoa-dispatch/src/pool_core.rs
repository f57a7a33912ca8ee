//! What all handles and all tasks of a pool share.

use std::{
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
};

use http::StatusCode;
use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio_util::task::TaskTracker;

use crate::{
    Classify, DispatchError, Event, EventKind, Filter, LaneKey, Listener, Quota, lanes::Lanes, signal::Signal,
};

/// Draws a number from 0 to 1, 1 excluded.
pub type Jitter = Arc<dyn Fn() -> f64 + Send + Sync>;

/// The pool behind its handles.
pub(crate) struct PoolCore {
    pub(crate) name: String,
    pub(crate) lanes: Lanes,
    pub(crate) filters: Vec<Arc<dyn Filter>>,
    pub(crate) listeners: Vec<Arc<dyn Listener>>,
    pub(crate) listener_panics: AtomicU64,
    pub(crate) classify: Arc<dyn Classify>,
    pub(crate) jitter: Jitter,
    pub(crate) max_tasks: usize,
    /// The same number, divided among the shares of tasks.
    pub(crate) shares: Quota,
    /// Tasks that were taken and have not ended, and those that wait for room.
    pub(crate) outstanding: AtomicUsize,
    pub(crate) all_done: Notify,
    pub(crate) next_id: AtomicU64,
    /// Owns the tasks that no caller polls, and the one that sweeps the lanes.
    pub(crate) tracker: TaskTracker,
    /// Nothing more is taken.
    pub(crate) closing: Signal,
    /// Nothing more is waited for.
    pub(crate) abort: Signal,
    /// How tasks have ended since closing began.
    pub(crate) tally: Mutex<Tally>,
}

/// How the tasks ended that a closing pool still had.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tally {
    pub(crate) finished: u64,
    pub(crate) aborted: u64,
    pub(crate) abandoned: u64,
}

impl PoolCore {
    pub(crate) fn id(&self) -> u64 {
        self.next_id.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Calls every listener. Without listeners no event is made.
    pub(crate) fn emit(&self, task: u64, lane: &LaneKey, kind: impl FnOnce() -> EventKind) {
        if self.listeners.is_empty() {
            return;
        }
        let event = Event {
            task,
            lane: lane.clone(),
            kind: kind(),
        };
        for listener in &self.listeners {
            if catch_unwind(AssertUnwindSafe(|| listener.event(&event))).is_err() {
                self.listener_panics.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    /// Counts an end, once the pool is being closed: `None` for a task that never had a permit.
    pub(crate) fn tally(&self, end: Option<&Result<Option<StatusCode>, DispatchError>>) {
        if !self.closing.is_given() {
            return;
        }
        let mut tally = self.tally.lock();
        match end {
            None => tally.abandoned += 1,
            Some(Err(DispatchError::Aborted)) => tally.aborted += 1,
            Some(_) => tally.finished += 1,
        }
    }
}

impl fmt::Debug for PoolCore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pool({}, {:?})", self.name, self.lanes)
    }
}

//! What all tasks of a pool share.

use std::{
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use http::StatusCode;
use parking_lot::Mutex;
use tokio::{sync::Notify, time::Instant};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{Classify, DispatchError, Event, EventKind, Filter, LaneKey, Listener, lanes::Lanes};

/// Draws a number from 0 to 1, 1 excluded.
pub type Jitter = Arc<dyn Fn() -> f64 + Send + Sync>;

/// As good as never, for who waits for it; instants do not reach much further everywhere.
const NEVER: Duration = Duration::from_secs(30 * 365 * 24 * 60 * 60);

/// The end of a time that begins at `from`. A time without a bound, such as [`Duration::MAX`], ends in some decades.
pub(crate) fn after(from: Instant, time: Duration) -> Instant {
    from + time.min(NEVER)
}

/// The pool behind its handle.
pub(crate) struct Shared {
    pub(crate) name: String,
    pub(crate) lanes: Lanes,
    pub(crate) filters: Vec<Arc<dyn Filter>>,
    pub(crate) listeners: Vec<Arc<dyn Listener>>,
    pub(crate) listener_panics: AtomicU64,
    pub(crate) classify: Arc<dyn Classify>,
    pub(crate) jitter: Jitter,
    pub(crate) max_tasks: usize,
    pub(crate) outstanding: AtomicUsize,
    pub(crate) all_done: Notify,
    pub(crate) next_id: AtomicU64,
    /// Tasks that nobody waits for, and the one that sweeps.
    pub(crate) tracker: TaskTracker,
    /// Nothing more is taken.
    pub(crate) closing: Signal,
    /// Nothing more is waited for.
    pub(crate) abort: Signal,
    /// What became of tasks since closing began.
    pub(crate) tally: Mutex<Tally>,
}

/// Something that happens once. Every request asks whether it has: a token alone would answer under a lock.
#[derive(Debug, Default)]
pub(crate) struct Signal {
    given: AtomicBool,
    token: CancellationToken,
}

impl Signal {
    pub(crate) fn give(&self) {
        self.given.store(true, Ordering::SeqCst);
        self.token.cancel();
    }

    pub(crate) fn is_given(&self) -> bool {
        self.given.load(Ordering::SeqCst)
    }

    /// For who waits for it.
    pub(crate) fn token(&self) -> &CancellationToken {
        &self.token
    }
}

/// How the tasks ended that a closing pool still had.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tally {
    pub(crate) finished: u64,
    pub(crate) aborted: u64,
    pub(crate) abandoned: u64,
}

impl Shared {
    pub(crate) fn id(&self) -> u64 {
        self.next_id.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Tells every listener. Without listeners no event is made.
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

    /// Counts an end, once the pool is being closed: `None` for a task that had no turn.
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

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pool({}, {:?})", self.name, self.lanes)
    }
}

//! What a pool is made of.

use std::{
    collections::HashSet,
    fmt,
    sync::{
        Arc, Weak,
        atomic::{AtomicU64, AtomicUsize},
    },
    time::Duration,
};

use parking_lot::Mutex;
use tokio::{sync::Notify, time::sleep};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    Classify, Filter, HttpClassify, Jitter, LaneKey, LaneSettings, Listener, Pool, Quota, Rules, Transports,
    lanes::{LaneBounds, Lanes},
    pool_core::{PoolCore, Tally},
    signal::Signal,
};

/// What a pool is made of. Everything but the transports has a default.
pub struct PoolBuilder {
    name: String,
    rules: Rules,
    transports: Arc<dyn Transports>,
    filters: Vec<Arc<dyn Filter>>,
    listeners: Vec<Arc<dyn Listener>>,
    classify: Arc<dyn Classify>,
    jitter: Jitter,
    max_tasks: usize,
    lane_bounds: LaneBounds,
}

impl Pool {
    /// A pool over these transports.
    pub fn builder(transports: Arc<dyn Transports>) -> PoolBuilder {
        PoolBuilder {
            name: "dispatch".to_owned(),
            rules: Arc::new(|_| LaneSettings::default()),
            transports,
            filters: Vec::new(),
            listeners: Vec::new(),
            classify: Arc::new(HttpClassify),
            jitter: Arc::new(fastrand::f64),
            max_tasks: 10_000,
            lane_bounds: LaneBounds {
                max: 512,
                idle: Duration::from_secs(5 * 60),
                named: HashSet::new(),
            },
        }
    }
}

impl PoolBuilder {
    /// The name, for logs.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// The same settings for every lane.
    #[must_use]
    pub fn settings(self, settings: LaneSettings) -> Self {
        self.rules(move |_| settings.clone())
    }

    /// Settings by lane.
    #[must_use]
    pub fn rules(mut self, rules: impl Fn(&LaneKey) -> LaneSettings + Send + Sync + 'static) -> Self {
        self.rules = Arc::new(rules);
        self
    }

    /// One more filter, asked after those before it and before those of a task.
    #[must_use]
    pub fn filter(mut self, filter: Arc<dyn Filter>) -> Self {
        self.filters.push(filter);
        self
    }

    /// One more listener.
    #[must_use]
    pub fn listener(mut self, listener: Arc<dyn Listener>) -> Self {
        self.listeners.push(listener);
        self
    }

    /// Another reading of responses.
    #[must_use]
    pub fn classify(mut self, classify: Arc<dyn Classify>) -> Self {
        self.classify = classify;
        self
    }

    /// Another source of jitter: numbers from 0 to 1, 1 excluded.
    #[must_use]
    pub fn jitter(mut self, jitter: impl Fn() -> f64 + Send + Sync + 'static) -> Self {
        self.jitter = Arc::new(jitter);
        self
    }

    /// Tasks in the whole pool, those that wait included (default 10 000). No [`Share`](crate::Share) has all of them.
    #[must_use]
    pub fn max_tasks(mut self, max: usize) -> Self {
        self.max_tasks = max.max(1);
        self
    }

    /// Lanes at once (default 512), those of [`named`](Self::named) servers not counted. For one more, the one that has been
    /// idle for the longest time is evicted; where all are in use, one of the site that has the most of them.
    #[must_use]
    pub fn max_lanes(mut self, max: usize) -> Self {
        self.lane_bounds.max = max.max(1);
        self
    }

    /// Servers that have lanes of their own whatever others do: they are not counted, and make no room.
    #[must_use]
    pub fn named(mut self, lanes: impl IntoIterator<Item = LaneKey>) -> Self {
        self.lane_bounds.named.extend(lanes);
        self
    }

    /// How long a lane may be idle before it is evicted (default 5 minutes).
    #[must_use]
    pub fn lane_idle(mut self, idle: Duration) -> Self {
        self.lane_bounds.idle = idle;
        self
    }

    /// Starts the pool. Must be called within a tokio runtime, which runs its tasks.
    pub fn start(self) -> Pool {
        let abort = Signal::default();
        let core = Arc::new(PoolCore {
            name: self.name,
            lanes: Lanes::new(
                self.rules,
                self.transports,
                self.lane_bounds,
                abort.token().clone(),
            ),
            filters: self.filters,
            listeners: self.listeners,
            listener_panics: AtomicU64::new(0),
            classify: self.classify,
            jitter: self.jitter,
            max_tasks: self.max_tasks,
            shares: Quota::new(self.max_tasks),
            outstanding: AtomicUsize::new(0),
            all_done: Notify::new(),
            next_id: AtomicU64::new(0),
            tracker: TaskTracker::new(),
            closing: Signal::default(),
            abort,
            tally: Mutex::new(Tally::default()),
        });
        core.tracker
            .spawn(sweep(Arc::downgrade(&core), core.abort.token().clone()));
        Pool::new(core)
    }
}

/// Sweeps the lanes until the pool is closed, or gone.
async fn sweep(core: Weak<PoolCore>, abort: CancellationToken) {
    loop {
        let Some(pause) = core.upgrade().map(|core| core.lanes.sweep_interval()) else {
            return;
        };
        tokio::select! {
            () = sleep(pause) => {}
            () = abort.cancelled() => return,
        }
        let Some(core) = core.upgrade() else { return };
        core.lanes.sweep();
    }
}

impl fmt::Debug for PoolBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PoolBuilder({})", self.name)
    }
}

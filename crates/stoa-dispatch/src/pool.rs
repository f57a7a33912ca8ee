//! The dispatcher.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use parking_lot::Mutex;
use tokio::{
    sync::Notify,
    time::{Instant, sleep, timeout_at},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    BadLaneKey, Bound, Classify, Consumer, DispatchError, EventKind, Filter, HttpClassify, LaneCounts,
    LaneKey, LaneSettings, LaneStatus, LaneUpdate, Listener, Request, Response, Rules, Task, Transports,
    lane::Lane,
    lanes::Lanes,
    limiter::Entry,
    run::{run, work},
    shared::{Jitter, Shared, Signal, Tally, after},
    ticket::{Slot, Ticket},
};

/// After an abort, how long the pool waits for those that hold a task and do not look at it.
const ABORT_GRACE: Duration = Duration::from_secs(1);

/// The dispatcher: everything that goes out goes through one of its lanes.
///
/// A handle; clones are the same pool. See the [crate] for what it does and an example.
#[derive(Clone)]
pub struct Pool {
    shared: Arc<Shared>,
}

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
    max_lanes: usize,
    lane_idle: Duration,
}

/// The answer to an offer.
#[derive(Clone, Debug)]
pub enum Offer {
    /// The task will be run.
    Taken,
    /// There is no room for it now.
    Full(DispatchError),
    /// The pool is closed.
    Closed,
}

/// How to close a pool.
#[derive(Clone, Copy, Debug)]
pub struct Drain {
    /// How long what was taken may take to end.
    pub timeout: Duration,
}

/// How a pool was closed. The first three count tasks that were taken before and had not ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DrainReport {
    /// Tasks that ran to their end.
    pub finished: u64,
    /// Tasks that were cut off while they ran.
    pub aborted: u64,
    /// Tasks that never had their turn.
    pub abandoned: u64,
    /// Responses that somebody still holds without reading them.
    pub left: u64,
}

/// The pool has been closed before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the pool is closed already")]
pub struct AlreadyClosed;

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

    /// Tasks in the whole pool, those that wait included (default 10 000).
    #[must_use]
    pub fn max_tasks(mut self, max: usize) -> Self {
        self.max_tasks = max.max(1);
        self
    }

    /// Lanes at once (default 512). Beyond that, the one that has been idle for the longest time goes.
    #[must_use]
    pub fn max_lanes(mut self, max: usize) -> Self {
        self.max_lanes = max;
        self
    }

    /// How long a lane may be idle before it is collected (default 5 minutes).
    #[must_use]
    pub fn lane_idle(mut self, idle: Duration) -> Self {
        self.lane_idle = idle;
        self
    }

    /// Starts the pool. Must be called within a tokio runtime, which runs its tasks.
    pub fn start(self) -> Pool {
        let shared = Arc::new(Shared {
            name: self.name,
            lanes: Lanes::new(self.rules, self.transports, self.max_lanes, self.lane_idle),
            filters: self.filters,
            listeners: self.listeners,
            listener_panics: AtomicU64::new(0),
            classify: self.classify,
            jitter: self.jitter,
            max_tasks: self.max_tasks,
            outstanding: AtomicUsize::new(0),
            all_done: Notify::new(),
            next_id: AtomicU64::new(0),
            tracker: TaskTracker::new(),
            closing: Signal::default(),
            abort: Signal::default(),
            tally: Mutex::new(Tally::default()),
        });
        shared
            .tracker
            .spawn(sweep(Arc::downgrade(&shared), shared.abort.token().clone()));
        Pool { shared }
    }
}

/// Sweeps the lanes until the pool is closed, or gone.
async fn sweep(shared: std::sync::Weak<Shared>, abort: CancellationToken) {
    loop {
        let Some(pause) = shared.upgrade().map(|shared| shared.lanes.sweep_interval()) else {
            return;
        };
        tokio::select! {
            () = sleep(pause) => {}
            () = abort.cancelled() => return,
        }
        let Some(shared) = shared.upgrade() else { return };
        shared.lanes.sweep();
    }
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
            max_lanes: 512,
            lane_idle: Duration::from_secs(5 * 60),
        }
    }

    /// Sends a task and waits for the head of its response. A full queue is an error at once.
    ///
    /// Dropping the future, or the body of the response, ends the exchange and closes its connection.
    ///
    /// # Errors
    /// Whatever kept the response from coming. A response of any status is no error.
    pub async fn call(&self, task: Task) -> Result<Response, DispatchError> {
        let (ticket, entry) = self.admit(&task)?;
        let (response, _) = run(ticket, entry, task, false).await?;
        Ok(response)
    }

    /// Hands over a task, waiting for room in its lane. Returns once the task is taken; `consumer` gets its response.
    ///
    /// # Errors
    /// [`DispatchError::Closed`], also when the pool is closed while this waits; [`DispatchError::Full`] when the pool as
    /// a whole has no room, or no lane.
    pub async fn send(&self, task: Task, consumer: impl Consumer) -> Result<(), DispatchError> {
        // Borrowed from the task, they would tie this future to one thread: a task can be sent, but not shared.
        let (lane, urgency) = (task.lane.clone(), task.urgency.clone());
        let offering = Offering {
            pool: self,
            id: self.shared.id(),
            lane: &lane,
        };
        let entering = async {
            let (slot, lane) = self.begin(&lane)?;
            let entry = tokio::select! {
                biased;
                () = self.shared.closing.token().cancelled() => return Err(DispatchError::Closed),
                entry = lane.limiter.enter_when_room(&urgency) => entry,
            };
            Ok((slot, lane, entry))
        };
        let entered = entering.await;
        let id = offering.over();
        let (slot, lane, entry) = entered.map_err(|error| self.reject(id, &task.lane, error))?;
        let ticket = Ticket::new(slot, lane, id, task.deadline);
        self.spawn(ticket, entry, task, consumer);
        Ok(())
    }

    /// Hands over a task if there is room for it, and never waits. `consumer` gets its response.
    pub fn offer(&self, task: Task, consumer: impl Consumer) -> Offer {
        match self.admit(&task) {
            Ok((ticket, entry)) => {
                self.spawn(ticket, entry, task, consumer);
                Offer::Taken
            }
            Err(DispatchError::Closed) => Offer::Closed,
            Err(error) => Offer::Full(error),
        }
    }

    fn spawn(&self, ticket: Ticket, entry: Entry, task: Task, consumer: impl Consumer) {
        let consumer = Box::new(consumer);
        self.shared.tracker.spawn(work(ticket, entry, task, consumer));
    }

    /// Takes the task or refuses it, at once, with the event that says so.
    fn admit(&self, task: &Task) -> Result<(Ticket, Entry), DispatchError> {
        let id = self.shared.id();
        let entered = self.begin(&task.lane).and_then(|(slot, lane)| {
            let entry = lane
                .limiter
                .enter(task.urgency.class())
                .map_err(|limit| DispatchError::Full {
                    lane: task.lane.clone(),
                    bound: Bound::Queue,
                    limit,
                });
            match entry {
                Ok(entry) => Ok((Ticket::new(slot, lane, id, task.deadline), entry)),
                Err(error) => {
                    lane.counters.rejected.one();
                    Err(error)
                }
            }
        });
        entered.map_err(|error| self.reject(id, &task.lane, error))
    }

    /// A place in the pool and the lane of the task.
    fn begin(&self, lane: &LaneKey) -> Result<(Slot, Arc<Lane>), DispatchError> {
        // First counted, then asked: a pool that closes in between waits for this task.
        let slot = Slot::take(&self.shared);
        if self.shared.closing.is_given() {
            return Err(DispatchError::Closed);
        }
        let slot = slot.map_err(|limit| DispatchError::Full {
            lane: lane.clone(),
            bound: Bound::Tasks,
            limit,
        })?;
        Ok((slot, self.shared.lanes.get(lane)?))
    }

    fn reject(&self, id: u64, lane: &LaneKey, error: DispatchError) -> DispatchError {
        self.shared.emit(id, lane, || EventKind::Reject(error.clone()));
        error
    }

    /// Takes nothing more, waits for what was taken, and cuts off what has not ended by the timeout.
    ///
    /// # Errors
    /// When it has been closed before.
    pub async fn close(&self, drain: Drain) -> Result<DrainReport, AlreadyClosed> {
        {
            // Under the lock, so that of two closers one is told.
            let _tally = self.shared.tally.lock();
            if self.shared.closing.is_given() {
                return Err(AlreadyClosed);
            }
            self.shared.closing.give();
        }
        self.shared.tracker.close();
        if !self.all_done(drain.timeout).await {
            self.shared.abort.give();
            self.all_done(ABORT_GRACE).await;
        }
        self.shared.abort.give();
        self.shared.tracker.wait().await;
        let tally = *self.shared.tally.lock();
        Ok(DrainReport {
            finished: tally.finished,
            aborted: tally.aborted,
            abandoned: tally.abandoned,
            left: u64::try_from(self.shared.outstanding.load(Ordering::SeqCst)).unwrap_or(u64::MAX),
        })
    }

    /// Closes and cuts off everything at once.
    ///
    /// # Errors
    /// When it has been closed before.
    pub async fn abort(&self) -> Result<DrainReport, AlreadyClosed> {
        let timeout = Duration::ZERO;
        self.close(Drain { timeout }).await
    }

    async fn all_done(&self, within: Duration) -> bool {
        let until = after(Instant::now(), within);
        loop {
            let mut done = std::pin::pin!(self.shared.all_done.notified());
            done.as_mut().enable();
            if self.shared.outstanding.load(Ordering::SeqCst) == 0 {
                return true;
            }
            if timeout_at(until, done).await.is_err() {
                return self.shared.outstanding.load(Ordering::SeqCst) == 0;
            }
        }
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.shared.name
    }

    /// All lanes in the order of their names.
    pub fn lanes(&self) -> Vec<LaneStatus> {
        self.shared.lanes.status().0
    }

    /// All lanes, and what those had counted that are gone.
    pub fn totals(&self) -> (Vec<LaneStatus>, LaneCounts) {
        self.shared.lanes.status()
    }

    /// One lane, if it exists now.
    pub fn lane(&self, key: &LaneKey) -> Option<LaneStatus> {
        self.shared.lanes.one(key)
    }

    /// Changes a lane by hand, making it if need be. What runs and waits goes on under the new settings.
    ///
    /// # Errors
    /// When the lane would have to be made and cannot be.
    pub fn set_lane(&self, key: &LaneKey, update: &LaneUpdate) -> Result<LaneStatus, DispatchError> {
        self.shared.lanes.update(key, update)
    }

    /// Puts a lane back to the rules, closes its breaker and ends its sleep. `None` if there is no such lane.
    pub fn reset_lane(&self, key: &LaneKey) -> Option<LaneStatus> {
        self.shared.lanes.reset(key)
    }

    /// New rules, for all lanes that there are and will be. What was set by hand stays until it ends.
    pub fn set_rules(&self, rules: impl Fn(&LaneKey) -> LaneSettings + Send + Sync + 'static) {
        let rules: Rules = Arc::new(rules);
        self.shared.lanes.set_rules(&rules);
    }

    /// How often a listener has panicked.
    pub fn listener_panics(&self) -> u64 {
        self.shared.listener_panics.load(Ordering::Relaxed)
    }

    /// Tasks that have been taken and have not ended, and those that wait for room.
    pub fn outstanding(&self) -> usize {
        self.shared.outstanding.load(Ordering::SeqCst)
    }
}

/// A task that waits for room. Dropped before it is over, it has been given up, and its event says so.
struct Offering<'a> {
    pool: &'a Pool,
    id: u64,
    lane: &'a LaneKey,
}

impl Offering<'_> {
    fn over(self) -> u64 {
        let id = self.id;
        std::mem::forget(self);
        id
    }
}

impl Drop for Offering<'_> {
    fn drop(&mut self) {
        self.pool.reject(self.id, self.lane, DispatchError::Cancelled);
    }
}

/// The pool as a tower service: ready requests, called.
impl tower_service::Service<Request> for Pool {
    type Response = Response;
    type Error = CallError;
    type Future = Pin<Box<dyn Future<Output = Result<Response, CallError>> + Send>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), CallError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let pool = self.clone();
        Box::pin(async move { Ok(Self::call(&pool, Task::ready(request)?).await?) })
    }
}

/// Why a tower call failed.
#[derive(Clone, Debug, thiserror::Error)]
pub enum CallError {
    /// The request names no server.
    #[error(transparent)]
    Lane(#[from] BadLaneKey),
    /// It was not answered.
    #[error(transparent)]
    Dispatch(#[from] DispatchError),
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.shared.fmt(f)
    }
}

impl fmt::Debug for PoolBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PoolBuilder({})", self.name)
    }
}

//! The dispatcher.

use std::{
    fmt, mem,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use tracing::Instrument;

use crate::{
    AlreadyClosedError, Bound, Consumer, DispatchError, Drain, DrainReport, EventKind, LaneCounts, LaneKey,
    LaneSettings, LaneStatus, LaneUpdate, Response, Rules, Share, Task,
    journal::Journal,
    lane::Lane,
    limiter::Entry,
    pool_core::PoolCore,
    run::run,
    ticket::{Slot, Ticket},
    unattended::run_unattended,
};

/// The dispatcher: every request that leaves the process goes through one of its lanes.
///
/// A handle; clones are the same pool. See the [crate] for what it does and an example.
#[derive(Clone)]
pub struct Pool {
    core: Arc<PoolCore>,
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

impl Pool {
    pub(crate) fn new(core: Arc<PoolCore>) -> Self {
        Self { core }
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

    /// Hands over a task, waiting for room in its lane. Returns once the task is taken; `consumer` gets its response. The
    /// task runs in the span that is current here.
    ///
    /// # Errors
    /// [`DispatchError::Closed`], also when the pool is closed while this waits; [`DispatchError::Full`] when the pool as
    /// a whole has no room, or no lane.
    pub async fn send(&self, task: Task, consumer: impl Consumer) -> Result<(), DispatchError> {
        // Borrowed from the task, they would tie this future to one thread: a task can be sent, but not shared.
        let (lane, share, urgency) = (task.lane.clone(), task.share.clone(), task.urgency.clone());
        let journal = Journal::new(self.core.id(), &lane);
        let offering = Offering {
            pool: self,
            journal: &journal,
            lane: &lane,
        };
        let entering = async {
            let (slot, lane) = self.begin(&lane, &share)?;
            let entry = tokio::select! {
                biased;
                () = self.core.closing.token().cancelled() => return Err(DispatchError::Closed),
                entry = lane.limiter.enter_when_room(&share, &urgency) => entry,
            };
            Ok((slot, lane, entry))
        };
        let entered = entering.await;
        offering.over();
        match entered {
            Ok((slot, lane, entry)) => {
                let ticket = Ticket::new(slot, lane, journal, task.deadline, &entry);
                self.spawn(ticket, entry, task, consumer);
                Ok(())
            }
            Err(error) => Err(self.reject(&journal, &lane, error)),
        }
    }

    /// Hands over a task if there is room for it, and never waits. `consumer` gets its response. The task runs in the span
    /// that is current here.
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
        let running = run_unattended(ticket, entry, task, Box::new(consumer));
        self.core.tracker.spawn(running.in_current_span());
    }

    /// Takes the task or refuses it, at once, with the event that says so.
    fn admit(&self, task: &Task) -> Result<(Ticket, Entry), DispatchError> {
        let journal = Journal::new(self.core.id(), &task.lane);
        let entered = self.begin(&task.lane, &task.share).and_then(|(slot, lane)| {
            match lane.limiter.enter(&task.share, task.urgency.class()) {
                Ok(entry) => Ok((slot, lane, entry)),
                Err(limit) => {
                    lane.counters.rejected.one();
                    Err(DispatchError::Full {
                        lane: task.lane.clone(),
                        bound: Bound::Queue,
                        limit,
                    })
                }
            }
        });
        match entered {
            Ok((slot, lane, entry)) => Ok((Ticket::new(slot, lane, journal, task.deadline, &entry), entry)),
            Err(error) => Err(self.reject(&journal, &task.lane, error)),
        }
    }

    /// A place in the pool and the lane of the task.
    fn begin(&self, lane: &LaneKey, share: &Share) -> Result<(Slot, Arc<Lane>), DispatchError> {
        // Count first, then look: a pool that closes in between waits for this task.
        let slot = Slot::take(&self.core, share, lane);
        if self.core.closing.is_given() {
            return Err(DispatchError::Closed);
        }
        let slot = slot?;
        Ok((slot, self.core.lanes.get(lane)?))
    }

    fn reject(&self, journal: &Journal, lane: &LaneKey, error: DispatchError) -> DispatchError {
        self.core
            .emit(journal.task(), lane, || EventKind::Reject(error.clone()));
        journal.refused(&error);
        error
    }

    /// Takes nothing more, waits for what was taken, and cuts off what has not ended by the timeout.
    ///
    /// # Errors
    /// When it has been closed before.
    pub async fn close(&self, drain: Drain) -> Result<DrainReport, AlreadyClosedError> {
        self.core.close(drain).await
    }

    /// Closes and cuts off everything at once.
    ///
    /// # Errors
    /// When it has been closed before.
    pub async fn abort(&self) -> Result<DrainReport, AlreadyClosedError> {
        let timeout = Duration::ZERO;
        self.core.close(Drain { timeout }).await
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.core.name
    }

    /// All lanes in the order of their names.
    pub fn lanes(&self) -> Vec<LaneStatus> {
        self.core.lanes.status().0
    }

    /// All lanes, and the sum of what evicted lanes had counted.
    pub fn totals(&self) -> (Vec<LaneStatus>, LaneCounts) {
        self.core.lanes.status()
    }

    /// One lane, if it exists now.
    pub fn lane(&self, key: &LaneKey) -> Option<LaneStatus> {
        self.core.lanes.one(key)
    }

    /// Overrides settings of a lane, making the lane if need be. What runs and waits goes on under the new settings.
    ///
    /// # Errors
    /// When the lane would have to be made and cannot be.
    pub fn set_lane(&self, key: &LaneKey, update: &LaneUpdate) -> Result<LaneStatus, DispatchError> {
        self.core.lanes.update(key, update)
    }

    /// Sends nothing to a server for so long, as if it had asked for that itself: somebody else has heard it say so. Not
    /// longer than `max_throttle`; nothing if there is no such lane.
    pub fn throttle(&self, key: &LaneKey, pause: Duration) {
        self.core.lanes.throttle(key, pause);
    }

    /// Ends the override of a lane, closes its breaker and ends its pause. `None` if there is no such lane.
    pub fn reset_lane(&self, key: &LaneKey) -> Option<LaneStatus> {
        self.core.lanes.reset(key)
    }

    /// New rules, for all lanes that there are and will be. An override stays until it ends.
    pub fn set_rules(&self, rules: impl Fn(&LaneKey) -> LaneSettings + Send + Sync + 'static) {
        let rules: Rules = Arc::new(rules);
        self.core.lanes.set_rules(&rules);
    }

    /// How often a listener has panicked.
    pub fn listener_panics(&self) -> u64 {
        self.core.listener_panics.load(Ordering::Relaxed)
    }

    /// Tasks that have been taken and have not ended, and those that wait for room.
    pub fn outstanding(&self) -> usize {
        self.core.outstanding.load(Ordering::SeqCst)
    }
}

/// A task that waits for room. Dropped before it is over, it was given up by its caller, and its event says so.
struct Offering<'a> {
    pool: &'a Pool,
    journal: &'a Journal,
    lane: &'a LaneKey,
}

impl Offering<'_> {
    fn over(self) {
        mem::forget(self);
    }
}

impl Drop for Offering<'_> {
    fn drop(&mut self) {
        self.pool
            .reject(self.journal, self.lane, DispatchError::Cancelled);
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.core.fmt(f)
    }
}

//! What a task holds from its admission to its end.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use http::StatusCode;
use tokio::time::Instant;

use crate::{
    Bound, DispatchError, EventKind, LaneKey, LaneSettings, QuotaPermit, Share, Stage, Transition,
    deadline::after, journal::Journal, lane::Lane, limiter::Entry, pool_core::PoolCore,
};

/// A task that has been taken. It reports the task's events in order, and each of them once, whatever happens: dropping
/// it is the cancellation of the task.
#[derive(Debug)]
pub(crate) struct Ticket {
    pub(crate) slot: Slot,
    pub(crate) lane: Arc<Lane>,
    pub(crate) settings: Arc<LaneSettings>,
    pub(crate) journal: Journal,
    deadline_after: Duration,
    own_deadline: bool,
    admitted: Instant,
    phase: Phase,
}

#[derive(Clone, Copy, Debug)]
enum Phase {
    Queued,
    Started(Instant),
    Done,
}

/// A task counted by the pool, until it is dropped.
#[derive(Debug)]
pub(crate) struct Slot {
    pool: Arc<PoolCore>,
    /// Its share's part; `None` for a task without a share.
    part: Option<QuotaPermit>,
}

impl Slot {
    /// One more, unless the pool is full, or has too many of this share.
    pub(crate) fn take(pool: &Arc<PoolCore>, share: &Share, lane: &LaneKey) -> Result<Self, DispatchError> {
        let before = pool.outstanding.fetch_add(1, Ordering::SeqCst);
        let mut slot = Self {
            pool: Arc::clone(pool),
            part: None,
        };
        let full = |bound| DispatchError::Full {
            lane: lane.clone(),
            bound,
            limit: pool.max_tasks,
        };
        if before >= pool.max_tasks {
            return Err(full(Bound::Tasks));
        }
        if !share.is_none() {
            slot.part = Some(pool.shares.try_take(share).ok_or_else(|| full(Bound::Share))?);
        }
        Ok(slot)
    }

    pub(crate) fn pool(&self) -> &Arc<PoolCore> {
        &self.pool
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        if self.pool.outstanding.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.pool.all_done.notify_waiters();
        }
    }
}

impl Ticket {
    pub(crate) fn new(
        slot: Slot,
        lane: Arc<Lane>,
        journal: Journal,
        deadline: Option<Duration>,
        entry: &Entry,
    ) -> Self {
        let settings = lane.settings();
        lane.counters.queued.one();
        let ticket = Self {
            deadline_after: deadline.unwrap_or(settings.deadline),
            own_deadline: deadline.is_some(),
            settings,
            slot,
            lane,
            journal,
            admitted: Instant::now(),
            phase: Phase::Queued,
        };
        ticket.emit(|| EventKind::Queue);
        if let Entry::Queued(queued) = entry {
            ticket.journal.queued(|| queued.position());
        }
        ticket
    }

    pub(crate) fn pool(&self) -> &Arc<PoolCore> {
        self.slot.pool()
    }

    /// When it has to have ended.
    pub(crate) fn deadline(&self) -> Instant {
        after(self.admitted, self.deadline_after)
    }

    /// Whether the caller asked for the deadline: how little time it gave says nothing about the server.
    pub(crate) fn has_own_deadline(&self) -> bool {
        self.own_deadline
    }

    /// The end of a wait that begins now.
    pub(crate) fn latest(&self) -> Instant {
        self.deadline().min(after(Instant::now(), self.settings.wait))
    }

    /// The error for a wait that has ended at `latest`.
    pub(crate) fn waited(&self, latest: Instant, stage: Stage) -> DispatchError {
        if latest >= self.deadline() {
            return self.late(stage);
        }
        DispatchError::Waited {
            lane: self.lane.key.clone(),
            stage,
            after: self.settings.wait,
        }
    }

    /// The error for a deadline that has passed.
    pub(crate) fn late(&self, stage: Stage) -> DispatchError {
        DispatchError::Deadline {
            lane: self.lane.key.clone(),
            stage,
            after: self.deadline_after,
        }
    }

    /// It has its permit.
    pub(crate) fn start(&mut self) {
        let now = Instant::now();
        let waited = now.duration_since(self.admitted);
        self.phase = Phase::Started(now);
        self.lane.counters.started.one();
        self.lane.counters.waited.time(waited);
        self.emit(|| EventKind::Start { waited });
        self.journal.started(waited);
    }

    /// It has ended. Only the first end counts.
    pub(crate) fn end(&mut self, result: Result<Option<StatusCode>, DispatchError>) {
        let counters = &self.lane.counters;
        let kind = match std::mem::replace(&mut self.phase, Phase::Done) {
            Phase::Done => return,
            Phase::Queued => {
                counters.abandoned.one();
                self.pool().tally(None);
                self.journal.ended(&result, self.admitted.elapsed());
                EventKind::Abandon(result.err().unwrap_or(DispatchError::Cancelled))
            }
            Phase::Started(at) => {
                let took = at.elapsed();
                counters.busy.time(took);
                match &result {
                    Ok(Some(status)) if !status.is_server_error() => counters.succeeded.one(),
                    Err(error) if error.is_refusal() => counters.refused.one(),
                    _ => counters.failed.one(),
                }
                self.pool().tally(Some(&result));
                self.journal.ended(&result, took);
                EventKind::Finish { result, took }
            }
        };
        // The lane is idle from now on, if no other task is in it.
        self.lane.touch();
        self.emit(|| kind);
    }

    /// Reports a change of the breaker.
    pub(crate) fn breaker(&self, transition: Option<Transition>) {
        let Some(transition) = transition else { return };
        if transition != Transition::Closed {
            self.lane.counters.openings.one();
        }
        self.emit(|| EventKind::Breaker(transition));
    }

    pub(crate) fn emit(&self, kind: impl FnOnce() -> EventKind) {
        self.pool().emit(self.journal.task(), &self.lane.key, kind);
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.end(Err(DispatchError::Cancelled));
    }
}

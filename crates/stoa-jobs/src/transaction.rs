//! What the port promises, on the tables of any store.

mod claims;
mod house;
mod submissions;

use std::{sync::Arc, time::Duration};

use serde_json::{Map, Value};

use crate::{
    Acted, Action, AggregationKey, AggregationSettings, Change, Finished, Job, JobId, Lease, Ledger, Outcome,
    Random, Record, Renewal, Renewed, Rules, Standing, State, StateName, StoreError, Timestamp, Wake,
};

/// One transaction on the tables of a store: it does what the port [`Store`](crate::Store) promises, by the [`Rules`].
///
/// The adapter makes all that it has changed durable, or nothing of it, and then wakes whom [`Transaction::wake`] names.
#[derive(Debug)]
pub struct Transaction<'a, L> {
    ledger: &'a mut L,
    rules: &'a Rules,
    random: &'a dyn Random,
    now: Timestamp,
    wake: Wake,
}

impl<'a, L: Ledger> Transaction<'a, L> {
    /// A transaction at `now`.
    pub fn new(ledger: &'a mut L, rules: &'a Rules, random: &'a dyn Random, now: Timestamp) -> Self {
        Self {
            ledger,
            rules,
            random,
            now,
            wake: Wake::default(),
        }
    }

    /// Whom it wakes.
    pub fn wake(&self) -> Wake {
        self.wake
    }

    /// Ends a run, as [`Store::finish`](crate::Store::finish).
    pub fn finish(
        &mut self,
        id: &JobId,
        lease: &Lease,
        outcome: Outcome,
        notes: Map<String, Value>,
    ) -> Result<Finished, StoreError> {
        let Some(before) = self.ledger.load(id)? else {
            return Ok(Finished::Stale);
        };
        if !before.is_held(lease.epoch, self.now) {
            return Ok(Finished::Stale);
        }
        let mut after = before.clone();
        let random = self.random.fraction();
        let mut change = self
            .rules
            .finish(&mut after.job, lease, outcome, notes, self.now, random);
        let has_spawned = after.job.state == State::Blocked;
        if has_spawned && change.submit.is_empty() {
            self.rules.has_spawned(&mut after.job, 0, self.now);
        }
        if has_spawned && !change.submit.is_empty() {
            // The job first: a child that is the same work as the job itself must see that it waits.
            let children = std::mem::take(&mut change.submit);
            self.put(&before, after)?;
            self.spawn(id, children)?;
        } else {
            self.settle(&before, after, change)?;
        }
        Ok(Finished::Stored)
    }

    /// Makes a lease last, as [`Store::renew`](crate::Store::renew).
    pub fn renew(&mut self, renewal: &Renewal, lease: Duration) -> Result<Renewed, StoreError> {
        let Some(before) = self.ledger.load(&renewal.id)? else {
            return Ok(Renewed::Lost);
        };
        if !before.is_held(renewal.epoch, self.now) {
            return Ok(Renewed::Lost);
        }
        let mut after = before.clone();
        if let State::Running(held) = &mut after.job.state {
            held.until = self.now.plus(lease);
        }
        if renewal.progress.is_some() {
            after.progress.clone_from(&renewal.progress);
        }
        self.ledger.update(&before, &after)?;
        Ok(after.job.cancel.map_or(Renewed::Held, Renewed::Cancel))
    }

    /// Does something to a job by hand, as [`Store::act`](crate::Store::act).
    pub fn act(&mut self, id: &JobId, action: Action) -> Result<Acted, StoreError> {
        let Some(before) = self.ledger.load(id)? else {
            return Ok(Acted::Unknown);
        };
        let mut after = before.clone();
        let change = match action {
            Action::Cancel(_) if before.job.state.name().has_ended() => {
                return Ok(Acted::NotNow(Box::new(before.job)));
            }
            Action::Cancel(failure) => {
                let change = self.rules.cancel(&mut after.job, failure, self.now);
                self.wake.control |= after.job.cancel != before.job.cancel;
                change
            }
            Action::Retry => {
                if !self.rules.retry(&mut after.job, self.now) {
                    return Ok(Acted::NotNow(Box::new(before.job)));
                }
                if let Some(fingerprint) = &after.job.fingerprint
                    && let Some(twin) = self.ledger.live(fingerprint)?
                {
                    return Ok(Acted::Twin(twin));
                }
                Change::default()
            }
            Action::Promote => {
                if !self.rules.promote(&mut after.job, self.now) {
                    return Ok(Acted::NotNow(Box::new(before.job)));
                }
                after.turn = -self.ledger.next_turn()?;
                Change::default()
            }
        };
        let job = after.job.clone();
        self.settle(&before, after, change)?;
        Ok(Acted::Done(Box::new(job)))
    }

    /// Sets the limits of an aggregation, as [`Store::set_aggregation`](crate::Store::set_aggregation).
    pub fn set_aggregation(
        &mut self,
        key: &AggregationKey,
        settings: Option<AggregationSettings>,
    ) -> Result<(), StoreError> {
        let standing = self.ledger.standing(key)?;
        let standing = match (standing, settings) {
            (None, None) => return Ok(()),
            (Some(standing), None) => Standing {
                pinned: false,
                ..standing
            },
            (standing, Some(settings)) => Standing {
                pinned: true,
                held_until: None,
                settings: settings.clone(),
                ..standing.unwrap_or_else(|| Standing::new(settings))
            },
        };
        self.wake.work = true;
        self.keep(key, &standing)
    }

    /// Writes a changed job, and what is to be stored together with it.
    fn settle(&mut self, before: &Record, after: Record, change: Change) -> Result<(), StoreError> {
        let result = after.job.result.as_ref();
        let bytes = result.and_then(|result| result.get("bytes")?.as_u64());
        self.put(before, after)?;
        for new in change.submit {
            self.take(new)?;
        }
        for (parent, is_ok) in change.parents {
            let Some(before) = self.ledger.load(&parent)? else {
                continue;
            };
            let mut after = before.clone();
            self.rules
                .child_ended(&mut after.job, is_ok, bytes.unwrap_or(0), self.now);
            self.put(&before, after)?;
        }
        Ok(())
    }

    /// Writes a changed job: its record, the counts of its aggregation, the event, and whom it wakes.
    fn put(&mut self, before: &Record, mut after: Record) -> Result<(), StoreError> {
        let (from, to) = (before.job.state.name(), after.job.state.name());
        let is_promoted = after.turn < 0 && after.turn != before.turn;
        // What was interrupted, or lost with its node, keeps its turn: it has waited for it already.
        let is_back = from == StateName::Running;
        if to == StateName::Ready && from != to && !is_promoted && !is_back {
            after.turn = self.ledger.next_turn()?;
        }
        if to != StateName::Running {
            after.progress = None;
        }
        self.ledger.update(before, &after)?;
        if from != to {
            let class = class(before, &after.job);
            self.enter(Some(from), &after.job, class.as_ref(), None)?;
        }
        self.wake.work |= before.job.state != after.job.state && to == StateName::Scheduled || is_promoted;
        Ok(())
    }

    /// A job has come into its state, out of `from`: the counts of its aggregation, the event, and whom it wakes.
    fn enter(
        &mut self,
        from: Option<StateName>,
        job: &Job,
        class: Option<&Arc<str>>,
        settings: Option<AggregationSettings>,
    ) -> Result<(), StoreError> {
        let to = job.state.name();
        let rules = self.rules;
        let new = || Standing::new(rules.limits.of(&job.aggregation).or(settings).unwrap_or_default());
        let mut standing = self.ledger.standing(&job.aggregation)?.unwrap_or_else(new);
        standing.moved(from, to);
        self.keep(&job.aggregation, &standing)?;
        self.ledger.event(self.now, job, to, class)?;
        let is_work =
            from == Some(StateName::Running) || matches!(to, StateName::Ready | StateName::Scheduled);
        self.wake = self.wake.and(Wake {
            work: is_work,
            control: false,
            events: true,
        });
        Ok(())
    }

    /// Writes an aggregation, or forgets it if it has nothing to do and is not pinned.
    fn keep(&mut self, key: &AggregationKey, standing: &Standing) -> Result<(), StoreError> {
        let is_over = standing.idle_from().is_some_and(|idle| idle <= self.now);
        self.ledger.set_standing(key, (!is_over).then_some(standing))
    }
}

/// The class of the failure that brought a job into its state.
fn class(before: &Record, job: &Job) -> Option<Arc<str>> {
    match &job.state {
        State::Dead { failure, .. } | State::Cancelled { failure, .. } => Some(failure.class.clone()),
        State::Ready { .. } | State::Scheduled { .. } if before.job.lease().is_some() => {
            let failure = job.attempts.back().and_then(|attempt| attempt.failure.as_ref());
            failure.map(|failure| failure.class.clone())
        }
        _ => None,
    }
}

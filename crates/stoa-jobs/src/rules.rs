//! What becomes of a job when something happens to it.

use std::{sync::Arc, time::Duration};

use serde_json::{Map, Value};

use crate::{
    Attempt, Backoff, Callbacks, Children, Ended, Failure, Job, JobId, Lease, Limits, NewJob, NoCallbacks,
    NoLimits, Outcome, State, Submitter, Timestamp, Wait, timestamp::millis,
};

/// What becomes of a job when something happens to it. All stores follow these rules, inside of their transactions; they
/// themselves only keep jobs and find them.
///
/// Every function takes a job as the store has it and changes it. What else is to be stored in the same transaction is in the
/// [`Change`] that it returns.
#[derive(Clone, Debug)]
pub struct Rules {
    /// How long a job waits after a run that failed.
    pub backoff: Backoff,
    /// After how many runs in a row whose nodes were lost a job is taken for their cause, and dead.
    pub quarantine_after: u32,
    /// How long a job is kept that is done.
    pub keep_ok: Duration,
    /// How long a job is kept that is dead or cancelled.
    pub keep_failed: Duration,
    /// How ends are told.
    pub callbacks: Arc<dyn Callbacks>,
    /// Which limits aggregations begin with.
    pub limits: Arc<dyn Limits>,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            backoff: Backoff::default(),
            quarantine_after: 3,
            keep_ok: Duration::from_secs(24 * 3600),
            keep_failed: Duration::from_secs(30 * 24 * 3600),
            callbacks: Arc::new(NoCallbacks),
            limits: Arc::new(NoLimits),
        }
    }
}

/// What is to be stored together with a changed job.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Change {
    /// Jobs that are to be submitted. Those whose parent is the changed job are its children, and it has to be told how many
    /// there are ([`Rules::has_spawned`]).
    pub submit: Vec<NewJob>,
    /// Jobs that are to be told that this one has ended, and whether it is done.
    pub parents: Vec<(JobId, bool)>,
}

impl Rules {
    /// The job that `new` becomes.
    pub fn accept(&self, new: NewJob, id: JobId, now: Timestamp) -> Job {
        let state = if new.delay.is_zero() {
            State::Ready { since: now }
        } else {
            State::Scheduled {
                due: now.plus(new.delay),
                why: Wait::Delay,
            }
        };
        Job {
            schema: Job::SCHEMA,
            id,
            aggregation: new.aggregation,
            payload: new.payload,
            title: new.title,
            priority: new.priority,
            max_attempts: new.max_attempts,
            timeout_ms: new.timeout.map(millis),
            keep_ms: new.keep.map(millis),
            submitted: now,
            deadline: new.max_age.map(|age| now.plus(age)),
            fingerprint: new.fingerprint,
            parents: new.parent.into_iter().collect(),
            submitters: vec![Submitter {
                number: 0,
                at: now,
                ..new.submitter
            }],
            state,
            charged: 0,
            lost: 0,
            round: 0,
            attempts: [].into(),
            checkpoint: Value::Null,
            children: Children::default(),
            cancel: None,
            result: None,
            unknown: Map::new(),
        }
    }

    /// Lets `new`, which is the same work, be done by `job`, which has not ended. A job that somebody has cancelled while it
    /// runs, or that enough asked for already, takes none: `new` comes back.
    ///
    /// # Errors
    /// `new`, which is to become a job of its own without the fingerprint.
    pub fn join(&self, job: &mut Job, new: NewJob, now: Timestamp) -> Result<(), Box<NewJob>> {
        let bytes: usize = job.submitters.iter().map(Submitter::bytes).sum();
        let is_full = job.submitters.len() >= Job::MAX_SUBMITTERS
            || bytes + new.submitter.bytes() > Job::MAX_SUBMITTER_BYTES;
        if job.cancel.is_some() || is_full || job.state.name().has_ended() {
            return Err(Box::new(NewJob {
                fingerprint: None,
                ..new
            }));
        }
        let number = u32::try_from(job.submitters.len()).unwrap_or(u32::MAX);
        job.submitters.push(Submitter {
            number,
            at: now,
            ..new.submitter
        });
        job.priority = job.priority.min(new.priority);
        job.deadline = match (job.deadline, new.max_age) {
            (Some(first), Some(age)) => Some(first.max(now.plus(age))),
            _ => None,
        };
        job.keep_ms = match (job.keep_ms, new.keep.map(millis)) {
            (Some(first), Some(second)) => Some(first.max(second)),
            _ => None,
        };
        job.parents.extend(new.parent);
        Ok(())
    }

    /// The run under `lease` has come to `outcome`, which its handler noted `notes` of. `random` is from 0 to 1.
    pub fn finish(
        &self,
        job: &mut Job,
        lease: &Lease,
        outcome: Outcome,
        notes: Map<String, Value>,
        now: Timestamp,
        random: f64,
    ) -> Change {
        job.lost = 0;
        let outcome = match (outcome, job.cancel.take()) {
            (
                Outcome::Retry { .. }
                | Outcome::Snooze { .. }
                | Outcome::Interrupted(_)
                | Outcome::Spawn { .. },
                Some(cancel),
            ) => Outcome::Cancelled(cancel),
            (outcome, _) => outcome,
        };
        let (ended, failure) = match &outcome {
            Outcome::Ok(_) => (Ended::Ok, None),
            Outcome::Retry { failure, .. } | Outcome::Dead(failure) => (Ended::Failed, Some(failure.clone())),
            Outcome::Snooze { failure, .. } => (Ended::Snoozed, Some(failure.clone())),
            Outcome::Cancelled(failure) => (Ended::Cancelled, Some(failure.clone())),
            Outcome::Interrupted(failure) => (Ended::Interrupted, Some(failure.clone())),
            Outcome::Spawn { .. } => (Ended::Spawned, None),
        };
        note(job, lease, now, ended, failure, notes);
        match outcome {
            Outcome::Ok(result) => {
                job.charged += 1;
                job.result = Some(result);
                self.end(job, State::Ok { at: now })
            }
            Outcome::Retry { failure, after } => {
                job.charged += 1;
                if job.charged >= job.max_attempts.get() {
                    return self.end(job, State::Dead { at: now, failure });
                }
                let pause = self
                    .backoff
                    .pause(job.charged, random)
                    .max(after.unwrap_or_default());
                self.wait(job, now, now.plus(pause), Wait::Retry, &failure)
            }
            Outcome::Snooze { failure, wait } => self.wait(job, now, now.plus(wait), Wait::Snooze, &failure),
            Outcome::Dead(failure) => {
                job.charged += 1;
                self.end(job, State::Dead { at: now, failure })
            }
            Outcome::Cancelled(failure) => self.end(job, State::Cancelled { at: now, failure }),
            Outcome::Interrupted(_) => {
                job.state = State::Ready { since: now };
                Change::default()
            }
            Outcome::Spawn { children, checkpoint } => {
                job.checkpoint = checkpoint;
                job.state = State::Blocked;
                let parent = Some(job.id.clone());
                let submit = children
                    .into_iter()
                    .map(|child| NewJob {
                        parent: parent.clone(),
                        ..child
                    })
                    .collect();
                Change {
                    submit,
                    parents: Vec::new(),
                }
            }
        }
    }

    /// The children of `job` have been submitted, and this many of them are jobs that have not ended.
    pub fn has_spawned(&self, job: &mut Job, open: u64, now: Timestamp) {
        job.children.open += open;
        if job.children.open == 0 && job.state == State::Blocked {
            job.state = State::Ready { since: now };
        }
    }

    /// A child of `job` has ended; its result tells of this many bytes.
    pub fn child_ended(&self, job: &mut Job, is_ok: bool, bytes: u64, now: Timestamp) {
        job.children.open = job.children.open.saturating_sub(1);
        job.children.bytes = job.children.bytes.saturating_add(bytes);
        let counted = if is_ok {
            &mut job.children.ok
        } else {
            &mut job.children.failed
        };
        *counted += 1;
        if job.children.open == 0 && job.state == State::Blocked {
            job.state = State::Ready { since: now };
        }
    }

    /// The lease has ended without a word of its node.
    pub fn lose(&self, job: &mut Job, lease: &Lease, now: Timestamp) -> Change {
        job.lost += 1;
        let failure = Failure::new("lost", "its node was not heard of before the end of the lease");
        note(job, lease, now, Ended::Lost, Some(failure), Map::new());
        if let Some(failure) = job.cancel.take() {
            return self.end(job, State::Cancelled { at: now, failure });
        }
        if job.lost >= self.quarantine_after {
            let text = format!("{} nodes in a row were lost while they ran it", job.lost);
            return self.end(
                job,
                State::Dead {
                    at: now,
                    failure: Failure::new("quarantined", &text),
                },
            );
        }
        job.state = State::Ready { since: now };
        Change::default()
    }

    /// The job is no longer wanted. One that runs is stopped by its node, and ends then; one that has ended stays as it is.
    pub fn cancel(&self, job: &mut Job, failure: Failure, now: Timestamp) -> Change {
        match job.state.name() {
            name if name.has_ended() => Change::default(),
            crate::StateName::Running => {
                job.cancel.get_or_insert(failure);
                Change::default()
            }
            _ => self.end(job, State::Cancelled { at: now, failure }),
        }
    }

    /// A job that has ended without being done starts anew, with all its attempts. Returns whether it does.
    pub fn retry(&self, job: &mut Job, now: Timestamp) -> bool {
        if !matches!(job.state, State::Dead { .. } | State::Cancelled { .. }) {
            return false;
        }
        (job.charged, job.lost, job.deadline, job.cancel) = (0, 0, None, None);
        (job.children, job.checkpoint) = (Children::default(), Value::Null);
        // The parents were told of the first end and do not wait any more.
        job.parents.clear();
        job.round += 1;
        job.state = State::Ready { since: now };
        true
    }

    /// A job that waits for a moment is ready now, and starts before all others. Returns whether anything changed.
    pub fn promote(&self, job: &mut Job, now: Timestamp) -> bool {
        let is_waiting = matches!(job.state, State::Ready { .. } | State::Scheduled { .. });
        if is_waiting {
            job.priority = crate::Priority::FIRST;
            job.state = State::Ready { since: now };
        }
        is_waiting
    }

    /// The moment has come that the job waited for.
    pub fn due(&self, job: &mut Job, now: Timestamp) {
        if let State::Scheduled { .. } = job.state {
            job.state = State::Ready { since: now };
        }
    }

    /// The deadline of a job has passed. One that runs is left to its handler, who knows the deadline.
    pub fn expire(&self, job: &mut Job, now: Timestamp) -> Change {
        let is_waiting = matches!(
            job.state,
            State::Ready { .. } | State::Scheduled { .. } | State::Blocked
        );
        if is_waiting {
            self.end(job, too_late(job, now))
        } else {
            Change::default()
        }
    }

    /// When a job that has ended is removed.
    pub fn removal(&self, job: &Job) -> Option<Timestamp> {
        let keep = if matches!(job.state, State::Ok { .. }) {
            self.keep_ok
        } else {
            self.keep_failed
        };
        let keep = job
            .keep_ms
            .map_or(keep, |own| keep.min(Duration::from_millis(own)));
        job.state.ended_at().map(|at| at.plus(keep))
    }

    fn wait(&self, job: &mut Job, now: Timestamp, due: Timestamp, why: Wait, failure: &Failure) -> Change {
        if job.deadline.is_some_and(|deadline| due >= deadline) {
            let text = format!("{} (and its deadline comes before another attempt)", failure.text);
            return self.end(
                job,
                State::Dead {
                    at: now,
                    failure: Failure::new(&failure.class, &text),
                },
            );
        }
        job.state = State::Scheduled { due, why };
        Change::default()
    }

    fn end(&self, job: &mut Job, state: State) -> Change {
        let is_ok = matches!(state, State::Ok { .. });
        job.state = state;
        let parents = job.parents.iter().map(|parent| (parent.clone(), is_ok)).collect();
        Change {
            submit: self.callbacks.of(job),
            parents,
        }
    }
}

fn too_late(job: &Job, now: Timestamp) -> State {
    let text = match job.attempts.back().and_then(|attempt| attempt.failure.as_ref()) {
        Some(failure) => format!("its deadline has passed; before that: {}", failure.text),
        None => "its deadline has passed before it could start".to_owned(),
    };
    State::Dead {
        at: now,
        failure: Failure::new("deadline", &text),
    }
}

fn note(
    job: &mut Job,
    lease: &Lease,
    end: Timestamp,
    ended: Ended,
    failure: Option<Failure>,
    notes: Map<String, Value>,
) {
    while job.attempts.len() >= Job::MAX_ATTEMPTS_KEPT {
        job.attempts.pop_front();
    }
    let attempt = Attempt {
        start: lease.since,
        end,
        node: lease.node.clone(),
        ended,
        failure,
        notes,
    };
    job.attempts.push_back(attempt);
}

#[cfg(test)]
mod tests;

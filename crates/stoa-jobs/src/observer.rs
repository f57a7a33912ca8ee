//! Who counts what happens on a node.

use std::{fmt, time::Duration};

use serde_json::{Map, Value};

use crate::{Event, Job, JobId, Outcome, StoreError};

/// Is told what happens on a node, to count it. It must not block.
pub trait Observer: fmt::Debug + Send + Sync + 'static {
    /// A run begins. [`Job::lease`] says when, by the clock of the store.
    fn starts(&self, job: &Job);
    /// A run has come to `outcome` after `time`. The store has not got the result yet.
    fn ran(&self, job: &Job, outcome: &Outcome, time: Duration);
    /// The store has the result of a run that took `time`, with what its handler noted.
    fn stored(&self, job: &Job, outcome: &Outcome, notes: &Map<String, Value>, time: Duration);
    /// The lease of a run had ended before its result came.
    fn stale(&self, job: &Job);
    /// A run is over on this node, whatever became of it: once for each that began.
    fn ends(&self, job: &Job);
    /// The housekeeping has taken jobs back whose nodes were lost.
    fn recovered(&self, jobs: &[JobId]);
    /// The store failed.
    fn store_failed(&self, error: &StoreError);
    /// A job has come into a state, on this node or on any other of the store.
    fn happened(&self, event: &Event);
    /// The store was asked to do `operation`, which took `time`. Told by [`ObservedStore`](crate::ObservedStore).
    fn asked(&self, operation: &'static str, time: Duration, is_done: bool);
}

/// Counts nothing.
#[derive(Clone, Copy, Debug)]
pub struct NoObserver;

impl Observer for NoObserver {
    fn starts(&self, _job: &Job) {}
    fn ran(&self, _job: &Job, _outcome: &Outcome, _time: Duration) {}
    fn stored(&self, _job: &Job, _outcome: &Outcome, _notes: &Map<String, Value>, _time: Duration) {}
    fn stale(&self, _job: &Job) {}
    fn ends(&self, _job: &Job) {}
    fn recovered(&self, _jobs: &[JobId]) {}
    fn store_failed(&self, _error: &StoreError) {}
    fn happened(&self, _event: &Event) {}
    fn asked(&self, _operation: &'static str, _time: Duration, _is_done: bool) {}
}

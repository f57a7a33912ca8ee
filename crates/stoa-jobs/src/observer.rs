//! Who counts what happens on a node.

use std::{fmt, time::Duration};

use crate::{Job, JobId, Outcome, StoreError};

/// Is told what happens on a node, to count it. It must not block.
pub trait Observer: fmt::Debug + Send + Sync + 'static {
    /// A run begins.
    fn starts(&self, job: &Job);
    /// A run has come to `outcome` after `time`.
    fn ran(&self, job: &Job, outcome: &Outcome, time: Duration);
    /// The lease of a run had ended before its result came.
    fn stale(&self, job: &Job);
    /// The housekeeping has taken jobs back whose nodes were lost.
    fn recovered(&self, jobs: &[JobId]);
    /// The store failed.
    fn store_failed(&self, error: &StoreError);
}

/// Counts nothing.
#[derive(Clone, Copy, Debug)]
pub struct NoObserver;

impl Observer for NoObserver {
    fn starts(&self, _job: &Job) {}
    fn ran(&self, _job: &Job, _outcome: &Outcome, _time: Duration) {}
    fn stale(&self, _job: &Job) {}
    fn recovered(&self, _jobs: &[JobId]) {}
    fn store_failed(&self, _error: &StoreError) {}
}

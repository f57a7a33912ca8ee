//! A job with what a store keeps beside it.

use serde_json::Value;

use crate::{AggregationKey, Fingerprint, Job, Priority, Rules, State, Timestamp};

/// A job with what a store keeps beside it.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// The job.
    pub job: Job,
    /// Its number among all jobs that the store has ever taken, from 1. Pages are in this order.
    pub number: u64,
    /// How many runs of it have begun: the epoch of its last lease.
    pub epoch: u64,
    /// Where it stands among the ready jobs of its priority: they start in this order. One that was promoted has a number
    /// below zero.
    pub turn: i64,
    /// How far its run has come.
    pub progress: Option<Value>,
}

impl Record {
    /// Whether `epoch` is that of a lease that holds.
    pub fn is_held(&self, epoch: u64, now: Timestamp) -> bool {
        self.job
            .lease()
            .is_some_and(|lease| lease.epoch == epoch && lease.until > now)
    }

    /// Where the job stands in the indexes of a store that follows `rules`.
    pub fn place<'a>(&'a self, rules: &Rules) -> Place<'a> {
        let job = &self.job;
        let is_waiting = matches!(
            job.state,
            State::Ready { .. } | State::Scheduled { .. } | State::Blocked
        );
        Place {
            ready: matches!(job.state, State::Ready { .. }).then_some((
                &job.aggregation,
                job.priority,
                self.turn,
            )),
            due: match job.state {
                State::Scheduled { due, .. } => Some((&job.aggregation, due)),
                _ => None,
            },
            lease_end: job.lease().map(|lease| lease.until),
            deadline: if is_waiting { job.deadline } else { None },
            removal: rules.removal(job),
            fingerprint: if job.state.name().has_ended() {
                None
            } else {
                job.fingerprint.as_ref()
            },
        }
    }
}

/// Where a job stands in the indexes of a store: under each of these that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place<'a> {
    /// Among the ready jobs of an aggregation.
    pub ready: Option<(&'a AggregationKey, Priority, i64)>,
    /// Among the jobs of a kind that wait for a moment.
    pub due: Option<(&'a AggregationKey, Timestamp)>,
    /// Among the leases.
    pub lease_end: Option<Timestamp>,
    /// Among the jobs that are dead at a moment, unless they start before.
    pub deadline: Option<Timestamp>,
    /// Among the jobs that have ended.
    pub removal: Option<Timestamp>,
    /// Among the live jobs that others can join.
    pub fingerprint: Option<&'a Fingerprint>,
}

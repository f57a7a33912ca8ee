//! Which jobs are looked for.

use std::collections::BTreeSet;

use crate::{AggregationKey, Job, JobId, Kind, StateName};

/// Where a page of jobs ends: the number that the store gave the job when it took it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cursor(pub u64);

/// Which jobs are looked for. What is empty or none does not matter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobQuery {
    /// Only jobs in one of these states.
    pub states: BTreeSet<StateName>,
    /// Only jobs of this kind.
    pub kind: Option<Kind>,
    /// Only jobs of this aggregation.
    pub aggregation: Option<AggregationKey>,
    /// Only children of this job.
    pub parent: Option<JobId>,
    /// Only jobs whose title has this text in it, letter by letter.
    pub text: String,
    /// Only jobs that were submitted before the one at which a page ended.
    pub before: Option<Cursor>,
    /// At most this many.
    pub limit: usize,
}

impl JobQuery {
    /// At most `limit` jobs of any kind.
    pub fn latest(limit: usize) -> Self {
        Self {
            states: BTreeSet::new(),
            kind: None,
            aggregation: None,
            parent: None,
            text: String::new(),
            before: None,
            limit,
        }
    }

    /// Whether `job` is looked for, wherever the page ends.
    pub fn matches(&self, job: &Job) -> bool {
        (self.states.is_empty() || self.states.contains(&job.state.name()))
            && self
                .kind
                .as_ref()
                .is_none_or(|kind| job.aggregation.kind() == kind)
            && self
                .aggregation
                .as_ref()
                .is_none_or(|key| job.aggregation == *key)
            && self
                .parent
                .as_ref()
                .is_none_or(|parent| job.parents.contains(parent))
            && job.title.contains(&self.text)
    }
}

/// Jobs that a query found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct JobPage {
    /// The jobs, the latest first.
    pub jobs: Vec<Job>,
    /// Where the page ends, if there may be more.
    pub next: Option<Cursor>,
}

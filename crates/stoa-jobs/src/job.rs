//! A job as a store keeps it.

use std::{collections::VecDeque, fmt, num::NonZeroU32, sync::Arc};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{AggregationKey, Attempt, Failure, Fingerprint, JobId, Priority, Submitter, Timestamp};

/// The right to run a job until a moment. A later run of the same job has a higher epoch; what comes under an epoch that is
/// not the job's own any more is refused, so that a node which slept through the end of its lease changes nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    /// The node that runs the job.
    pub node: Arc<str>,
    /// Which run of the job it is, from 1.
    pub epoch: u64,
    /// When the run began.
    pub since: Timestamp,
    /// When the job is taken for lost, unless the lease is renewed.
    pub until: Timestamp,
}

/// Why a job waits for a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Wait {
    /// It was submitted to start later.
    Delay,
    /// Its last run failed.
    Retry,
    /// The other side did not want to be asked.
    Snooze,
}

/// Where a job is in its life.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "name")]
pub enum State {
    /// It starts as soon as its aggregation has room.
    Ready {
        /// Since when.
        since: Timestamp,
    },
    /// It becomes ready at a moment.
    Scheduled {
        /// The moment.
        due: Timestamp,
        /// What it waits for.
        why: Wait,
    },
    /// It runs.
    Running(Lease),
    /// It waits for its children.
    Blocked,
    /// It is done.
    Ok {
        /// Since when.
        at: Timestamp,
    },
    /// It failed for good.
    Dead {
        /// Since when.
        at: Timestamp,
        /// Why.
        failure: Failure,
    },
    /// Somebody cancelled it.
    Cancelled {
        /// Since when.
        at: Timestamp,
        /// Why.
        failure: Failure,
    },
}

/// The names of the states, for counts and searches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StateName {
    /// [`State::Ready`].
    Ready,
    /// [`State::Scheduled`].
    Scheduled,
    /// [`State::Running`].
    Running,
    /// [`State::Blocked`].
    Blocked,
    /// [`State::Ok`].
    Ok,
    /// [`State::Dead`].
    Dead,
    /// [`State::Cancelled`].
    Cancelled,
}

impl StateName {
    /// All of them, in the order of a life.
    pub const ALL: [Self; 7] = [
        Self::Ready,
        Self::Scheduled,
        Self::Running,
        Self::Blocked,
        Self::Ok,
        Self::Dead,
        Self::Cancelled,
    ];

    /// The name as it is written everywhere.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Scheduled => "scheduled",
            Self::Running => "running",
            Self::Blocked => "blocked",
            Self::Ok => "ok",
            Self::Dead => "dead",
            Self::Cancelled => "cancelled",
        }
    }

    /// Whether such a job has ended.
    pub const fn has_ended(self) -> bool {
        matches!(self, Self::Ok | Self::Dead | Self::Cancelled)
    }
}

impl fmt::Display for StateName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl State {
    /// Its name.
    pub const fn name(&self) -> StateName {
        match self {
            Self::Ready { .. } => StateName::Ready,
            Self::Scheduled { .. } => StateName::Scheduled,
            Self::Running(_) => StateName::Running,
            Self::Blocked => StateName::Blocked,
            Self::Ok { .. } => StateName::Ok,
            Self::Dead { .. } => StateName::Dead,
            Self::Cancelled { .. } => StateName::Cancelled,
        }
    }

    /// When the job ended, if it has.
    pub const fn ended_at(&self) -> Option<Timestamp> {
        match self {
            Self::Ok { at } | Self::Dead { at, .. } | Self::Cancelled { at, .. } => Some(*at),
            _ => None,
        }
    }
}

/// How many children a job has made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Children {
    /// Those that have not ended.
    pub open: u64,
    /// Those that are done.
    pub ok: u64,
    /// Those that are dead or were cancelled.
    pub failed: u64,
    /// The sum of the `bytes` in the results of those that are done.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub bytes: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
const fn is_zero(bytes: &u64) -> bool {
    *bytes == 0
}

/// A job as a store keeps it. [`Rules`](crate::Rules) alone changes it.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Job {
    /// The version of this layout.
    pub schema: u16,
    /// Its id.
    pub id: JobId,
    /// Its aggregation, and with it its kind.
    pub aggregation: AggregationKey,
    /// What is to be done. It may hold secrets.
    pub payload: Value,
    /// What people call it.
    pub title: String,
    /// How soon it starts among those of its aggregation.
    pub priority: Priority,
    /// How many runs may fail.
    pub max_attempts: NonZeroU32,
    /// How long one run may take, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_ms: Option<u64>,
    /// How long it is kept at most after its end, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keep_ms: Option<u64>,
    /// When it was submitted.
    pub submitted: Timestamp,
    /// When it is dead if it has not ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline: Option<Timestamp>,
    /// What makes another job the same work.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<Fingerprint>,
    /// The jobs that wait for it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parents: Vec<JobId>,
    /// Who wants to know what becomes of it.
    pub submitters: Vec<Submitter>,
    /// Where it is in its life.
    pub state: State,
    /// Runs that count: failed ones, and the one that ended the job.
    #[serde(default)]
    pub charged: u32,
    /// Runs in a row whose nodes were not heard of again.
    #[serde(default)]
    pub lost: u32,
    /// How often it was started anew by hand. With the number of a submitter it makes the idempotency key of a callback.
    #[serde(default)]
    pub round: u32,
    /// Its last runs, the latest last.
    #[serde(default, skip_serializing_if = "VecDeque::is_empty")]
    pub attempts: VecDeque<Attempt>,
    /// What the next run goes on from.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub checkpoint: Value,
    /// Its children.
    #[serde(default)]
    pub children: Children,
    /// Why it is to be cancelled, if somebody said so while it ran.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cancel: Option<Failure>,
    /// What it came to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<Value>,
    /// Fields that another version of this library wrote. They are kept.
    #[serde(flatten)]
    pub unknown: Map<String, Value>,
}

impl Job {
    /// The version of the layout that this library writes.
    pub const SCHEMA: u16 = 1;
    /// How many runs are kept.
    pub const MAX_ATTEMPTS_KEPT: usize = 20;
    /// How many may ask for one job. The next one gets a job of its own.
    pub const MAX_SUBMITTERS: usize = 1_000;
    /// How many bytes those who ask for one job may have together, for a job is written as a whole.
    pub const MAX_SUBMITTER_BYTES: usize = 1 << 20;

    /// The lease under which it runs, if it does.
    pub const fn lease(&self) -> Option<&Lease> {
        match &self.state {
            State::Running(lease) => Some(lease),
            _ => None,
        }
    }
}

/// The payload and the callbacks may hold secrets, so they are not shown.
impl fmt::Debug for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Job")
            .field("id", &self.id)
            .field("aggregation", &self.aggregation)
            .field("title", &self.title)
            .field("state", &self.state)
            .field("charged", &self.charged)
            .field("lost", &self.lost)
            .field("submitters", &self.submitters.len())
            .field("children", &self.children)
            .finish_non_exhaustive()
    }
}

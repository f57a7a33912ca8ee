//! A job that is to be submitted.

use std::{fmt, num::NonZeroU32, sync::Arc, time::Duration};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{AggregationKey, AggregationSettings, JobId, Submitter};

/// How soon a job starts among those of its aggregation: 0 before 9. Jobs of one priority start in the order in which they
/// became ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub struct Priority(u8);

impl Priority {
    /// Before all others: somebody waits for it.
    pub const FIRST: Self = Self(0);
    /// After all others.
    pub const LAST: Self = Self(9);

    /// A priority of 0 to 9.
    pub const fn new(priority: u8) -> Option<Self> {
        if priority <= 9 { Some(Self(priority)) } else { None }
    }

    /// 0 to 9.
    pub const fn get(self) -> u8 {
        self.0
    }
}

impl Default for Priority {
    fn default() -> Self {
        Self(5)
    }
}

/// A number is no priority.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a priority is 0 to 9, and not {0}")]
pub struct PriorityError(u8);

impl TryFrom<u8> for Priority {
    type Error = PriorityError;

    fn try_from(priority: u8) -> Result<Self, PriorityError> {
        Self::new(priority).ok_or(PriorityError(priority))
    }
}

impl From<Priority> for u8 {
    fn from(priority: Priority) -> Self {
        priority.0
    }
}

/// What makes two jobs the same work: a hash, made by whoever submits them. Of live jobs, a store has one of a fingerprint.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Fingerprint(Arc<str>);

impl Fingerprint {
    /// The fingerprint of this hash, which is at most 128 bytes of any text.
    pub fn new(hash: &str) -> Option<Self> {
        (!hash.is_empty() && hash.len() <= 128).then(|| Self(hash.into()))
    }

    /// The hash.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A job that is to be submitted. [`NewJob::new`] fills in what most jobs want.
#[derive(Clone, PartialEq)]
pub struct NewJob {
    /// The id, if it has been told to somebody already. Submitting a job of this id once more changes nothing.
    pub id: Option<JobId>,
    /// The aggregation, and with it the kind.
    pub aggregation: AggregationKey,
    /// The limits of the aggregation, if it is not there yet.
    pub aggregation_settings: Option<AggregationSettings>,
    /// What is to be done; the handler of the kind reads it.
    pub payload: Value,
    /// What people call it, as a URL without its secrets or a module version. It is what a search looks at.
    pub title: String,
    /// How soon it starts among those of its aggregation.
    pub priority: Priority,
    /// How many runs may fail.
    pub max_attempts: NonZeroU32,
    /// How long one run may take.
    pub timeout: Option<Duration>,
    /// For how long from now on the job is worth doing. One that has not ended then is dead.
    pub max_age: Option<Duration>,
    /// How long it waits before its first run.
    pub delay: Duration,
    /// How long it is kept at most after its end. None for as long as the store keeps all jobs.
    pub keep: Option<Duration>,
    /// What makes another job the same work as this one.
    pub fingerprint: Option<Fingerprint>,
    /// The job that waits for this one. It is entered for the children of [`Outcome::Spawn`](crate::Outcome).
    pub parent: Option<JobId>,
    /// Who wants to know what becomes of it; its number and time are set by the store.
    pub submitter: Submitter,
}

impl NewJob {
    /// How many runs may fail of a job that says nothing itself (the default of skroutz/downloader: two retries).
    pub const MAX_ATTEMPTS: NonZeroU32 = NonZeroU32::new(3).expect("three is not zero");

    /// A job of `aggregation` that does what `payload` says: three attempts, no deadlines, now.
    pub fn new(aggregation: AggregationKey, payload: Value) -> Self {
        Self {
            id: None,
            aggregation,
            aggregation_settings: None,
            payload,
            title: String::new(),
            priority: Priority::default(),
            max_attempts: Self::MAX_ATTEMPTS,
            timeout: None,
            max_age: None,
            delay: Duration::ZERO,
            keep: None,
            fingerprint: None,
            parent: None,
            submitter: Submitter::default(),
        }
    }
}

/// The payload may hold secrets, so that it is not shown.
impl fmt::Debug for NewJob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewJob")
            .field("id", &self.id)
            .field("aggregation", &self.aggregation)
            .field("title", &self.title)
            .field("fingerprint", &self.fingerprint)
            .finish_non_exhaustive()
    }
}

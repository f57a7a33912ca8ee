//! What a handler says of a run.

use std::time::Duration;

use serde_json::Value;

use crate::{Failure, NewJob};

/// What a run came to. It decides what becomes of the job.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// The job is done, with this result.
    Ok(Value),
    /// The run failed and another may do better: the job is charged, and runs again after a pause if it has attempts left.
    Retry {
        /// Why it failed.
        failure: Failure,
        /// The shortest pause, as the other side wished it (`Retry-After`).
        after: Option<Duration>,
    },
    /// The other side does not want to be asked now: the job waits this long and is not charged.
    Snooze {
        /// Why.
        failure: Failure,
        /// How long.
        wait: Duration,
    },
    /// No run will do better: the job is dead.
    Dead(Failure),
    /// The job is no longer wanted.
    Cancelled(Failure),
    /// The run stopped for a reason of ours (shutdown, full disk, lost lease): the job is not charged and may start at once.
    Interrupted(Failure),
    /// The run made children, which are submitted together with this outcome. The job runs again when all of them have ended.
    Spawn {
        /// The children. Those with the fingerprint of a job that is there join it.
        children: Vec<NewJob>,
        /// What the next run of the job goes on from.
        checkpoint: Value,
    },
}

//! What a transaction writes.

use std::sync::Arc;

use crate::{AggregationKey, JobId, Record, StateName};

/// From here on, turns are those that a transaction has drawn: they are counted on from the last one when it is written.
pub(super) const DRAWN: i64 = 1 << 60;

/// A thing to be written.
#[derive(Debug)]
pub(super) enum Step {
    Insert(Box<Record>),
    Update(Box<Record>),
    Remove(JobId),
    Event {
        job: JobId,
        aggregation: AggregationKey,
        to: StateName,
        class: Option<Arc<str>>,
    },
}

//! What happened to jobs.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{AggregationKey, JobId, StateName, Timestamp};

/// Where an event stands among all events of a store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EventId(pub u64);

/// A job has come into a state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Where it stands among all events.
    pub id: EventId,
    /// When.
    pub at: Timestamp,
    /// Which job.
    pub job: JobId,
    /// Its aggregation.
    pub aggregation: AggregationKey,
    /// The state.
    pub to: StateName,
    /// The class of the failure that brought it there, if one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<Arc<str>>,
}

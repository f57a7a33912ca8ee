//! Which events somebody wants to see.

use std::collections::BTreeSet;

use serde::Deserialize;
use stoa_jobs::{AggregationKey, Event, JobId, Kind, StateName};

use super::super::jobs::states_of;

/// The query string of a stream.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct EventQuery {
    /// States, with commas between them.
    state: String,
    kind: Option<String>,
    #[serde(alias = "aggr")]
    aggregation: Option<String>,
    job: Option<String>,
}

/// Which events somebody wants to see. What is empty or none does not matter.
#[derive(Debug)]
pub(super) struct EventFilter {
    states: BTreeSet<StateName>,
    kind: Option<Kind>,
    aggregation: Option<AggregationKey>,
    job: Option<JobId>,
}

impl EventQuery {
    /// What is to be shown.
    ///
    /// # Errors
    /// What is wrong, by name.
    pub(super) fn read(self) -> Result<EventFilter, String> {
        let kind = self.kind.map(|kind| kind.parse()).transpose();
        let aggregation = self.aggregation.map(|key| key.parse()).transpose();
        let job = self.job.map(|id| id.parse()).transpose();
        Ok(EventFilter {
            states: states_of(&self.state)?,
            kind: kind.map_err(|error| format!("kind: {error}"))?,
            aggregation: aggregation.map_err(|error| format!("aggregation: {error}"))?,
            job: job.map_err(|error| format!("job: {error}"))?,
        })
    }
}

impl EventFilter {
    /// Whether `event` is shown.
    pub(super) fn matches(&self, event: &Event) -> bool {
        (self.states.is_empty() || self.states.contains(&event.to))
            && self
                .kind
                .as_ref()
                .is_none_or(|kind| event.aggregation.kind() == kind)
            && self
                .aggregation
                .as_ref()
                .is_none_or(|key| event.aggregation == *key)
            && self.job.as_ref().is_none_or(|id| event.job == *id)
    }
}

//! A store that knows only whether a lease holds.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use async_trait::async_trait;
use parking_lot::Mutex;
use serde_json::{Map, Value};

use crate::{
    Acted, Action, Aggregation, AggregationKey, AggregationSettings, Claim, Claimed, Counts, Event, EventId,
    Finished, Job, JobId, JobPage, JobQuery, Kept, Lease, NewJob, Outcome, Renewal, Renewed, Signals, Store,
    StoreError, Submitted,
};

/// Answers renewals from a list, and with "held" when that is used up. It does nothing else.
#[derive(Clone, Debug, Default)]
pub(crate) struct Leases(Arc<Mutex<VecDeque<Result<Renewed, StoreError>>>>);

impl Leases {
    /// Answers like this next.
    pub(crate) fn then(&self, answer: Result<Renewed, StoreError>) {
        self.0.lock().push_back(answer);
    }

    /// How many answers have not been asked for.
    pub(crate) fn left(&self) -> usize {
        self.0.lock().len()
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Store for Leases {
    async fn submit(&self, _jobs: Vec<NewJob>) -> Result<Vec<Submitted>, StoreError> {
        Err(StoreError::Closed)
    }

    async fn claim(&self, _claim: &Claim) -> Result<Claimed, StoreError> {
        Err(StoreError::Closed)
    }

    async fn renew(&self, _renewals: &[Renewal], _lease: Duration) -> Result<Vec<Renewed>, StoreError> {
        let answer = self.0.lock().pop_front();
        answer.unwrap_or(Ok(Renewed::Held)).map(|renewed| vec![renewed])
    }

    async fn finish(
        &self,
        _id: &JobId,
        _lease: &Lease,
        _outcome: Outcome,
        _notes: Map<String, Value>,
    ) -> Result<Finished, StoreError> {
        Err(StoreError::Closed)
    }

    async fn keep_house(&self) -> Result<Kept, StoreError> {
        Err(StoreError::Closed)
    }

    async fn act(&self, _id: &JobId, _action: Action) -> Result<Acted, StoreError> {
        Err(StoreError::Closed)
    }

    async fn job(&self, _id: &JobId) -> Result<Option<(Job, Option<Value>)>, StoreError> {
        Err(StoreError::Closed)
    }

    async fn jobs(&self, _query: &JobQuery) -> Result<JobPage, StoreError> {
        Err(StoreError::Closed)
    }

    async fn counts(&self) -> Result<Counts, StoreError> {
        Err(StoreError::Closed)
    }

    async fn aggregations(
        &self,
        _after: Option<&AggregationKey>,
        _limit: usize,
    ) -> Result<Vec<Aggregation>, StoreError> {
        Err(StoreError::Closed)
    }

    async fn aggregation(&self, _key: &AggregationKey) -> Result<Option<Aggregation>, StoreError> {
        Err(StoreError::Closed)
    }

    async fn set_aggregation(
        &self,
        _key: &AggregationKey,
        _settings: Option<AggregationSettings>,
    ) -> Result<(), StoreError> {
        Err(StoreError::Closed)
    }

    async fn events(&self, _after: EventId, _limit: usize) -> Result<Vec<Event>, StoreError> {
        Err(StoreError::Closed)
    }

    async fn last_event(&self) -> Result<EventId, StoreError> {
        Err(StoreError::Closed)
    }

    fn signals(&self) -> Signals {
        unreachable!("no engine runs on it")
    }

    async fn close(&self) {}
}

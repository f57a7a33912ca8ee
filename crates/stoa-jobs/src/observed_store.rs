//! Measures how long a store takes.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use serde_json::{Map, Value};
use tokio::time::Instant;

use crate::{
    Acted, Action, Aggregation, AggregationKey, AggregationSettings, Claim, Claimed, Counts, Event, EventId,
    Finished, Job, JobId, JobPage, JobQuery, Kept, Lease, NewJob, Observer, Outcome, Renewal, Renewed,
    Signals, Store, StoreError, Submitted,
};

/// Tells an [`Observer`] how long each question to a store takes, and whether it was answered. The name of an operation is
/// that of the method.
///
/// It stands outside of everything else of a store, so that what its callers wait for is measured. A question that is given
/// up before its answer is not counted.
#[derive(Debug)]
pub struct ObservedStore {
    store: Arc<dyn Store>,
    observer: Arc<dyn Observer>,
}

impl ObservedStore {
    /// Measures `store`.
    pub fn new(store: Arc<dyn Store>, observer: Arc<dyn Observer>) -> Self {
        Self { store, observer }
    }

    async fn timed<T>(
        &self,
        operation: &'static str,
        question: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        let began = Instant::now();
        let answer = question.await;
        self.observer.asked(operation, began.elapsed(), answer.is_ok());
        answer
    }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl Store for ObservedStore {
    async fn submit(&self, jobs: Vec<NewJob>) -> Result<Vec<Submitted>, StoreError> {
        self.timed("submit", self.store.submit(jobs)).await
    }

    async fn claim(&self, claim: &Claim) -> Result<Claimed, StoreError> {
        self.timed("claim", self.store.claim(claim)).await
    }

    async fn renew(&self, renewals: &[Renewal], lease: Duration) -> Result<Vec<Renewed>, StoreError> {
        self.timed("renew", self.store.renew(renewals, lease)).await
    }

    async fn finish(
        &self,
        id: &JobId,
        lease: &Lease,
        outcome: Outcome,
        notes: Map<String, Value>,
    ) -> Result<Finished, StoreError> {
        self.timed("finish", self.store.finish(id, lease, outcome, notes))
            .await
    }

    async fn keep_house(&self) -> Result<Kept, StoreError> {
        self.timed("keep_house", self.store.keep_house()).await
    }

    async fn act(&self, id: &JobId, action: Action) -> Result<Acted, StoreError> {
        self.timed("act", self.store.act(id, action)).await
    }

    async fn job(&self, id: &JobId) -> Result<Option<(Job, Option<Value>)>, StoreError> {
        self.timed("job", self.store.job(id)).await
    }

    async fn jobs(&self, query: &JobQuery) -> Result<JobPage, StoreError> {
        self.timed("jobs", self.store.jobs(query)).await
    }

    async fn counts(&self) -> Result<Counts, StoreError> {
        self.timed("counts", self.store.counts()).await
    }

    async fn aggregations(
        &self,
        after: Option<&AggregationKey>,
        limit: usize,
    ) -> Result<Vec<Aggregation>, StoreError> {
        self.timed("aggregations", self.store.aggregations(after, limit))
            .await
    }

    async fn aggregation(&self, key: &AggregationKey) -> Result<Option<Aggregation>, StoreError> {
        self.timed("aggregation", self.store.aggregation(key)).await
    }

    async fn set_aggregation(
        &self,
        key: &AggregationKey,
        settings: Option<AggregationSettings>,
    ) -> Result<(), StoreError> {
        self.timed("set_aggregation", self.store.set_aggregation(key, settings))
            .await
    }

    async fn events(&self, after: EventId, limit: usize) -> Result<Vec<Event>, StoreError> {
        self.timed("events", self.store.events(after, limit)).await
    }

    async fn last_event(&self) -> Result<EventId, StoreError> {
        self.timed("last_event", self.store.last_event()).await
    }

    fn signals(&self) -> Signals {
        self.store.signals()
    }

    async fn close(&self) {
        self.store.close().await;
    }
}

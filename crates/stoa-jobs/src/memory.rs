//! Jobs in memory: for tests and examples.

mod contents;
mod lanes;

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use parking_lot::Mutex;
use serde_json::{Map, Value};

use self::contents::Contents;
use crate::{
    Acted, Action, Aggregation, AggregationKey, AggregationSettings, Claim, Claimed, Clock, Counts, Event,
    EventId, Finished, Job, JobId, JobPage, JobQuery, Kept, Lease, NewJob, Outcome, Random, Renewal, Renewed,
    Rules, Signals, Store, StoreError, Submitted, Transaction, Wakers,
};

/// A store in memory. Nothing is durable: what it holds goes with its last handle.
pub struct MemoryStore {
    shared: Arc<Shared>,
    is_closed: AtomicBool,
}

struct Shared {
    contents: Mutex<Contents>,
    rules: Rules,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    wakers: Wakers,
}

impl MemoryStore {
    /// An empty store.
    pub fn new(rules: Rules, clock: Arc<dyn Clock>, random: Arc<dyn Random>) -> Self {
        let contents = Mutex::new(Contents::new(rules.clone()));
        let shared = Arc::new(Shared {
            contents,
            rules,
            clock,
            random,
            wakers: Wakers::default(),
        });
        Self {
            shared,
            is_closed: AtomicBool::new(false),
        }
    }

    /// Another handle to the same jobs, as another node would have. Each is closed by itself.
    #[must_use]
    pub fn another(&self) -> Self {
        Self {
            shared: self.shared.clone(),
            is_closed: AtomicBool::new(false),
        }
    }

    /// Does something to the jobs, and wakes those who wait for it.
    fn change<T>(
        &self,
        change: impl FnOnce(&mut Transaction<'_, Contents>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.check_open()?;
        let shared = &*self.shared;
        let (result, wake) = {
            let mut contents = shared.contents.lock();
            let now = shared.clock.now();
            let mut transaction = Transaction::new(&mut *contents, &shared.rules, &*shared.random, now);
            let result = change(&mut transaction);
            (result, transaction.wake())
        };
        wake.fire(&shared.wakers);
        result
    }

    fn read<T>(&self, read: impl FnOnce(&Contents) -> T) -> Result<T, StoreError> {
        self.check_open()?;
        Ok(read(&self.shared.contents.lock()))
    }

    fn check_open(&self) -> Result<(), StoreError> {
        if self.is_closed.load(Ordering::Acquire) {
            Err(StoreError::Closed)
        } else {
            Ok(())
        }
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore")
            .field("is_closed", &self.is_closed)
            .finish_non_exhaustive()
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Store for MemoryStore {
    async fn submit(&self, jobs: Vec<NewJob>) -> Result<Vec<Submitted>, StoreError> {
        self.change(|transaction| transaction.submit(jobs))
    }

    async fn claim(&self, claim: &Claim) -> Result<Claimed, StoreError> {
        self.change(|transaction| transaction.claim(claim))
    }

    async fn renew(&self, renewals: &[Renewal], lease: Duration) -> Result<Vec<Renewed>, StoreError> {
        self.change(|transaction| {
            renewals
                .iter()
                .map(|renewal| transaction.renew(renewal, lease))
                .collect()
        })
    }

    async fn finish(
        &self,
        id: &JobId,
        lease: &Lease,
        outcome: Outcome,
        notes: Map<String, Value>,
    ) -> Result<Finished, StoreError> {
        self.change(|transaction| transaction.finish(id, lease, outcome, notes))
    }

    #[expect(
        clippy::redundant_closure_for_method_calls,
        reason = "the method alone is for one lifetime only"
    )]
    async fn keep_house(&self) -> Result<Kept, StoreError> {
        self.change(|transaction| transaction.keep_house())
    }

    async fn act(&self, id: &JobId, action: Action) -> Result<Acted, StoreError> {
        self.change(|transaction| transaction.act(id, action))
    }

    async fn job(&self, id: &JobId) -> Result<Option<(Job, Option<Value>)>, StoreError> {
        self.read(|contents| contents.job(id))
    }

    async fn jobs(&self, query: &JobQuery) -> Result<JobPage, StoreError> {
        self.read(|contents| contents.page(query))
    }

    async fn counts(&self) -> Result<Counts, StoreError> {
        self.read(Contents::counts)
    }

    async fn aggregations(
        &self,
        after: Option<&AggregationKey>,
        limit: usize,
    ) -> Result<Vec<Aggregation>, StoreError> {
        self.read(|contents| contents.aggregations(after, limit))
    }

    async fn aggregation(&self, key: &AggregationKey) -> Result<Option<Aggregation>, StoreError> {
        self.read(|contents| contents.aggregation(key))
    }

    async fn set_aggregation(
        &self,
        key: &AggregationKey,
        settings: Option<AggregationSettings>,
    ) -> Result<(), StoreError> {
        self.change(|transaction| transaction.set_aggregation(key, settings))
    }

    async fn events(&self, after: EventId, limit: usize) -> Result<Vec<Event>, StoreError> {
        self.read(|contents| contents.events_after(after, limit))
    }

    async fn last_event(&self) -> Result<EventId, StoreError> {
        self.read(Contents::last_event)
    }

    fn signals(&self) -> Signals {
        self.shared.wakers.signals()
    }

    async fn close(&self) {
        self.is_closed.store(true, Ordering::Release);
    }
}

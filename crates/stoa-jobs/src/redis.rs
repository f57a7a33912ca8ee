//! Jobs in Redis, for several nodes.

mod address;
mod answer;
mod commit;
mod dice;
mod draft;
mod fault;
mod given;
mod leases;
mod link;
mod listener;
mod listings;
mod options;
mod readiness;
mod row;
mod scripts;
mod step;
mod transact;
mod view;

use std::{collections::HashSet, fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use parking_lot::Mutex;
use serde_json::{Map, Value};
use tokio::sync::{OnceCell, oneshot};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

pub use self::{
    address::{RedisAddress, RedisAddressError},
    options::RedisOptions,
};
use self::{
    given::Given,
    leases::Leases,
    link::Link,
    listener::Listener,
    listings::Listings,
    scripts::Call,
    transact::{Start, Transactor},
    view::{View, Wanted},
};
use crate::{
    Acted, Action, Aggregation, AggregationKey, AggregationSettings, Claim, Claimed, Counts, Event, EventId,
    Finished, Job, JobId, JobPage, JobQuery, Kept, Lease, NewJob, Outcome, Renewal, Renewed, Signals, Store,
    StoreError, Submitted, SystemRandom, Wakers, random_id,
};

/// How many of each sort one part of the housekeeping does.
const PART: usize = 256;
/// How many runs are remembered of which it is not known whether their ends were stored.
const MAX_UNSURE: usize = 10_000;

/// Jobs in Redis or Valkey, for several nodes.
///
/// All keys have one hash tag, so that they are in one slot of a cluster. What a node claims is decided in one script, by the
/// clock of Redis. All other changes follow [`Rules`](crate::Rules) here and are written by one script, which first checks that nothing
/// has changed of what was read.
///
/// What Redis has said to be done is as durable as it makes it: with `appendfsync always` nothing is lost when the machine
/// loses its power, with `everysec` the last second may be, and after a failover what the replica had not yet received.
pub struct RedisStore {
    link: Arc<Link>,
    tag: Arc<str>,
    transactor: Arc<Transactor>,
    leases: Arc<Leases>,
    listings: Listings,
    /// The name of this handle, which no other has.
    name: String,
    wakers: Arc<Wakers>,
    /// What should be set otherwise in Redis, when it is known that it can be used.
    opened: OnceCell<Vec<String>>,
    closed: CancellationToken,
    tasks: TaskTracker,
    /// Runs of which it is not known whether their ends were stored.
    unsure: Mutex<HashSet<(JobId, u64)>>,
}

impl RedisStore {
    /// The jobs that are under the prefix of `options`. Redis is asked for the first time when somebody needs it, so a node can
    /// start while it is away.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unusable`] if the prefix is empty or has braces in it.
    pub fn new(options: RedisOptions) -> Result<Self, StoreError> {
        let tag: Arc<str> = format!("{{{}}}", options.prefix).into();
        if options.prefix.is_empty() || options.prefix.contains(['{', '}']) {
            return Err(StoreError::unusable(
                "the prefix of the keys is empty or has braces in it",
            ));
        }
        let rules = options.rules.clone();
        let link = Arc::new(Link::new(options));
        let transactor = Arc::new(Transactor::new(link.clone(), tag.clone(), rules));
        let leases = Arc::new(Leases::new(link.clone(), tag.clone()));
        let listings = Listings::new(link.clone(), tag.clone());
        Ok(Self {
            link,
            tag,
            transactor,
            leases,
            listings,
            name: random_id(&SystemRandom).to_string(),
            wakers: Arc::new(Wakers::default()),
            opened: OnceCell::new(),
            closed: CancellationToken::new(),
            tasks: TaskTracker::new(),
            unsure: Mutex::default(),
        })
    }

    /// The same, when Redis has answered that it can be used.
    ///
    /// # Errors
    ///
    /// Those of [`new`](Self::new) and [`ready`](Self::ready).
    pub async fn open(options: RedisOptions) -> Result<Self, StoreError> {
        let store = Self::new(options)?;
        store.ready().await?;
        Ok(store)
    }

    /// Looks whether Redis can be used, unless that is known, and listens to other nodes from then on.
    ///
    /// # Errors
    ///
    /// [`StoreError::Away`] if Redis cannot be reached, and [`StoreError::Unusable`] if it is too old, a newer version has
    /// written there, or it lets nobody in with this name and password. The next call asks again.
    pub async fn ready(&self) -> Result<(), StoreError> {
        if self.closed.is_cancelled() {
            return Err(StoreError::Closed);
        }
        self.opened.get_or_try_init(|| self.begin()).await.map(|_| ())
    }

    async fn begin(&self) -> Result<Vec<String>, StoreError> {
        let warnings = readiness::check(&self.link, &self.tag).await?;
        for warning in &warnings {
            tracing::warn!("{warning}");
        }
        let listener = Listener {
            link: self.link.clone(),
            stream: format!("{}:wake", self.tag),
            wakers: self.wakers.clone(),
            closed: self.closed.clone(),
        };
        // From here on nothing that happens is missed.
        let first = listener.begin().await.map_err(fault::Fault::into_error)?;
        self.tasks.spawn(listener.run(Some(first)));
        Ok(warnings)
    }

    /// What should be set otherwise in Redis so that no job is lost, in sentences for people. They were logged as well.
    /// None before it is [`ready`](Self::ready).
    pub fn warnings(&self) -> &[String] {
        self.opened.get().map_or(&[], Vec::as_slice)
    }

    /// Whether this handle has stored the end of a run, though it was never told so.
    async fn has_finished(&self, id: &JobId, epoch: u64) -> Result<bool, StoreError> {
        let mut view = View::default();
        let wanted = Wanted {
            jobs: [id.clone()].into(),
            ..Wanted::default()
        };
        self.transactor.read_into(&mut view, &wanted).await?;
        let row = view.jobs.remove(id).flatten();
        Ok(row.and_then(|row| row.finished) == Some(self.mark(epoch)))
    }

    /// What is written to a job when this handle ends a run of it.
    fn mark(&self, epoch: u64) -> String {
        format!("{epoch}:{}", self.name)
    }
}

impl fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStore")
            .field("link", &self.link)
            .field("tag", &self.tag)
            .finish_non_exhaustive()
    }
}

impl Drop for RedisStore {
    fn drop(&mut self) {
        self.closed.cancel();
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Store for RedisStore {
    async fn submit(&self, jobs: Vec<NewJob>) -> Result<Vec<Submitted>, StoreError> {
        self.ready().await?;
        if jobs.is_empty() {
            return Ok(Vec::new());
        }
        let wanted = Wanted {
            jobs: jobs.iter().filter_map(|job| job.id.clone()).collect(),
            live: jobs.iter().filter_map(|job| job.fingerprint.clone()).collect(),
        };
        self.transactor
            .transact(Start::Wanted(wanted), false, None, |transaction| {
                transaction.submit(jobs.clone())
            })
            .await
    }

    async fn claim(&self, claim: &Claim) -> Result<Claimed, StoreError> {
        self.ready().await?;
        let (sender, receiver) = oneshot::channel();
        let (leases, transactor, tasks) = (self.leases.clone(), self.transactor.clone(), self.tasks.clone());
        let claim = claim.clone();
        // It goes on to its end whether or not anybody waits for it, for Redis cannot be told to forget it.
        self.tasks.spawn(async move {
            let claimed = leases.claim(&claim).await;
            // What nobody receives is given back.
            let _ = sender.send(claimed.map(|claimed| Given::new(claimed, transactor, tasks)));
        });
        let given = receiver.await.map_err(|_| StoreError::Closed)?;
        given.map(Given::take)
    }

    async fn renew(&self, renewals: &[Renewal], lease: Duration) -> Result<Vec<Renewed>, StoreError> {
        self.ready().await?;
        if renewals.is_empty() {
            return Ok(Vec::new());
        }
        self.leases.renew(renewals, lease).await
    }

    async fn finish(
        &self,
        id: &JobId,
        lease: &Lease,
        outcome: Outcome,
        notes: Map<String, Value>,
    ) -> Result<Finished, StoreError> {
        self.ready().await?;
        let run = (id.clone(), lease.epoch);
        let is_unsure = self.unsure.lock().contains(&run);
        if is_unsure && self.has_finished(id, lease.epoch).await? {
            self.unsure.lock().remove(&run);
            return Ok(Finished::Stored);
        }
        let wanted = Wanted {
            jobs: [id.clone()].into(),
            ..Wanted::default()
        };
        // What a run ends makes room; children need it.
        let may_exceed = !matches!(outcome, Outcome::Spawn { .. });
        let mark = Some((id, self.mark(lease.epoch)));
        let finished = self
            .transactor
            .transact(Start::Wanted(wanted), may_exceed, mark, |transaction| {
                transaction.finish(id, lease, outcome.clone(), notes.clone())
            })
            .await;
        let mut unsure = self.unsure.lock();
        if matches!(finished, Err(StoreError::Away(_))) {
            if unsure.len() < MAX_UNSURE {
                unsure.insert(run);
            }
        } else {
            unsure.remove(&run);
        }
        finished
    }

    async fn keep_house(&self) -> Result<Kept, StoreError> {
        self.ready().await?;
        self.transactor
            .transact(Start::House(PART), true, None, |transaction| {
                transaction.keep_house()
            })
            .await
    }

    async fn act(&self, id: &JobId, action: Action) -> Result<Acted, StoreError> {
        self.ready().await?;
        let wanted = Wanted {
            jobs: [id.clone()].into(),
            ..Wanted::default()
        };
        self.transactor
            .transact(Start::Wanted(wanted), true, None, |transaction| {
                transaction.act(id, action.clone())
            })
            .await
    }

    async fn job(&self, id: &JobId) -> Result<Option<(Job, Option<Value>)>, StoreError> {
        self.ready().await?;
        let mut view = View::default();
        let wanted = Wanted {
            jobs: [id.clone()].into(),
            ..Wanted::default()
        };
        self.transactor.read_into(&mut view, &wanted).await?;
        let row = view.jobs.remove(id).flatten();
        Ok(row.map(|row| (row.record.job, row.record.progress)))
    }

    async fn jobs(&self, query: &JobQuery) -> Result<JobPage, StoreError> {
        self.ready().await?;
        self.listings.page(query).await
    }

    async fn counts(&self) -> Result<Counts, StoreError> {
        self.ready().await?;
        self.listings.count().await
    }

    async fn aggregations(
        &self,
        after: Option<&AggregationKey>,
        limit: usize,
    ) -> Result<Vec<Aggregation>, StoreError> {
        self.ready().await?;
        self.listings.aggregations(after, limit).await
    }

    async fn aggregation(&self, key: &AggregationKey) -> Result<Option<Aggregation>, StoreError> {
        self.ready().await?;
        self.listings.aggregation(key).await
    }

    async fn set_aggregation(
        &self,
        key: &AggregationKey,
        settings: Option<AggregationSettings>,
    ) -> Result<(), StoreError> {
        self.ready().await?;
        let mut call = Call::new(&scripts::LIMITS, &self.tag);
        call.text(&commit::name_of(key));
        if let Some(settings) = &settings {
            commit::add_settings(&mut call, settings)?;
        }
        match answer::text(self.link.call(&call).await?)?.as_str() {
            "newer" => Err(answer::newer()),
            _ => Ok(()),
        }
    }

    async fn events(&self, after: EventId, limit: usize) -> Result<Vec<Event>, StoreError> {
        self.ready().await?;
        self.listings.events_after(after, limit).await
    }

    async fn last_event(&self) -> Result<EventId, StoreError> {
        self.ready().await?;
        self.listings.last_event().await
    }

    fn signals(&self) -> Signals {
        self.wakers.signals()
    }

    async fn close(&self) {
        self.closed.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

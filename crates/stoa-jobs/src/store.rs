//! The port to what keeps jobs.

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use serde_json::{Map, Value};

use crate::{
    Aggregation, AggregationKey, AggregationSettings, Event, EventId, Failure, Job, JobId, JobPage, JobQuery,
    Kind, Lease, NewJob, Outcome, Signals, StateName, StoreError,
};

/// What became of a job that was submitted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Submitted {
    /// It is a new job.
    New(JobId),
    /// It has become one with a job that has the same fingerprint, or it is a job that has been submitted before.
    Joined(JobId),
}

impl Submitted {
    /// The id, whichever.
    pub fn id(&self) -> &JobId {
        match self {
            Self::New(id) | Self::Joined(id) => id,
        }
    }
}

/// What a node can take.
#[derive(Clone, Debug)]
pub struct Claim {
    /// The node. Its name is unique among those that live: it has something random in it.
    pub node: Arc<str>,
    /// The kinds that it has handlers for and wants now.
    pub kinds: Vec<Kind>,
    /// How many jobs it takes at most.
    pub max: usize,
    /// How long their leases are.
    pub lease: Duration,
}

/// Jobs that a node has claimed.
#[derive(Clone, Debug, Default)]
pub struct Claimed {
    /// The jobs, each in [`State::Running`](crate::State::Running) with its lease, and the settings of its aggregation.
    pub jobs: Vec<(Job, AggregationSettings)>,
    /// After which time a claim of the same kinds may find more without any signal: a job becomes due, or a rate allows the
    /// next start. None if only a signal can change anything.
    pub next: Option<Duration>,
}

/// A lease that is to be renewed.
#[derive(Clone, Debug)]
pub struct Renewal {
    /// The job.
    pub id: JobId,
    /// The epoch of the lease.
    pub epoch: u64,
    /// How far the run has come, for those who look at the job.
    pub progress: Option<Value>,
}

/// What became of a lease that was to be renewed.
#[derive(Clone, Debug, PartialEq)]
pub enum Renewed {
    /// It holds.
    Held,
    /// It holds, and the run is to stop: somebody has cancelled the job.
    Cancel(Failure),
    /// It has ended. Whatever the run comes to is refused.
    Lost,
}

/// What became of the result of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finished {
    /// It is stored.
    Stored,
    /// The lease had ended; nothing was changed.
    Stale,
}

/// What somebody wants of a job.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// It is no longer wanted, for this reason.
    Cancel(Failure),
    /// It failed and is to start anew.
    Retry,
    /// It is to start before all others, now.
    Promote,
}

/// What became of an action.
#[derive(Clone, Debug, PartialEq)]
pub enum Acted {
    /// It is done, or begun: a running job that is cancelled ends in a moment.
    Done(Box<Job>),
    /// The job is in no state for it; here it is.
    NotNow(Box<Job>),
    /// Another job of the same fingerprint is alive, which this one would repeat.
    Twin(JobId),
    /// There is no such job.
    Unknown,
}

/// What the housekeeping found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Kept {
    /// Jobs whose leases had ended.
    pub lost: Vec<JobId>,
    /// Jobs whose deadlines had passed.
    pub expired: u64,
    /// Jobs that had been kept for long enough after their end, and were removed.
    pub removed: u64,
    /// When there is something to do again, if no signal comes before.
    pub next: Option<Duration>,
}

/// How many jobs are in each state.
pub type Counts = std::collections::BTreeMap<StateName, u64>;

/// What keeps jobs, and finds the ones that may run. Several nodes may use one store at the same time.
///
/// # Contract
/// * What a call has returned as done is kept, whatever dies after that; a call that failed has changed nothing, or all of it.
/// * Of an aggregation, no more jobs run at a time than its settings allow, on all nodes together; no more start in a time
///   than its rate allows. Lowering a limit stops none that runs.
/// * Aggregations that have something to run get their turns by weight: a long queue of one delays no other.
/// * A job is given to one node at a time. A lease of which nothing is heard ends by the clock of the store, and what comes
///   under it later is refused.
/// * Every change follows [`Rules`](crate::Rules), which the store is made with; jobs that the rules want to be submitted, and
///   parents that they want to be told, are part of the same transaction.
/// * Fields of a job or of settings that this version does not know are kept.
/// * After each change that could matter to a node that waits, its [`Signals`] change: also those of other processes.
///
/// The suite in [`conformance`](crate::conformance) holds an adapter to this.
#[async_trait]
pub trait Store: fmt::Debug + Send + Sync + 'static {
    /// Takes jobs, all or none of them.
    async fn submit(&self, jobs: Vec<NewJob>) -> Result<Vec<Submitted>, StoreError>;

    /// Gives jobs to a node.
    async fn claim(&self, claim: &Claim) -> Result<Claimed, StoreError>;

    /// Makes leases of a node last for `lease` from now on. The answers are in the order of the questions.
    async fn renew(&self, renewals: &[Renewal], lease: Duration) -> Result<Vec<Renewed>, StoreError>;

    /// Ends a run. What the handler noted becomes part of the attempt.
    async fn finish(
        &self,
        id: &JobId,
        lease: &Lease,
        outcome: Outcome,
        notes: Map<String, Value>,
    ) -> Result<Finished, StoreError>;

    /// Ends leases and jobs whose time has come, and removes jobs that have been kept for long enough. Every node does this;
    /// it does a bounded part at a time, and `next` is zero if there is more.
    async fn keep_house(&self) -> Result<Kept, StoreError>;

    /// Does something to a job by hand.
    async fn act(&self, id: &JobId, action: Action) -> Result<Acted, StoreError>;

    /// A job, with how far its run has come.
    async fn job(&self, id: &JobId) -> Result<Option<(Job, Option<Value>)>, StoreError>;

    /// Jobs that a query finds, the latest first.
    async fn jobs(&self, query: &JobQuery) -> Result<JobPage, StoreError>;

    /// How many jobs there are in each state.
    async fn counts(&self) -> Result<Counts, StoreError>;

    /// Aggregations in the order of their keys, at most `limit` of them after `after`.
    async fn aggregations(
        &self,
        after: Option<&AggregationKey>,
        limit: usize,
    ) -> Result<Vec<Aggregation>, StoreError>;

    /// One aggregation.
    async fn aggregation(&self, key: &AggregationKey) -> Result<Option<Aggregation>, StoreError>;

    /// Sets the limits of an aggregation by hand, and pins it; with `None`, unpins it: it goes when it has no jobs.
    async fn set_aggregation(
        &self,
        key: &AggregationKey,
        settings: Option<AggregationSettings>,
    ) -> Result<(), StoreError>;

    /// What happened after `after`, at most `limit` events, the earliest first. Only the last ten thousand or so are kept.
    async fn events(&self, after: EventId, limit: usize) -> Result<Vec<Event>, StoreError>;

    /// The latest event.
    async fn last_event(&self) -> Result<EventId, StoreError>;

    /// What changes when there may be something to do.
    fn signals(&self) -> Signals;

    /// Writes down what is under way, and ends the tasks of the store. Later calls fail.
    async fn close(&self);
}

//! What the checks have in common.

use std::{num::NonZeroU32, sync::Arc, time::Duration};

use serde_json::{Map, Value};

use super::adapter::{Adapter, Storage};
use crate::{
    Acted, Action, AggregationKey, AggregationSettings, Backoff, Claim, Claimed, Failure, Fingerprint,
    Finished, Job, JobId, Kind, NewJob, Outcome, Rules, StateName, Store, Submitted,
};

/// How long the leases of most checks are: they do not end.
pub(super) const LONG: Duration = Duration::from_secs(600);
/// A lease that a check lets end.
pub(super) const SHORT: Duration = Duration::from_secs(2);
/// Longer than that.
pub(super) const LATER: Duration = Duration::from_millis(2_100);

/// A storage with two handles, as two nodes have them.
pub(super) struct Scene {
    pub(super) storage: Box<dyn Storage>,
    pub(super) a: Arc<dyn Store>,
    pub(super) b: Arc<dyn Store>,
}

impl Scene {
    pub(super) async fn new(adapter: &dyn Adapter) -> Self {
        Self::with(adapter, rules()).await
    }

    pub(super) async fn with(adapter: &dyn Adapter, rules: Rules) -> Self {
        let storage = adapter.storage(rules).await;
        let (a, b) = (storage.open().await, storage.open().await);
        Self { storage, a, b }
    }

    pub(super) async fn close(self) {
        self.a.close().await;
        self.b.close().await;
    }
}

/// Short pauses between attempts.
pub(super) fn rules() -> Rules {
    let backoff = Backoff {
        base: Duration::from_secs(1),
        cap: Duration::from_secs(2),
    };
    Rules {
        backoff,
        ..Rules::default()
    }
}

pub(super) fn kind(kind: &str) -> Kind {
    kind.parse().expect("a kind")
}

/// The aggregation of this name of URLs.
pub(super) fn key(name: &str) -> AggregationKey {
    AggregationKey::new(kind("url"), name).expect("a key")
}

pub(super) fn job(name: &str) -> NewJob {
    NewJob::new(key(name), Value::Null)
}

pub(super) fn same(name: &str, hash: &str) -> NewJob {
    NewJob {
        fingerprint: Fingerprint::new(hash),
        ..job(name)
    }
}

/// So many jobs at a time.
pub(super) fn at_most(concurrency: u32) -> AggregationSettings {
    let concurrency = NonZeroU32::new(concurrency).expect("not zero");
    AggregationSettings {
        concurrency,
        ..AggregationSettings::default()
    }
}

pub(super) fn failure(class: &str) -> Failure {
    Failure::new(class, "as the check wants it")
}

pub(super) fn retry() -> Outcome {
    Outcome::Retry {
        failure: failure("status"),
        after: None,
    }
}

pub(super) fn done() -> Outcome {
    Outcome::Ok(Value::from(7))
}

/// Lets so many jobs of an aggregation run at a time.
pub(super) async fn limit(store: &dyn Store, name: &str, concurrency: u32) {
    let settings = Some(at_most(concurrency));
    store.set_aggregation(&key(name), settings).await.expect("sets");
}

/// Submits jobs, in parts.
pub(super) async fn submit_all(store: &dyn Store, jobs: Vec<NewJob>) -> Vec<JobId> {
    let mut ids = Vec::new();
    for part in jobs.chunks(500) {
        let submitted = store.submit(part.to_vec()).await.expect("submits");
        ids.extend(submitted.iter().map(|submitted| submitted.id().clone()));
    }
    ids
}

/// Submits a job, which is a new one.
pub(super) async fn submit(store: &dyn Store, job: NewJob) -> JobId {
    let submitted = store.submit(vec![job]).await.expect("submits");
    match submitted.as_slice() {
        [Submitted::New(id)] => id.clone(),
        other => panic!("one new job, not {other:?}"),
    }
}

pub(super) async fn claim_with(store: &dyn Store, kinds: &[&str], max: usize, lease: Duration) -> Claimed {
    let kinds = kinds.iter().map(|text| kind(text)).collect();
    store
        .claim(&Claim {
            node: "node-a".into(),
            kinds,
            max,
            lease,
        })
        .await
        .expect("claims")
}

/// Claims jobs of URLs.
pub(super) async fn claim(store: &dyn Store, max: usize) -> Vec<Job> {
    let claimed = claim_with(store, &["url"], max, LONG).await;
    claimed.jobs.into_iter().map(|(job, _)| job).collect()
}

/// Claims the one job that there is to claim.
pub(super) async fn claim_one(store: &dyn Store, lease: Duration) -> Job {
    let mut claimed = claim_with(store, &["url"], 10, lease).await;
    assert_eq!(claimed.jobs.len(), 1, "one job is ready");
    claimed.jobs.remove(0).0
}

/// Ends a run under the lease that the job was claimed with.
pub(super) async fn finish(store: &dyn Store, job: &Job, outcome: Outcome) -> Finished {
    let lease = job.lease().expect("a running job");
    store
        .finish(&job.id, lease, outcome, Map::new())
        .await
        .expect("finishes")
}

/// Ends a run, and the lease holds.
pub(super) async fn end(store: &dyn Store, job: &Job, outcome: Outcome) {
    assert_eq!(finish(store, job, outcome).await, Finished::Stored);
}

/// Submits a job and lets it come to `outcome`, while nothing else is ready.
pub(super) async fn run_to(store: &dyn Store, job: NewJob, outcome: Outcome) -> JobId {
    let id = submit(store, job).await;
    let claimed = claim_one(store, LONG).await;
    assert_eq!(claimed.id, id);
    end(store, &claimed, outcome).await;
    id
}

pub(super) async fn look(store: &dyn Store, id: &JobId) -> Job {
    store.job(id).await.expect("looks").expect("the job is there").0
}

pub(super) async fn state(store: &dyn Store, id: &JobId) -> StateName {
    look(store, id).await.state.name()
}

/// Does something to a job, and it is done.
pub(super) async fn act(store: &dyn Store, id: &JobId, action: Action) -> Job {
    match store.act(id, action).await.expect("acts") {
        Acted::Done(job) => *job,
        other => panic!("done, not {other:?}"),
    }
}

/// Does the housekeeping until there is nothing to do at the moment. Returns how many leases, deadlines and jobs it ended.
pub(super) async fn keep_house(store: &dyn Store) -> (usize, u64, u64) {
    let mut all = (0, 0, 0);
    for _ in 0..1_000 {
        let kept = store.keep_house().await.expect("keeps house");
        all = (
            all.0 + kept.lost.len(),
            all.1 + kept.expired,
            all.2 + kept.removed,
        );
        if kept.next != Some(Duration::ZERO) {
            return all;
        }
    }
    panic!("the housekeeping does not end")
}

//! Jobs of tests.

use std::time::Duration;

use serde_json::{Map, Value};
use stoa_jobs::{
    AggregationKey, AggregationSettings, Claim, Fingerprint, Finished, Job, JobId, Kind, NewJob, Outcome,
    Store, StoreError,
};

/// A lease that does not end.
pub(crate) const LONG: Duration = Duration::from_secs(600);

pub(crate) fn kind() -> Kind {
    "url".parse().expect("a kind")
}

pub(crate) fn key(name: &str) -> AggregationKey {
    AggregationKey::new(kind(), name).expect("a key")
}

/// A job of an aggregation that lets all run at a time.
pub(crate) fn job(name: &str) -> NewJob {
    let settings = AggregationSettings {
        concurrency: 100_000.try_into().expect("not zero"),
        ..AggregationSettings::default()
    };
    NewJob {
        aggregation_settings: Some(settings),
        ..NewJob::new(key(name), Value::Null)
    }
}

pub(crate) fn same(name: &str, hash: &str) -> NewJob {
    NewJob {
        fingerprint: Fingerprint::new(hash),
        ..job(name)
    }
}

pub(crate) async fn claim(store: &dyn Store, max: usize, lease: Duration) -> Result<Vec<Job>, StoreError> {
    let claim = Claim {
        node: "node-a".into(),
        kinds: vec![kind()],
        max,
        lease,
    };
    let claimed = store.claim(&claim).await?;
    Ok(claimed.jobs.into_iter().map(|(job, _)| job).collect())
}

pub(crate) async fn finish(store: &dyn Store, job: &Job) -> Result<Finished, StoreError> {
    let lease = job.lease().expect("a running job");
    store
        .finish(&job.id, lease, Outcome::Ok(Value::Null), Map::new())
        .await
}

pub(crate) async fn look(store: &dyn Store, id: &JobId) -> Job {
    store.job(id).await.expect("looks").expect("it is there").0
}

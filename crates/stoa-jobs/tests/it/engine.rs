//! Engines on a store in memory. Time is paused: it moves when everybody waits.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use serde_json::{Map, Value, json};
use stoa_jobs::{
    Acted, Action, Aggregation, AggregationKey, AggregationSettings, Claim, Claimed, Counts, DrainReport,
    Ended, Engine, EngineOptions, Event, EventId, Failure, Finished, Gate, Handler, Job, JobId, JobPage,
    JobQuery, Kept, KindOptions, Lease, NewJob, Outcome, Renewal, Renewed, Signals, State, StateName, Store,
    StoreError, Submitted,
};
use tokio::time::{Instant, sleep};

use crate::scripted::{LEASE, Lab, ended, job_of, key, limit};

const NOTHING: Duration = Duration::ZERO;

#[tokio::test(start_paused = true)]
async fn a_job_runs_as_soon_as_it_is_there() {
    let lab = Lab::new();
    let engine = lab.engine();
    let began = Instant::now();
    let id = lab.submit(job_of("a", json!({ "sleep": 5 }))).await;
    let job = ended(&engine, &id).await;
    assert_eq!(began.elapsed().as_millis(), 5, "nobody polls");
    assert_eq!(job.result, Some(json!({ "runs": 1 })));
    assert_eq!(job.attempts[0].notes["run"], 0);
    assert_eq!(engine.drain(NOTHING).await, DrainReport::default());
}

#[tokio::test(start_paused = true)]
async fn failures_are_tried_again_and_panics_are_failures() {
    let lab = Lab::new();
    let engine = lab.engine();
    let id = lab
        .submit(job_of("a", json!({ "then": ["retry", "panic", "ok"] })))
        .await;
    let job = ended(&engine, &id).await;
    assert_eq!((job.state.name(), job.charged), (StateName::Ok, 3));
    let classes: Vec<_> = job
        .attempts
        .iter()
        .filter_map(|attempt| Some(&*attempt.failure.as_ref()?.class))
        .collect();
    assert_eq!(classes, ["scripted", "panic"]);
    let id = lab.submit(job_of("a", json!({ "then": "retry" }))).await;
    let job = ended(&engine, &id).await;
    assert_eq!((job.state.name(), job.charged), (StateName::Dead, 3));
    engine.drain(NOTHING).await;
}

#[tokio::test(start_paused = true)]
async fn two_nodes_never_exceed_a_limit_and_follow_a_new_one() {
    let lab = Lab::new();
    let engines = [lab.engine(), lab.engine()];
    lab.store
        .set_aggregation(&key("a"), Some(limit(2)))
        .await
        .unwrap();
    let mut ids = Vec::new();
    for _ in 0..40 {
        ids.push(lab.submit(job_of("a", json!({ "sleep": 1000 }))).await);
    }
    sleep(Duration::from_millis(4500)).await;
    assert_eq!(lab.handler.most("a"), 2);
    lab.store
        .set_aggregation(&key("a"), Some(limit(6)))
        .await
        .unwrap();
    sleep(Duration::from_millis(10)).await;
    assert_eq!(lab.handler.most("a"), 6, "at once");
    let paused = AggregationSettings {
        paused: true,
        ..limit(6)
    };
    lab.store.set_aggregation(&key("a"), Some(paused)).await.unwrap();
    sleep(Duration::from_secs(10)).await;
    let started = lab.handler.started.load(Ordering::SeqCst);
    sleep(Duration::from_secs(600)).await;
    assert_eq!(
        lab.handler.started.load(Ordering::SeqCst),
        started,
        "it is paused"
    );
    lab.store
        .set_aggregation(&key("a"), Some(limit(6)))
        .await
        .unwrap();
    for id in &ids {
        assert_eq!(ended(&engines[0], id).await.charged, 1);
    }
    assert_eq!(
        (lab.handler.most("a"), lab.handler.started.load(Ordering::SeqCst)),
        (6, 40)
    );
    for engine in engines {
        engine.drain(NOTHING).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_long_queue_of_one_aggregation_delays_no_other() {
    let lab = Lab::new();
    let engine = lab.engine();
    let many: Vec<NewJob> = (0..10_000)
        .map(|_| job_of("x", json!({ "sleep": 1000 })))
        .collect();
    lab.store.submit(many).await.unwrap();
    sleep(Duration::from_millis(100)).await;
    let began = Instant::now();
    let id = lab.submit(job_of("y", json!({}))).await;
    ended(&engine, &id).await;
    assert!(
        began.elapsed() < Duration::from_millis(10),
        "{:?}",
        began.elapsed()
    );
    engine.drain(NOTHING).await;
}

#[tokio::test(start_paused = true)]
async fn a_run_that_is_cancelled_is_dropped_at_once() {
    let lab = Lab::new();
    let engine = lab.engine();
    let id = lab.submit(job_of("a", json!({ "sleep": 3_600_000 }))).await;
    sleep(Duration::from_secs(5)).await;
    let began = Instant::now();
    let failure = Failure::new("cancelled", "nobody wants it");
    lab.store.act(&id, Action::Cancel(failure.clone())).await.unwrap();
    let job = ended(&engine, &id).await;
    assert!(
        began.elapsed() < Duration::from_millis(10),
        "{:?}",
        began.elapsed()
    );
    assert!(
        matches!(&job.state, State::Cancelled { failure: why, .. } if *why == failure),
        "{job:?}"
    );
    assert_eq!(lab.handler.dropped.load(Ordering::SeqCst), 1);
    engine.drain(NOTHING).await;
}

#[tokio::test(start_paused = true)]
async fn a_run_that_takes_too_long_has_failed() {
    let lab = Lab::new();
    let engine = lab.engine();
    let timeout = Some(Duration::from_secs(3));
    let id = lab
        .submit(NewJob {
            timeout,
            ..job_of("a", json!({ "sleep": 10_000 }))
        })
        .await;
    let job = ended(&engine, &id).await;
    assert_eq!(job.charged, 3);
    let text = "the run took longer than 3s";
    assert!(
        matches!(&job.state, State::Dead { failure, .. } if &*failure.text == text),
        "{job:?}"
    );
    engine.drain(NOTHING).await;
}

#[tokio::test(start_paused = true)]
async fn leases_are_renewed_for_as_long_as_a_run_lasts() {
    let lab = Lab::new();
    let engines = [lab.engine(), lab.engine()];
    let id = lab.submit(job_of("a", json!({ "sleep": 600_000 }))).await;
    let job = ended(&engines[0], &id).await;
    assert_eq!((job.attempts.len(), job.lost), (1, 0));
    for engine in engines {
        engine.drain(NOTHING).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_job_whose_node_is_gone_runs_elsewhere_after_its_lease() {
    let lab = Lab::new();
    // A node that claims and is never heard of again.
    let claim = Claim {
        node: "gone".into(),
        kinds: vec!["test".parse().unwrap()],
        max: 1,
        lease: LEASE,
    };
    let id = lab.submit(job_of("a", json!({}))).await;
    assert_eq!(lab.store.claim(&claim).await.unwrap().jobs.len(), 1);
    let engine = lab.engine();
    let began = Instant::now();
    let job = ended(&engine, &id).await;
    assert!(
        began.elapsed() <= LEASE + Duration::from_secs(5),
        "{:?}",
        began.elapsed()
    );
    assert_eq!(
        job.attempts
            .iter()
            .map(|attempt| attempt.ended)
            .collect::<Vec<_>>(),
        [Ended::Lost, Ended::Ok]
    );
    assert_eq!(job.charged, 1, "the loss is free");
    engine.drain(NOTHING).await;
}

#[tokio::test(start_paused = true)]
async fn a_drain_charges_nobody_and_the_next_node_goes_on_at_once() {
    let lab = Lab::new();
    let first = lab.engine();
    let long = NewJob {
        max_attempts: 1.try_into().unwrap(),
        ..job_of("a", json!({ "sleep": 30_000 }))
    };
    let short = lab.submit(job_of("a", json!({ "sleep": 4_000 }))).await;
    let long = lab.submit(long).await;
    sleep(Duration::from_secs(1)).await;
    let report = first.drain(Duration::from_secs(5)).await;
    assert_eq!(
        report,
        DrainReport {
            finished: 1,
            interrupted: 1,
            abandoned: 0
        }
    );
    assert_eq!(lab.job(&short).await.state.name(), StateName::Ok);
    assert_eq!(lab.job(&long).await.state.name(), StateName::Ready);
    let began = Instant::now();
    let second = lab.engine();
    let job = ended(&second, &long).await;
    assert_eq!(began.elapsed(), Duration::from_secs(30), "it began at once");
    assert_eq!(job.charged, 1);
    second.drain(NOTHING).await;
}

#[tokio::test(start_paused = true)]
async fn a_closed_gate_keeps_jobs_waiting_and_fails_none() {
    let lab = Lab::new();
    let (disk, gate) = Gate::new();
    let kind = "test".parse().unwrap();
    let handler = Arc::clone(&lab.handler) as Arc<dyn Handler>;
    let engine = Engine::builder(Arc::new(lab.store.another()))
        .options(EngineOptions::default())
        .handler("test".parse().unwrap(), handler, KindOptions::default())
        .gate(&kind, gate)
        .start();
    disk.send_replace(Some(Failure::new("disk", "96 % of the bytes are used")));
    let id = lab.submit(job_of("a", json!({}))).await;
    sleep(Duration::from_secs(3600)).await;
    assert_eq!(lab.job(&id).await.state.name(), StateName::Ready);
    disk.send_replace(None);
    assert_eq!(ended(&engine, &id).await.charged, 1);
    engine.drain(NOTHING).await;
}

#[tokio::test(start_paused = true)]
async fn a_parent_goes_on_when_its_children_have_ended() {
    let lab = Lab::new();
    let engine = lab.engine();
    let id = lab.submit(job_of("a", json!({ "then": ["spawn", "ok"] }))).await;
    let job = ended(&engine, &id).await;
    assert_eq!(
        (job.children.open, job.children.ok, job.checkpoint),
        (0, 3, json!(1))
    );
    assert_eq!(job.result, Some(json!({ "runs": 2 })));
    engine.drain(NOTHING).await;
}

#[tokio::test(start_paused = true)]
async fn a_wait_ends_in_its_time_and_for_what_is_not_there_at_once() {
    let lab = Lab::new();
    let engine = lab.engine();
    let id = lab.submit(job_of("a", json!({ "sleep": 60_000 }))).await;
    let began = Instant::now();
    let (job, _) = engine.wait(&id, Duration::from_secs(30)).await.unwrap().unwrap();
    assert_eq!(
        (job.state.name(), began.elapsed().as_secs()),
        (StateName::Running, 30)
    );
    let nobody = "AAAAAAAAAAAAAA".parse().unwrap();
    assert_eq!(engine.wait(&nobody, Duration::from_secs(30)).await.unwrap(), None);
    engine.drain(NOTHING).await;
}

/// A store that is away when a test says so.
#[derive(Debug)]
struct Away<S> {
    inner: S,
    is_away: AtomicBool,
}

impl<S: Store> Away<S> {
    fn check(&self) -> Result<(), StoreError> {
        if self.is_away.load(Ordering::SeqCst) {
            Err(StoreError::away("no connection"))
        } else {
            Ok(())
        }
    }
}

#[async_trait]
impl<S: Store> Store for Away<S> {
    async fn submit(&self, jobs: Vec<NewJob>) -> Result<Vec<Submitted>, StoreError> {
        self.check()?;
        self.inner.submit(jobs).await
    }

    async fn claim(&self, claim: &Claim) -> Result<Claimed, StoreError> {
        self.check()?;
        self.inner.claim(claim).await
    }

    async fn renew(&self, renewals: &[Renewal], lease: Duration) -> Result<Vec<Renewed>, StoreError> {
        self.check()?;
        self.inner.renew(renewals, lease).await
    }

    async fn finish(
        &self,
        id: &JobId,
        lease: &Lease,
        outcome: Outcome,
        notes: Map<String, Value>,
    ) -> Result<Finished, StoreError> {
        self.check()?;
        self.inner.finish(id, lease, outcome, notes).await
    }

    async fn keep_house(&self) -> Result<Kept, StoreError> {
        self.check()?;
        self.inner.keep_house().await
    }

    async fn act(&self, id: &JobId, action: Action) -> Result<Acted, StoreError> {
        self.inner.act(id, action).await
    }

    async fn job(&self, id: &JobId) -> Result<Option<(Job, Option<Value>)>, StoreError> {
        self.inner.job(id).await
    }

    async fn jobs(&self, query: &JobQuery) -> Result<JobPage, StoreError> {
        self.inner.jobs(query).await
    }

    async fn counts(&self) -> Result<Counts, StoreError> {
        self.inner.counts().await
    }

    async fn aggregations(
        &self,
        after: Option<&AggregationKey>,
        limit: usize,
    ) -> Result<Vec<Aggregation>, StoreError> {
        self.inner.aggregations(after, limit).await
    }

    async fn aggregation(&self, key: &AggregationKey) -> Result<Option<Aggregation>, StoreError> {
        self.inner.aggregation(key).await
    }

    async fn set_aggregation(
        &self,
        key: &AggregationKey,
        settings: Option<AggregationSettings>,
    ) -> Result<(), StoreError> {
        self.inner.set_aggregation(key, settings).await
    }

    async fn events(&self, after: EventId, limit: usize) -> Result<Vec<Event>, StoreError> {
        self.inner.events(after, limit).await
    }

    async fn last_event(&self) -> Result<EventId, StoreError> {
        self.inner.last_event().await
    }

    fn signals(&self) -> Signals {
        self.inner.signals()
    }

    async fn close(&self) {
        self.inner.close().await;
    }
}

#[tokio::test(start_paused = true)]
async fn results_wait_for_a_store_that_is_away() {
    let lab = Lab::new();
    let store = Arc::new(Away {
        inner: lab.store.another(),
        is_away: AtomicBool::new(false),
    });
    let engine = lab.engine_on(store.clone());
    let id = lab.submit(job_of("a", json!({ "sleep": 10_000 }))).await;
    let next = lab
        .submit(NewJob {
            delay: Duration::from_secs(20),
            ..job_of("a", json!({}))
        })
        .await;
    sleep(Duration::from_secs(5)).await;
    store.is_away.store(true, Ordering::SeqCst);
    sleep(Duration::from_secs(30)).await;
    assert_eq!(
        lab.job(&id).await.state.name(),
        StateName::Running,
        "it ran on, and its result waits"
    );
    store.is_away.store(false, Ordering::SeqCst);
    let began = Instant::now();
    let job = ended(&engine, &id).await;
    assert_eq!((job.attempts.len(), job.charged), (1, 1), "it ran once");
    ended(&engine, &next).await;
    assert!(began.elapsed() < Duration::from_secs(6), "{:?}", began.elapsed());
    assert_eq!(lab.handler.started.load(Ordering::SeqCst), 2);
    engine.drain(NOTHING).await;
}

#[tokio::test(start_paused = true)]
async fn a_node_that_slept_through_its_lease_changes_nothing() {
    let lab = Lab::new();
    let store = Arc::new(Away {
        inner: lab.store.another(),
        is_away: AtomicBool::new(false),
    });
    let asleep = lab.engine_on(store.clone());
    let id = lab.submit(job_of("a", json!({ "sleep": 300_000 }))).await;
    sleep(Duration::from_secs(1)).await;
    store.is_away.store(true, Ordering::SeqCst);
    let awake = lab.engine();
    sleep(LEASE + Duration::from_secs(10)).await;
    assert_eq!(
        lab.handler.started.load(Ordering::SeqCst),
        2,
        "the other node has taken it"
    );
    store.is_away.store(false, Ordering::SeqCst);
    sleep(Duration::from_secs(20)).await;
    assert_eq!(
        lab.handler.dropped.load(Ordering::SeqCst),
        1,
        "the first run was dropped when the store said so"
    );
    let job = ended(&awake, &id).await;
    assert_eq!(
        job.attempts
            .iter()
            .map(|attempt| attempt.ended)
            .collect::<Vec<_>>(),
        [Ended::Lost, Ended::Ok]
    );
    asleep.drain(NOTHING).await;
    awake.drain(NOTHING).await;
}

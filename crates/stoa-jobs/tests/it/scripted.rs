//! A handler that does what a job says, and engines on a store in memory whose time a test moves.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use parking_lot::Mutex;
use serde_json::{Value, json};
use stoa_jobs::{
    AggregationKey, AggregationSettings, Engine, EngineOptions, Failure, Handler, Job, JobId, KindOptions,
    MemoryStore, NewJob, Outcome, Rules, Run, SeededRandom, Store, Timestamp, TokioClock,
};

pub(crate) const LEASE: Duration = Duration::from_secs(60);

/// Does what the payload says: waits for `sleep` milliseconds and comes to `then`, an outcome or a list of one for each run.
#[derive(Debug, Default)]
pub(crate) struct Scripted {
    running: Mutex<HashMap<String, usize>>,
    most: Mutex<HashMap<String, usize>>,
    pub(crate) started: AtomicUsize,
    /// How many runs were dropped before they came to an end.
    pub(crate) dropped: AtomicUsize,
}

/// Counts a run for as long as it lasts.
struct Counted<'a> {
    scripted: &'a Scripted,
    aggregation: String,
    is_done: bool,
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        *self
            .scripted
            .running
            .lock()
            .entry(self.aggregation.clone())
            .or_default() -= 1;
        self.scripted
            .dropped
            .fetch_add(usize::from(!self.is_done), Ordering::SeqCst);
    }
}

impl Scripted {
    /// The most runs of an aggregation at a time.
    pub(crate) fn most(&self, name: &str) -> usize {
        self.most.lock().get(name).copied().unwrap_or_default()
    }

    fn count(&self, name: &str) -> Counted<'_> {
        self.started.fetch_add(1, Ordering::SeqCst);
        let mut running = self.running.lock();
        let count = running.entry(name.to_owned()).or_default();
        *count += 1;
        let mut most = self.most.lock();
        let most = most.entry(name.to_owned()).or_default();
        *most = (*most).max(*count);
        Counted {
            scripted: self,
            aggregation: name.to_owned(),
            is_done: false,
        }
    }
}

#[async_trait]
impl Handler for Scripted {
    async fn run(&self, run: &Run) -> Outcome {
        let job = run.job();
        let mut counted = self.count(job.aggregation.name());
        run.note("run", job.attempts.len());
        let sleep = job.payload["sleep"].as_u64().unwrap_or_default();
        tokio::time::sleep(Duration::from_millis(sleep)).await;
        counted.is_done = true;
        let then = &job.payload["then"];
        let then = match then {
            Value::Array(each) => each.get(job.attempts.len()).unwrap_or(&Value::Null),
            one => one,
        };
        let failure = Failure::new("scripted", "the script says so");
        match then.as_str().unwrap_or("ok") {
            "retry" => Outcome::Retry { failure, after: None },
            "dead" => Outcome::Dead(failure),
            "snooze" => Outcome::Snooze {
                failure,
                wait: Duration::from_secs(30),
            },
            "panic" => panic!("the script says so"),
            "spawn" => {
                let child = |number: u64| job_of("children", json!({ "sleep": number }));
                Outcome::Spawn {
                    children: (0..3).map(child).collect(),
                    checkpoint: json!(1),
                }
            }
            _ => Outcome::Ok(json!({ "runs": job.attempts.len() + 1 })),
        }
    }
}

pub(crate) fn key(name: &str) -> AggregationKey {
    AggregationKey::new("test".parse().unwrap(), name).unwrap()
}

pub(crate) fn job_of(name: &str, payload: Value) -> NewJob {
    NewJob::new(key(name), payload)
}

pub(crate) fn limit(concurrency: u32) -> AggregationSettings {
    AggregationSettings {
        concurrency: concurrency.try_into().unwrap(),
        ..AggregationSettings::default()
    }
}

/// Jobs in memory, and how many engines one likes.
pub(crate) struct Lab {
    pub(crate) store: MemoryStore,
    pub(crate) handler: Arc<Scripted>,
}

impl Lab {
    pub(crate) fn new() -> Self {
        let clock = Arc::new(TokioClock::starting_at(Timestamp::from_millis(1_800_000_000_000)));
        let store = MemoryStore::new(Rules::default(), clock, Arc::new(SeededRandom::new(7)));
        Self {
            store,
            handler: Arc::default(),
        }
    }

    pub(crate) fn engine(&self) -> Engine {
        self.engine_on(Arc::new(self.store.another()))
    }

    pub(crate) fn engine_on(&self, store: Arc<dyn Store>) -> Engine {
        let options = EngineOptions {
            lease: LEASE,
            ..EngineOptions::default()
        };
        let handler = Arc::clone(&self.handler) as Arc<dyn Handler>;
        let kind = "test".parse().unwrap();
        Engine::builder(store)
            .options(options)
            .handler(kind, handler, KindOptions::default())
            .start()
    }

    pub(crate) async fn submit(&self, job: NewJob) -> JobId {
        self.store.submit(vec![job]).await.unwrap().remove(0).id().clone()
    }

    pub(crate) async fn job(&self, id: &JobId) -> Job {
        self.store.job(id).await.unwrap().expect("the job is there").0
    }
}

/// The job as it is when it has ended.
pub(crate) async fn ended(engine: &Engine, id: &JobId) -> Job {
    let (job, _) = engine
        .wait(id, Duration::from_secs(86_400))
        .await
        .unwrap()
        .expect("the job is there");
    assert!(job.state.name().has_ended(), "{job:?}");
    job
}

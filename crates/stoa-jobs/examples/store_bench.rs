//! Measures a store in a file, or in Redis: submits, claims and finishes tiny jobs, and says how many it does in a second.
//!
//! ```text
//! cargo run --release --example store_bench -- [--jobs 100000] [--tasks 64] [--batch 1] [--claim 64] [--claimers 2] [--queued 0] [FILE|redis://HOST:PORT]
//! ```

#![expect(clippy::print_stdout, reason = "it is for people")]

use std::{
    collections::HashMap,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use parking_lot::Mutex;
use serde_json::{Map, Value};
use stoa_jobs::{
    AggregationSettings, Claim, JobId, NewJob, Outcome, RedisOptions, RedisStore, SqliteOptions, SqliteStore,
    Store,
};
use tokio::{sync::Semaphore, task::JoinSet};

const AGGREGATIONS: usize = 4;

struct Options {
    jobs: usize,
    tasks: usize,
    batch: usize,
    claim: usize,
    claimers: usize,
    queued: usize,
    place: String,
}

impl Options {
    fn read() -> Self {
        let mut options = Self {
            jobs: 100_000,
            tasks: 64,
            batch: 1,
            claim: 64,
            claimers: 2,
            queued: 0,
            place: "/tmp/store_bench/jobs.db".into(),
        };
        let mut words = std::env::args().skip(1);
        while let Some(word) = words.next() {
            let mut number = || words.next().and_then(|text| text.parse().ok()).expect("a number");
            match word.as_str() {
                "--jobs" => options.jobs = number(),
                "--tasks" => options.tasks = number(),
                "--batch" => options.batch = number(),
                "--claim" => options.claim = number(),
                "--claimers" => options.claimers = number(),
                "--queued" => options.queued = number(),
                _ => options.place = word,
            }
        }
        options
    }
}

/// When each job was submitted, and how long it took until it was claimed.
#[derive(Default)]
struct Times {
    submitted: Mutex<HashMap<JobId, Instant>>,
    waits: Mutex<Vec<Duration>>,
    left: AtomicUsize,
    finished: AtomicUsize,
}

fn job(number: usize, kind: &str) -> NewJob {
    let key = format!("{kind}/host-{}.example", number % AGGREGATIONS)
        .parse()
        .expect("a key");
    let concurrency = 10_000.try_into().expect("not zero");
    let mut job = NewJob::new(key, Value::from(number));
    job.aggregation_settings = Some(AggregationSettings {
        concurrency,
        ..AggregationSettings::default()
    });
    job.title = format!("http://host.example/file/{number}");
    job
}

async fn submitter(store: Arc<dyn Store>, times: Arc<Times>, batch: usize) {
    loop {
        let left = times
            .left
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(batch));
        let Ok(left) = left else { return };
        let jobs = (0..batch).map(|number| job(left + number, "tiny")).collect();
        let before = Instant::now();
        let submitted = store.submit(jobs).await.expect("submits");
        let mut known = times.submitted.lock();
        known.extend(submitted.iter().map(|submitted| (submitted.id().clone(), before)));
    }
}

/// Claims as a node does: one claim at a time, and each job runs and ends by itself.
async fn node(store: Arc<dyn Store>, times: Arc<Times>, jobs: usize, max: usize) {
    let kinds = vec!["tiny".parse().expect("a kind")];
    let slots = Arc::new(Semaphore::new(2 * max));
    let mut signals = store.signals();
    let mut ends = JoinSet::new();
    while times.finished.load(Ordering::SeqCst) < jobs {
        signals.work.borrow_and_update();
        let free = slots.clone().acquire_owned().await.expect("open");
        let max = max.min(slots.available_permits() + 1);
        drop(free);
        let claim = Claim {
            node: "bench".into(),
            kinds: kinds.clone(),
            max,
            lease: Duration::from_secs(60),
        };
        let claimed = store.claim(&claim).await.expect("claims").jobs;
        if claimed.is_empty() && times.finished.load(Ordering::SeqCst) < jobs {
            signals.work.changed().await.expect("the store is there");
            continue;
        }
        let now = Instant::now();
        {
            // A job may be claimed before its submitter has been told; it has waited for nothing then.
            let mut known = times.submitted.lock();
            let waits = claimed
                .iter()
                .map(|(job, _)| known.remove(&job.id).map_or(Duration::ZERO, |at| now - at));
            times.waits.lock().extend(waits);
        }
        for (job, _) in claimed {
            let slot = slots.clone().acquire_owned().await.expect("open");
            let (store, times) = (store.clone(), times.clone());
            ends.spawn(async move {
                let lease = job.lease().expect("it runs");
                // Before the end: whom the last one wakes must see that it is the last.
                times.finished.fetch_add(1, Ordering::SeqCst);
                store
                    .finish(&job.id, lease, Outcome::Ok(Value::Null), Map::new())
                    .await
                    .expect("finishes");
                drop(slot);
            });
        }
        while ends.try_join_next().is_some() {}
    }
    ends.join_all().await;
}

fn memory() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = |name: &str| {
        status
            .lines()
            .find(|line| line.starts_with(name))
            .unwrap_or_default()
            .to_owned()
    };
    format!("{}, {}", line("VmRSS"), line("VmHWM")).replace('\t', " ")
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let options = Options::read();
    let store: Arc<dyn Store> = if options.place.starts_with("redis") {
        let address = options.place.parse().expect("an address");
        Arc::new(
            RedisStore::open(RedisOptions::new(address))
                .await
                .expect("a Redis of ours"),
        )
    } else {
        let file = Path::new(&options.place);
        Arc::new(SqliteStore::open(file, SqliteOptions::default()).expect("a file of ours"))
    };
    println!("start: {}", memory());
    if options.queued > 0 {
        let start = Instant::now();
        for part in 0..options.queued.div_ceil(1_000) {
            let jobs = (0..1_000)
                .map(|number| job(part * 1_000 + number, "queued"))
                .collect();
            store.submit(jobs).await.expect("submits");
        }
        println!(
            "{} jobs queued in {:.1?}; {}",
            options.queued,
            start.elapsed(),
            memory()
        );
    }
    let times = Arc::new(Times::default());
    times.left.store(options.jobs, Ordering::SeqCst);
    let start = Instant::now();
    let mut tasks = JoinSet::new();
    for _ in 0..options.tasks {
        tasks.spawn(submitter(store.clone(), times.clone(), options.batch));
    }
    for _ in 0..options.claimers {
        tasks.spawn(node(store.clone(), times.clone(), options.jobs, options.claim));
    }
    tasks.join_all().await;
    let time = start.elapsed();
    let mut waits = std::mem::take(&mut *times.waits.lock());
    waits.sort_unstable();
    let at = |part: usize| waits[(waits.len() - 1) * part / 100];
    #[expect(clippy::cast_precision_loss, reason = "it is for people")]
    let rate = options.jobs as f64 / time.as_secs_f64();
    println!(
        "{} jobs in {time:.1?}: {rate:.0} jobs/s; submitted to claimed p50 {:.1?}, p99 {:.1?}",
        options.jobs,
        at(50),
        at(99)
    );
    println!("end: {}; {:?}", memory(), store.counts().await.expect("counts"));
    store.close().await;
}

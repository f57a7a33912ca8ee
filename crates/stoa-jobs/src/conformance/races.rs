//! Many at once.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use parking_lot::Mutex;
use tokio::task::JoinSet;

use super::adapter::Adapter;
use super::examples::{LONG, Scene, at_most, claim, claim_with, done, end, job, limit, submit_all};
use crate::{AggregationKey, JobId, NewJob, StateName, Store};

const LIMIT: u32 = 3;
const JOBS: usize = 400;

pub(super) async fn run(adapter: &dyn Adapter) {
    eight_tasks_on_two_nodes_respect_the_limits(adapter).await;
    what_comes_in_meanwhile_runs_once(adapter).await;
}

/// What runs at the moment, and how often each job ran.
#[derive(Default)]
struct Watch {
    running: Mutex<HashMap<AggregationKey, u32>>,
    runs: Mutex<HashMap<JobId, usize>>,
    ended: AtomicUsize,
}

async fn worker(store: Arc<dyn Store>, watch: Arc<Watch>, jobs: usize, max: usize) {
    let mut signals = store.signals();
    while watch.ended.load(Ordering::SeqCst) < jobs {
        signals.work.borrow_and_update();
        let claimed = claim(&*store, max).await;
        for job in &claimed {
            let mut running = watch.running.lock();
            let count = running.entry(job.aggregation.clone()).or_default();
            *count += 1;
            assert!(*count <= LIMIT, "{count} of {} run", job.aggregation);
            *watch.runs.lock().entry(job.id.clone()).or_default() += 1;
        }
        for job in &claimed {
            tokio::task::yield_now().await;
            // Before the end is stored, for the slot is free then.
            *watch.running.lock().entry(job.aggregation.clone()).or_default() -= 1;
            // Before the signal of the end, or others would look too early and wait for one more.
            watch.ended.fetch_add(1, Ordering::SeqCst);
            end(&*store, job, done()).await;
        }
        if claimed.is_empty() && watch.ended.load(Ordering::SeqCst) < jobs {
            // Each end of a job signals, the last one included.
            signals.work.changed().await.expect("the store is there");
        }
    }
}

async fn eight_tasks_on_two_nodes_respect_the_limits(adapter: &dyn Adapter) {
    let scene = Scene::new(adapter).await;
    let names = ["x", "y"];
    for name in names {
        limit(&*scene.a, name, LIMIT).await;
    }
    submit_all(
        &*scene.a,
        (0..JOBS).map(|number| job(names[number % 2])).collect(),
    )
    .await;
    let watch = Arc::new(Watch::default());
    let mut tasks = JoinSet::new();
    for number in 0..8 {
        let store = Arc::clone(if number % 2 == 0 { &scene.a } else { &scene.b });
        tasks.spawn(worker(store, watch.clone(), JOBS, 1 + number / 4));
    }
    tasks.join_all().await;
    let runs = watch.runs.lock().clone();
    assert_eq!(
        (runs.len(), runs.values().max()),
        (JOBS, Some(&1)),
        "each job runs once"
    );
    let counts = scene.a.counts().await.expect("counts");
    assert_eq!(counts[&StateName::Ok], JOBS as u64);
    scene.close().await;
}

async fn what_comes_in_meanwhile_runs_once(adapter: &dyn Adapter) {
    let scene = Scene::new(adapter).await;
    let watch = Arc::new(Watch::default());
    let mut tasks = JoinSet::new();
    for number in 0..4 {
        let store = Arc::clone(if number % 2 == 0 { &scene.a } else { &scene.b });
        tasks.spawn(worker(store.clone(), watch.clone(), 200, 2));
        tasks.spawn(async move {
            for part in 0..10 {
                let names = (0..5).map(|name| format!("{part}-{name}"));
                let settings = Some(at_most(LIMIT));
                let jobs = names.map(|name| NewJob {
                    aggregation_settings: settings.clone(),
                    ..job(&name)
                });
                store.submit(jobs.collect()).await.expect("submits");
            }
        });
    }
    tasks.join_all().await;
    let runs = watch.runs.lock().clone();
    assert_eq!((runs.len(), runs.values().max()), (200, Some(&1)));
    let left = claim_with(&*scene.a, &["url"], 10, LONG).await;
    assert_eq!((left.jobs.len(), left.next), (0, None));
    let aggregations = scene.b.aggregations(None, 1_000).await.expect("lists");
    assert_eq!(aggregations, [], "nothing is left of them");
    scene.close().await;
}

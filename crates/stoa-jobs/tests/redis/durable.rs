//! What Redis has confirmed is kept, whatever becomes of it.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use parking_lot::Mutex;
use stoa_jobs::{Ended, Finished, JobId, RedisStore, Rules, StateName, Store, StoreError};
use tokio::{task::JoinSet, time::Instant};

use crate::{
    jobs::{claim, finish, job, look, same},
    server::Server,
};

/// How long leases are: runs whose claims were lost begin again after it.
const LEASE: Duration = Duration::from_secs(2);
const KILLS: usize = 4;
const PATIENCE: Duration = Duration::from_secs(120);

/// What the tasks were told.
#[derive(Default)]
struct Told {
    accepted: Mutex<Vec<JobId>>,
    stored: Mutex<HashMap<JobId, usize>>,
    is_over: AtomicBool,
}

/// Submits jobs until it is told to stop, and notes which were accepted.
async fn submitter(store: Arc<RedisStore>, told: Arc<Told>, number: usize) {
    let mut count = 0;
    while !told.is_over.load(Ordering::SeqCst) {
        count += 1;
        let batch = vec![
            job(&format!("x{}", count % 3)),
            same("y", &format!("{number}-{count}")),
        ];
        match store.submit(batch).await {
            Ok(submitted) => told
                .accepted
                .lock()
                .extend(submitted.iter().map(|submitted| submitted.id().clone())),
            Err(error) => away(&error).await,
        }
    }
}

/// Runs jobs until all have ended and nobody submits any more.
async fn worker(store: Arc<RedisStore>, told: Arc<Told>) {
    let end = Instant::now() + PATIENCE;
    while Instant::now() < end {
        if let Err(error) = store.keep_house().await {
            away(&error).await;
        }
        let jobs = match claim(&*store, 5, LEASE).await {
            Ok(jobs) => jobs,
            Err(error) => {
                away(&error).await;
                continue;
            }
        };
        if jobs.is_empty() && told.is_over.load(Ordering::SeqCst) && is_done(&store).await {
            return;
        }
        for job in jobs {
            loop {
                match finish(&*store, &job).await {
                    Ok(Finished::Stored) => {
                        *told.stored.lock().entry(job.id.clone()).or_default() += 1;
                        break;
                    }
                    Ok(Finished::Stale) => break,
                    Err(error) => away(&error).await,
                }
            }
        }
    }
    panic!("the jobs do not end");
}

async fn is_done(store: &RedisStore) -> bool {
    let Ok(counts) = store.counts().await else {
        return false;
    };
    counts
        .iter()
        .all(|(state, count)| state.has_ended() || *count == 0)
}

/// A Redis that is down is away, and nothing else.
async fn away(error: &StoreError) {
    assert!(matches!(error, StoreError::Away(_)), "{error:?}");
    tokio::time::sleep(Duration::from_millis(20)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nothing_is_lost_or_done_twice_when_redis_is_killed() {
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    let server = Server::start();
    let told = Arc::new(Told::default());
    let stores = [
        Arc::new(server.open(Rules::default(), "p").await),
        Arc::new(server.open(Rules::default(), "p").await),
    ];
    let mut tasks = JoinSet::new();
    for number in 0..4 {
        let store = &stores[number % 2];
        tasks.spawn(submitter(store.clone(), told.clone(), number));
        tasks.spawn(worker(store.clone(), told.clone()));
    }
    for _ in 0..KILLS {
        tokio::time::sleep(Duration::from_millis(random.u64(300..1_500))).await;
        server.kill();
        tokio::time::sleep(Duration::from_millis(random.u64(10..300))).await;
        server.restart();
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    told.is_over.store(true, Ordering::SeqCst);
    tasks.join_all().await;
    let accepted = told.accepted.lock().clone();
    let stored = told.stored.lock().clone();
    println!("{} accepted, {} ended", accepted.len(), stored.len());
    assert!(accepted.len() > 50, "there was something to lose");
    for id in &accepted {
        let job = look(&*stores[0], id).await;
        assert_eq!(job.state.name(), StateName::Ok, "{job:?}");
        let done = job
            .attempts
            .iter()
            .filter(|attempt| attempt.ended == Ended::Ok)
            .count();
        assert_eq!(done, 1, "{id} is done once");
    }
    assert_eq!(stored.values().filter(|times| **times > 1).count(), 0);
    let counts = stores[1].counts().await.expect("counts");
    assert!(counts[&StateName::Ok] >= accepted.len() as u64);
    for store in &stores {
        assert_eq!(
            store.aggregations(None, 10).await.expect("lists"),
            [],
            "nothing is left over"
        );
        store.close().await;
    }
}

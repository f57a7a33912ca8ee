//! A Redis that does not answer, or has no room.

use std::time::Duration;

use serde_json::Value;
use stoa_jobs::{Finished, JobQuery, NewJob, RedisOptions, RedisStore, Rules, StateName, Store, StoreError};
use tokio::time::{Instant, timeout};

use crate::{
    jobs::{LONG, claim, finish, job, key, look},
    server::Server,
};

const PATIENCE: Duration = Duration::from_secs(30);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_that_hangs_is_away_until_it_goes_on() {
    let server = Server::with(&["--appendonly", "yes", "--enable-debug-command", "yes"]);
    let options = RedisOptions {
        timeout: Duration::from_millis(500),
        ..server.options()
    };
    let store = RedisStore::open(options).await.expect("opens");
    let id = store.submit(vec![job("x")]).await.expect("submits")[0]
        .id()
        .clone();
    let running = claim(&store, 1, LONG).await.expect("claims").remove(0);
    let mut sleep = redis::cmd("DEBUG");
    sleep.arg("SLEEP").arg(3);
    let began = Instant::now();
    let (slept, error) = tokio::join!(server.ask::<String>(&sleep), async {
        // What hangs is noticed by the first answer that does not come.
        loop {
            if let Err(error) = finish(&store, &running).await {
                return error;
            }
            tokio::task::yield_now().await;
            assert!(began.elapsed() < PATIENCE, "it never hangs");
        }
    });
    assert_eq!(slept, "OK");
    // The end may have been stored before it hung, and then the answer is that it is so or was so.
    assert!(matches!(error, StoreError::Away(_)), "{error:?}");
    let finished = timeout(PATIENCE, async {
        loop {
            match finish(&store, &running).await {
                Ok(finished) => return finished,
                Err(error) => assert!(matches!(error, StoreError::Away(_)), "{error:?}"),
            }
        }
    });
    finished.await.expect("it goes on");
    assert_eq!(look(&store, &id).await.state.name(), StateName::Ok);
    store.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_connection_wakes_all_who_wait() {
    let server = Server::start();
    let store = server.open(Rules::default(), "p").await;
    let mut signals = store.signals();
    let id = store.submit(vec![job("x")]).await.expect("submits")[0]
        .id()
        .clone();
    timeout(PATIENCE, signals.work.changed())
        .await
        .expect("in time")
        .expect("open");
    let mut signals = store.signals();
    server.restart();
    for signal in [&mut signals.work, &mut signals.control, &mut signals.events] {
        timeout(PATIENCE, signal.changed())
            .await
            .expect("in time")
            .expect("open");
    }
    assert_eq!(look(&store, &id).await.state.name(), StateName::Ready);
    let other = server.open(Rules::default(), "p").await;
    let mut signals = store.signals();
    signals.work.borrow_and_update();
    other.submit(vec![job("x")]).await.expect("submits");
    timeout(PATIENCE, signals.work.changed())
        .await
        .expect("in time")
        .expect("open");
    store.close().await;
    other.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_redis_takes_no_jobs_and_lets_those_it_has_end() {
    let server = Server::with(&["--appendonly", "yes", "--maxmemory", "5mb"]);
    let store = server
        .open(
            Rules {
                keep_ok: Duration::ZERO,
                ..Rules::default()
            },
            "p",
        )
        .await;
    let large = || NewJob {
        payload: Value::from("x".repeat(4_000)),
        ..job("x")
    };
    let mut accepted = 0;
    let error = loop {
        match store.submit(vec![large(); 10]).await {
            Ok(submitted) => accepted += submitted.len(),
            Err(error) => break error,
        }
        assert!(accepted < 10_000, "it is never full");
    };
    assert!(matches!(error, StoreError::Full(_)), "{error:?}");
    let has = async |expected: usize| {
        let found = store
            .jobs(&JobQuery::latest(20_000))
            .await
            .expect("finds")
            .jobs
            .len();
        let counted: u64 = store.counts().await.expect("counts").values().sum();
        assert_eq!((found, counted), (expected, expected as u64));
    };
    has(accepted).await;
    let shown = store
        .aggregation(&key("x"))
        .await
        .expect("looks")
        .expect("it has jobs");
    assert_eq!(shown.ready, accepted as u64, "nothing of the last batch is there");
    // Those that are there can run and end, which makes room at last.
    loop {
        let running = claim(&store, 200, LONG).await.expect("claims, though it is full");
        assert!(!running.is_empty(), "there is room when there are no jobs");
        for job in &running {
            assert_eq!(finish(&store, job).await.expect("ends"), Finished::Stored);
        }
        let kept = store.keep_house().await.expect("keeps house");
        assert_eq!(kept.removed, running.len() as u64);
        accepted -= running.len();
        has(accepted).await;
        match store.submit(vec![large()]).await {
            Ok(_) => break,
            Err(error) => assert!(matches!(error, StoreError::Full(_)), "{error:?}"),
        }
    }
    has(accepted + 1).await;
    store.close().await;
}

//! Several processes with one file.

use std::time::Duration;

use stoa_jobs::{AggregationSettings, Rules, SqliteOptions, SqliteStore, StateName, Store as _};
use tokio::time::timeout;

use crate::support::{File, again, claim, end, job, place, say};

/// Not a test by itself: another node.
#[tokio::test]
#[ignore = "run by another test, in a process of its own"]
async fn node_that_claims_when_it_is_woken() {
    let store = SqliteStore::open(&place(), SqliteOptions::default()).unwrap();
    let mut signals = store.signals();
    signals.work.borrow_and_update();
    say("\nlistening");
    loop {
        // The slow look at the file comes after ten seconds; this is before.
        timeout(Duration::from_secs(8), signals.work.changed())
            .await
            .expect("woken")
            .unwrap();
        let jobs = claim(&store, 10).await;
        for job in &jobs {
            say(&format!("claimed {}", job.id));
        }
        if jobs.iter().any(|job| job.title == "last") {
            break;
        }
    }
    store.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn processes_wake_one_another_and_share_limits() {
    let file = File::new(Rules::default());
    let store = SqliteStore::open(&file.path(), SqliteOptions::default()).unwrap();
    let three = AggregationSettings {
        concurrency: 3.try_into().unwrap(),
        ..AggregationSettings::default()
    };
    store
        .set_aggregation(&job("x").aggregation, Some(three))
        .await
        .unwrap();
    store.submit(vec![job("x"); 2]).await.unwrap();
    let mine = claim(&store, 1).await;
    assert_eq!(mine.len(), 1);

    let (mut child, mut lines) = again("processes::node_that_claims_when_it_is_woken", &file.path());
    assert!(
        lines.any(|line| line.unwrap().ends_with("listening")),
        "the other node is there"
    );
    let mut events = store.signals().events;
    events.borrow_and_update();
    store.submit(vec![job("x"); 5]).await.unwrap();
    for _ in 0..2 {
        assert!(
            lines.next().unwrap().unwrap().starts_with("claimed "),
            "two more of three"
        );
    }
    assert_eq!(claim(&store, 10).await.len(), 0, "three run on both");
    assert_eq!(store.counts().await.unwrap()[&StateName::Running], 3);
    timeout(Duration::from_secs(8), events.changed())
        .await
        .expect("its events wake us")
        .unwrap();

    end(&store, &mine[0]).await.unwrap();
    assert!(
        lines.next().unwrap().unwrap().starts_with("claimed "),
        "a free slot wakes it"
    );
    let mut last = job("y");
    last.title = "last".into();
    store.submit(vec![last]).await.unwrap();
    assert!(child.wait().unwrap().success());
    store.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_open_a_new_file_at_once() {
    for _ in 0..5 {
        let file = File::new(Rules::default());
        let stores: Vec<_> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(|| file.store())).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        for store in &stores {
            store.submit(vec![job("x")]).await.unwrap();
        }
        assert_eq!(stores[0].counts().await.unwrap()[&StateName::Ready], 8);
        for store in stores {
            store.close().await;
        }
    }
}

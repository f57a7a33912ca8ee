//! What was reported is there, whenever the process dies.

use std::{
    collections::HashSet,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use stoa_jobs::{AggregationSettings, JobId, Rules, SqliteOptions, SqliteStore, StateName, Store as _};
use tokio::task::JoinSet;

use crate::support::{File, again, claim, end, job, place, say};

const ROUNDS: usize = 6;

/// Not a test by itself: the process that [`what_was_reported_survives_a_kill`] starts and kills.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "run by another test, in a process of its own"]
async fn worker_that_never_ends() {
    let store = Arc::new(SqliteStore::open(&place(), SqliteOptions::default()).unwrap());
    // What a killed process ran stays claimed until its lease ends, and must not use up the limit.
    let many = AggregationSettings {
        concurrency: 10_000.try_into().unwrap(),
        ..AggregationSettings::default()
    };
    for name in ["x", "y"] {
        store
            .set_aggregation(&job(name).aggregation, Some(many.clone()))
            .await
            .unwrap();
    }
    let mut tasks = JoinSet::new();
    for _ in 0..4 {
        let store = store.clone();
        tasks.spawn(async move {
            loop {
                let submitted = store.submit(vec![job("x"), job("y")]).await.unwrap();
                for submitted in submitted {
                    say(&format!("accepted {}", submitted.id()));
                }
                for job in claim(&store, 2).await {
                    end(&store, &job).await.unwrap();
                    say(&format!("finished {}", job.id));
                }
            }
        });
    }
    while tasks.join_next().await.is_some() {}
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_reported_survives_a_kill() {
    let seed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    println!("seed {seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    let file = File::new(Rules::default());
    let (mut accepted, mut finished) = (HashSet::new(), HashSet::new());
    for _ in 0..ROUNDS {
        let (mut child, lines) = again("crash::worker_that_never_ends", &file.path());
        let mut left = random.usize(10..300);
        for line in lines {
            // The first line of a test's output begins with the name of the test.
            let Ok(line) = line else { break };
            let mut words = line.rsplit(' ');
            let (Some(word), Some(what)) = (words.next(), words.next()) else {
                continue;
            };
            let Ok(id) = word.parse::<JobId>() else { continue };
            match what {
                "accepted" => accepted.insert(id),
                "finished" => finished.insert(id),
                _ => continue,
            };
            left = left.saturating_sub(1);
            if left == 0 {
                // Some time within the next commits, and then all is read that it still said.
                std::thread::sleep(Duration::from_micros(random.u64(0..5_000)));
                child.kill().unwrap();
            }
        }
        child.wait().unwrap();
    }
    assert!(
        accepted.len() > 20 && finished.len() > 5,
        "{} and {}",
        accepted.len(),
        finished.len()
    );
    let store = SqliteStore::open(&file.path(), SqliteOptions::default()).unwrap();
    for id in &accepted {
        let found = store.job(id).await.unwrap();
        let (job, _) = found.unwrap_or_else(|| panic!("{id} was accepted and is gone"));
        if finished.contains(id) {
            assert_eq!(job.state.name(), StateName::Ok, "{id} was finished");
        }
    }
    let counts = store.counts().await.unwrap();
    assert!(counts.values().sum::<u64>() >= accepted.len() as u64);
    let connection = file.connection();
    let check: String = connection
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .unwrap();
    assert_eq!(check, "ok");
    for (state, count) in counts {
        let text = format!(
            "SELECT count(*) FROM job JOIN body USING (number) WHERE json ->> '$.id' = id AND state = {}",
            state as u8
        );
        let stored: u64 = connection.query_row(&text, [], |row| row.get(0)).unwrap();
        assert_eq!(stored, count, "{state}");
    }
    store.close().await;
}

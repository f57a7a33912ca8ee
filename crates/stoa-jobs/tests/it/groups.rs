//! Calls that become durable together.

use std::sync::Arc;

use stoa_jobs::{Callbacks, Finished, Job, NewJob, Rules, StateName, Store as _, StoreError};
use tokio::task::JoinSet;

use crate::support::{File, claim, end, job};

/// Fails for one job.
#[derive(Debug)]
struct Clumsy;

impl Callbacks for Clumsy {
    fn of(&self, job: &Job) -> Vec<NewJob> {
        assert_ne!(job.title, "bad", "on purpose");
        Vec::new()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_that_fails_leaves_its_neighbours_alone() {
    let file = File::new(Rules {
        callbacks: Arc::new(Clumsy),
        ..Rules::default()
    });
    let store = Arc::new(file.store());
    let mut bad = job("bad");
    bad.title = "bad".into();
    store
        .submit(
            (0..40)
                .map(|number| job(&number.to_string()))
                .chain([bad])
                .collect(),
        )
        .await
        .unwrap();
    let mut tasks = JoinSet::new();
    for job in claim(&store, 100).await {
        let store = store.clone();
        tasks.spawn(async move { (job.title.clone(), end(&store, &job).await) });
    }
    for (title, ended) in tasks.join_all().await {
        if title == "bad" {
            assert!(matches!(ended, Err(StoreError::Away(_))), "{ended:?}");
        } else {
            assert_eq!(ended.unwrap(), Finished::Stored);
        }
    }
    let counts = store.counts().await.unwrap();
    assert_eq!(
        (counts[&StateName::Ok], counts[&StateName::Running]),
        (40, 1),
        "what failed changed nothing"
    );
    store.close().await;
}

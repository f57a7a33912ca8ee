//! The clock of a file.

use std::{sync::atomic::Ordering, time::Duration};

use stoa_jobs::{Rules, Store as _, Timestamp};

use crate::support::{File, START, job};

async fn now(file: &File) -> Timestamp {
    let store = file.store();
    let submitted = store.submit(vec![job("x")]).await.unwrap();
    let (job, _) = store.job(submitted[0].id()).await.unwrap().unwrap();
    store.close().await;
    job.submitted
}

#[tokio::test]
async fn a_clock_that_is_set_changes_nothing() {
    let file = File::new(Rules::default());
    assert_eq!(now(&file).await, START);
    for step in [7_200_000, 0] {
        file.machine
            .wall
            .store(START.as_millis() - 3_600_000 + step, Ordering::SeqCst);
        let before = now(&file).await;
        file.machine.since_boot.fetch_add(1_000, Ordering::SeqCst);
        assert_eq!(
            now(&file).await,
            before.plus(Duration::from_secs(1)),
            "only what has passed counts"
        );
    }
    assert_eq!(now(&file).await, START.plus(Duration::from_secs(2)));
}

#[tokio::test]
async fn time_never_goes_back_over_a_restart_of_the_machine() {
    let file = File::new(Rules::default());
    file.machine.pass(Duration::from_secs(100));
    let last = now(&file).await;
    file.machine.since_boot.store(1_000, Ordering::SeqCst);
    file.machine.wall.store(1_000_000, Ordering::SeqCst);
    *file.machine.boot.lock() = "second".into();
    assert_eq!(now(&file).await, last, "the machine believes that it is 1970");
    file.machine.since_boot.store(2_000, Ordering::SeqCst);
    assert_eq!(now(&file).await, last.plus(Duration::from_secs(1)));
    file.machine
        .wall
        .store(last.as_millis() + 60_000, Ordering::SeqCst);
    file.machine.since_boot.store(500, Ordering::SeqCst);
    *file.machine.boot.lock() = "third".into();
    assert_eq!(
        now(&file).await,
        last.plus(Duration::from_secs(60)),
        "what passed while it was off counts"
    );
}

//! How fast it is. Not a test: `cargo test --release -p stoa-jobs --features redis --test redis speed -- --ignored --nocapture`.

use std::{sync::Arc, time::Duration};

use stoa_jobs::{Rules, Store as _};
use tokio::{task::JoinSet, time::Instant};

use crate::{
    jobs::{LONG, claim, finish, job},
    server::Server,
};

const JOBS: usize = 20_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "it measures"]
async fn jobs_per_second() {
    for fsync in ["everysec", "always"] {
        let server = Server::with(&["--appendonly", "yes", "--appendfsync", fsync]);
        let store = Arc::new(server.open(Rules::default(), "p").await);
        for batch in [1, 100] {
            let began = Instant::now();
            let mut tasks = JoinSet::new();
            for number in 0..8 {
                let store = store.clone();
                tasks.spawn(async move {
                    let name = format!("x{}", number % 4);
                    for _ in 0..JOBS / 8 / batch {
                        store.submit(vec![job(&name); batch]).await.expect("submits");
                    }
                });
            }
            tasks.join_all().await;
            report(fsync, &format!("submitted by {batch}"), began.elapsed());
            let began = Instant::now();
            let mut tasks = JoinSet::new();
            for _ in 0..8 {
                let store = store.clone();
                tasks.spawn(async move {
                    loop {
                        let jobs = claim(&*store, 16, LONG).await.expect("claims");
                        if jobs.is_empty() {
                            return;
                        }
                        for job in &jobs {
                            finish(&*store, job).await.expect("finishes");
                        }
                    }
                });
            }
            tasks.join_all().await;
            report(fsync, "claimed and finished", began.elapsed());
        }
        let memory: String = server.ask(redis::cmd("INFO").arg("memory")).await;
        println!("{}", memory.lines().nth(2).unwrap_or_default());
        store.close().await;
    }
}

#[expect(
    clippy::cast_precision_loss,
    clippy::print_stdout,
    reason = "it is shown in whole numbers"
)]
fn report(fsync: &str, what: &str, time: Duration) {
    println!(
        "appendfsync {fsync}: {JOBS} jobs {what} in {time:?}: {:.0}/s",
        JOBS as f64 / time.as_secs_f64()
    );
}

//! A server that hangs keeps no request of another server waiting.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use stoa_dispatch::{Discard, HttpOptions, HttpTransports, LaneSettings, Offer, Pool, RetrySettings};
use stoa_testing::{reply::Reply, upstream::Upstream};
use tokio::task::JoinSet;

use crate::lab::{alone, fetch, fixed, get, lane_of, percentile};

const REQUESTS: u32 = 700;

/// A thousand requests a second: the 99th percentile of their times. All of them must be answered.
async fn p99(pool: &Pool, url: &str) -> Duration {
    let mut ticks = tokio::time::interval(Duration::from_millis(1));
    let mut calls = JoinSet::new();
    for _ in 0..REQUESTS {
        ticks.tick().await;
        let (pool, url) = (pool.clone(), url.to_owned());
        calls.spawn(async move {
            let began = Instant::now();
            assert_eq!(fetch(&pool, &url).await.expect("answer"), (200, 2));
            began.elapsed()
        });
    }
    percentile(&mut calls.join_all().await, 99)
}

fn start() -> Pool {
    let settings = LaneSettings {
        concurrency: fixed(64),
        retry: RetrySettings {
            max: 0,
            ..RetrySettings::default()
        },
        ..LaneSettings::default()
    };
    Pool::builder(Arc::new(HttpTransports::new(HttpOptions::default())))
        .settings(settings)
        .start()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hanging_server_with_a_full_queue_does_not_slow_another_down() {
    let _alone = alone().await;
    let (hanging, healthy) = (Upstream::start().await, Upstream::start().await);
    hanging.on("/", Reply::Hang);
    healthy.on("/", Reply::ok("ok"));
    let (a, b) = (hanging.url() + "/", healthy.url() + "/");
    let mut rounds = Vec::new();
    // As many as it takes for one that the machine has not disturbed.
    for _ in 0..8 {
        let (without, with) = (start(), start());
        while let Offer::Taken = with.offer(get(&a), Discard) {}
        let full = with.lane(&lane_of(&a)).expect("lane");
        assert_eq!((full.running, full.waiting), (64, 256));
        fetch(&without, &b).await.expect("answer");
        fetch(&with, &b).await.expect("answer");
        let (alone, beside) = (p99(&without, &b).await, p99(&with, &b).await);
        rounds.push((alone, beside));
        let counts = with.lane(&lane_of(&b)).expect("lane").counts;
        assert_eq!((counts.rejected, counts.succeeded), (0, u64::from(REQUESTS) + 1));
        if beside.as_secs_f64() <= alone.as_secs_f64() * 1.10 {
            println!("p99 alone and beside a hanging server: {rounds:?}");
            return;
        }
        with.abort().await.expect("first close");
    }
    panic!("slower by more than a tenth in every round: {rounds:?}");
}

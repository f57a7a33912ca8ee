//! Servers that fail, go and come back.

use std::time::Duration;

use stoa_dispatch::{BreakerSettings, BreakerState, DispatchError, LaneSettings, Pool};
use stoa_testing::{reply::Reply, upstream::Upstream};

use crate::lab::{fetch, kind, lane_of, once, pool, shared};

fn settings() -> LaneSettings {
    LaneSettings {
        breaker: BreakerSettings {
            consecutive: 4,
            open: Duration::from_millis(40),
            open_max: Duration::from_millis(80),
            ..BreakerSettings::default()
        },
        ..once()
    }
}

fn breaker(pool: &Pool, url: &str) -> BreakerState {
    pool.lane(&lane_of(url)).expect("lane").breaker
}

#[tokio::test]
async fn a_failing_server_sees_as_many_requests_as_it_takes_and_then_one_probe_at_a_time() {
    let _shared = shared().await;
    let upstream = Upstream::start().await;
    upstream.on("/", Reply::text(500, "no\n"));
    let url = upstream.url() + "/";
    let mut settings = settings();
    settings.breaker.open = Duration::from_secs(60);
    settings.breaker.open_max = Duration::from_secs(60);
    let pool = pool(settings);
    let mut refused = 0;
    for _ in 0..10 {
        match fetch(&pool, &url).await {
            Ok(answer) => assert_eq!(answer.0, 500),
            Err(DispatchError::BreakerOpen { cause, .. }) => {
                assert_eq!(cause.as_deref(), Some("500 Internal Server Error"));
                refused += 1;
            }
            Err(error) => panic!("{error}"),
        }
    }
    assert_eq!((upstream.total(), refused), (4, 6));
}

/// Asks until the breaker has refused `refusals` times, waiting each time for as long as it says.
async fn outlast(pool: &Pool, url: &str, refusals: usize) {
    let mut seen = 0;
    while seen < refusals {
        match fetch(pool, url).await.expect_err("nobody is there") {
            DispatchError::BreakerOpen { retry_after, .. } => {
                seen += 1;
                tokio::time::sleep(retry_after.expect("a time")).await;
            }
            error => _ = kind(&error),
        }
    }
}

#[tokio::test]
async fn the_first_good_probe_after_an_outage_closes_the_breaker_every_time() {
    let _shared = shared().await;
    let upstream = Upstream::start().await;
    upstream.on("/", Reply::ok("ok"));
    let url = upstream.url() + "/";
    let pool = pool(settings());
    let (mut attempts, mut recovered) = (0, 0);
    for _ in 0..10 {
        assert_eq!(fetch(&pool, &url).await.expect("answer"), (200, 2));
        upstream.kill();
        outlast(&pool, &url, 3).await;
        let now = pool.lane(&lane_of(&url)).expect("lane").counts.attempts;
        // The good one, four that open it, and a probe for each refusal at most.
        assert!(now - attempts <= 1 + 4 + 3, "{now} after {attempts}");
        upstream.restart_same_port();
        let answer = loop {
            match fetch(&pool, &url).await {
                Err(DispatchError::BreakerOpen { retry_after, .. }) => {
                    tokio::time::sleep(retry_after.expect("a time")).await;
                }
                other => break other,
            }
        };
        assert_eq!(answer.expect("the probe goes well"), (200, 2));
        recovered += u32::from(breaker(&pool, &url) == BreakerState::Closed);
        for _ in 0..5 {
            assert_eq!(fetch(&pool, &url).await.expect("closed"), (200, 2));
        }
        attempts = pool.lane(&lane_of(&url)).expect("lane").counts.attempts;
    }
    assert_eq!(recovered, 10);
}

#[tokio::test]
async fn a_short_outage_is_bridged_by_retries() {
    let _shared = shared().await;
    let upstream = Upstream::start().await;
    upstream
        .script("/", [Reply::Reset, Reply::text(503, "no\n")])
        .on("/", Reply::ok("ok"));
    let url = upstream.url() + "/";
    let mut settings = settings();
    settings.retry.max = 2;
    settings.retry.backoff = Duration::from_millis(10);
    let pool = pool(settings);
    assert_eq!(fetch(&pool, &url).await.expect("answer"), (200, 2));
    let counts = pool.lane(&lane_of(&url)).expect("lane").counts;
    assert_eq!((counts.attempts, counts.retries, counts.succeeded), (3, 2, 1));
    assert_eq!(upstream.total(), 3);
}

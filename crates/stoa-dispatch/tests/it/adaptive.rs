//! A lane whose concurrency is found out.

use stoa_dispatch::{Discard, LaneSettings, RetrySettings};
use tokio::time::sleep;

use crate::{
    lab::{Lab, bounds, get, ms, secs},
    origin::{Answer, Seen},
};

fn auto(text: &str) -> LaneSettings {
    let mut settings = LaneSettings {
        concurrency: text.parse().expect("auto"),
        retry: RetrySettings {
            max: 0,
            ..RetrySettings::default()
        },
        ..bounds(1, 100_000)
    };
    settings.breaker.mode = stoa_dispatch::BreakerMode::Disabled;
    settings
}

async fn load(lab: &Lab, count: usize) {
    for _ in 0..count {
        lab.pool.send(get("/"), Discard).await.expect("taken");
    }
    lab.is_clean().await;
}

#[tokio::test(start_paused = true)]
async fn it_grows_while_the_server_keeps_up_and_not_beyond_its_bound() {
    let lab = Lab::new(auto("auto:2-20"), |_| Answer::ok().after(ms(10)));
    load(&lab, 10).await;
    assert!(lab.lane().limit < 12);
    load(&lab, 2000).await;
    assert_eq!((lab.lane().limit, lab.origin.peak()), (20, 20));
}

#[tokio::test(start_paused = true)]
async fn it_shrinks_when_the_server_drops_requests_and_recovers() {
    let began = tokio::time::Instant::now();
    let bad = move |seen: &Seen| (secs(10)..secs(20)).contains(&seen.at.duration_since(began));
    let lab = Lab::new(auto("auto:2-64"), move |seen| {
        Answer::status(if bad(seen) { 503 } else { 200 }).after(ms(10))
    });
    load(&lab, 5000).await;
    assert_eq!(lab.lane().limit, 64);
    sleep(secs(10).saturating_sub(began.elapsed())).await;
    load(&lab, 2000).await;
    assert!(began.elapsed() < secs(20), "{:?}", began.elapsed());
    let shrunk = lab.lane().limit;
    assert!(shrunk <= 6, "{shrunk}");
    sleep(secs(20).saturating_sub(began.elapsed())).await;
    load(&lab, 5000).await;
    assert_eq!(lab.lane().limit, 64);
}

/// A server that works at ten at a time, and lets the others wait.
#[tokio::test(start_paused = true)]
async fn it_finds_out_what_a_server_takes_that_slows_down() {
    let ten = std::sync::Arc::new(tokio::sync::Semaphore::new(10));
    let script = move |_: &Seen| Answer::ok().working(&ten, ms(20));
    let lab = Lab::with(auto("auto:1-200"), script, |builder| builder.max_tasks(20_000));
    load(&lab, 20_000).await;
    let limit = lab.lane().limit;
    assert!(
        (10..=40).contains(&limit),
        "three times as slow, not ten: {limit}"
    );
    assert!(
        lab.began.elapsed() <= secs(45),
        "and it keeps the server busy: {:?}",
        lab.began.elapsed()
    );
}

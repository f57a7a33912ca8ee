//! B10: a server that asks for a pause gets it, and that is not a failure.

use http::{Method, StatusCode};
use stoa_dispatch::{BreakerState, DispatchError, LaneSettings, Percent, RequestBody, RetrySettings, Task};
use tokio::time::{Instant, sleep};

use crate::{
    lab::{LANE, Lab, bounds, get, lane_key, ms, request, secs, settle, small},
    origin::{Answer, Seen},
};

/// No retry is allowed at all: what waits out a pause is none.
fn no_retries() -> LaneSettings {
    LaneSettings {
        retry: RetrySettings {
            max: 0,
            budget: Percent::new(0).expect("percent"),
            floor: 0,
            ..RetrySettings::default()
        },
        ..bounds(4, 10)
    }
}

fn once(status: u16) -> impl Fn(&Seen) -> Answer {
    move |seen| match seen.number {
        0 => Answer::status(status).header("retry-after", "5"),
        _ => Answer::ok(),
    }
}

#[tokio::test(start_paused = true)]
async fn the_lane_is_throttled_and_the_request_is_answered_and_charged_nothing() {
    for status in [429, 503] {
        let lab = Lab::new(no_retries(), once(status));
        assert_eq!(lab.outcome(get("/")).await, Ok(200));
        assert_eq!(lab.origin.arrivals(lab.began), [0, 5000]);
        assert_eq!(lab.log.story(1), ["queue", "start", "throttle 5", "finish 200"]);
        let lane = lab.lane();
        assert_eq!((lane.breaker, lane.last_failure), (BreakerState::Closed, None));
        let counts = lane.counts;
        assert_eq!((counts.attempts, counts.retries, counts.throttles), (2, 0, 1));
        lab.is_clean().await;
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_is_sent_while_the_lane_is_throttled() {
    let lab = Lab::new(no_retries(), once(429));
    let mut callers = lab.callers((0..4).map(|_| get("/first")));
    sleep(secs(1)).await;
    assert!(lab.lane().throttled.is_some_and(|left| left == secs(4)));
    let before = lab.origin.attempts();
    assert_eq!(lab.outcome(get("/later")).await, Ok(200));
    assert_eq!(lab.began.elapsed(), secs(5));
    while let Some(outcome) = callers.join_next().await {
        assert_eq!(outcome.expect("joined"), Ok(200));
    }
    assert!(
        lab.origin.arrivals(lab.began)[before..]
            .iter()
            .all(|at| *at >= 5000)
    );
    assert_eq!(lab.lane().throttled, None);
    lab.is_clean().await;
}

#[tokio::test(start_paused = true)]
async fn a_pause_longer_than_the_wait_is_delivered_at_once_and_the_next_is_refused() {
    let lab = Lab::new(no_retries(), |_| Answer::status(429).header("retry-after", "120"));
    let response = lab.get("/").await.expect("delivered");
    assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(response.headers()["retry-after"], "120");
    drop(response);
    sleep(secs(20)).await;
    let error = lab.get("/").await.expect_err("throttled");
    match error {
        DispatchError::Rate {
            retry_after,
            throttled: true,
            ..
        } => assert_eq!(retry_after, secs(100)),
        other => panic!("{other:?}"),
    }
    assert_eq!((lab.began.elapsed(), lab.origin.attempts()), (secs(20), 1));
    sleep(secs(71)).await;
    let began = Instant::now();
    assert_eq!(lab.outcome(get("/")).await, Ok(429), "who can wait for it waits");
    assert_eq!(began.elapsed(), secs(29));
    assert_eq!(lab.lane().breaker, BreakerState::Closed);
}

#[tokio::test(start_paused = true)]
async fn a_server_cannot_order_more_than_the_longest_pause() {
    let settings = LaneSettings {
        max_throttle: secs(10),
        ..no_retries()
    };
    let lab = Lab::new(settings, |seen| match seen.number {
        0 => Answer::status(503).header("retry-after", "86400"),
        _ => Answer::ok(),
    });
    assert_eq!(lab.outcome(get("/")).await, Ok(200));
    assert_eq!(lab.began.elapsed(), secs(10));
}

#[tokio::test(start_paused = true)]
async fn a_limit_that_is_used_up_throttles_the_lane_and_its_response_is_delivered() {
    for (name, value, more) in [
        ("ratelimit-remaining", "0", Some(("ratelimit-reset", "7"))),
        ("ratelimit", "\"day\";r=0;t=7", None),
    ] {
        let lab = Lab::new(no_retries(), move |seen| {
            let answer = Answer::ok();
            match (seen.number, more) {
                (0, Some((reset, time))) => answer.header(name, value).header(reset, time),
                (0, None) => answer.header(name, value),
                _ => answer,
            }
        });
        assert_eq!(lab.outcome(get("/")).await, Ok(200));
        assert_eq!(lab.began.elapsed(), secs(0));
        assert_eq!(lab.outcome(get("/")).await, Ok(200));
        assert_eq!(lab.began.elapsed(), secs(7));
        assert_eq!(lab.origin.attempts(), 2);
    }
}

#[tokio::test(start_paused = true)]
async fn what_may_not_be_retried_is_not_even_after_a_pause() {
    let lab = Lab::new(no_retries(), once(429));
    let mut post = request("/");
    *post.method_mut() = Method::POST;
    assert_eq!(lab.outcome(Task::ready(post).expect("task")).await, Ok(429));
    assert_eq!((lab.origin.attempts(), lab.began.elapsed()), (1, secs(0)));
    assert_eq!(lab.lane().throttled, Some(secs(5)), "but the lane is throttled");
}

#[tokio::test(start_paused = true)]
async fn a_pause_is_no_longer_than_the_longest_and_a_shorter_one_does_not_cut_it() {
    let lab = Lab::new(small(), |seen| {
        let after = if seen.number == 0 { "20" } else { "3" };
        Answer::status(429).header("retry-after", after).after(ms(10))
    });
    let mut callers = lab.callers([get("/").retryable(false), get("/").retryable(false)]);
    while let Some(outcome) = callers.join_next().await {
        assert_eq!(outcome.expect("joined"), Ok(429));
    }
    settle().await;
    assert_eq!(lab.lane().throttled, Some(secs(20)));
    lab.pool.reset_lane(&lane_key()).expect("lane");
    assert_eq!(lab.lane().throttled, None);
}

/// A 429 that names no time counts for the share of failures, not for the row.
#[tokio::test(start_paused = true)]
async fn a_limit_without_a_time_does_not_end_or_make_a_row() {
    let mut settings = no_retries();
    settings.breaker.consecutive = 3;
    let lab = Lab::new(settings, |_| Answer::status(429));
    for _ in 0..19 {
        assert_eq!(lab.outcome(get("/")).await, Ok(429));
        assert_eq!(lab.lane().breaker, BreakerState::Closed);
    }
    assert_eq!(lab.outcome(get("/")).await, Ok(429));
    assert!(
        matches!(lab.lane().breaker, BreakerState::Open { .. }),
        "20 samples, all of them failures"
    );
}

#[tokio::test(start_paused = true)]
async fn the_body_and_the_headers_are_sent_again_after_a_pause() {
    let lab = Lab::new(no_retries(), once(503));
    let put = http::Request::put(format!("https://{LANE}/put"))
        .header("x-mine", "1")
        .body(RequestBody::from("all of it".to_owned()))
        .expect("request");
    assert_eq!(lab.outcome(Task::ready(put).expect("task")).await, Ok(200));
    for seen in lab.origin.seen() {
        assert_eq!(
            (seen.method, seen.body.as_ref()),
            (Method::PUT, b"all of it".as_slice())
        );
        assert_eq!(seen.headers["x-mine"], "1");
    }
    assert_eq!(lab.origin.attempts(), 2);
}

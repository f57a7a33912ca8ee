//! When a failed attempt is retried, with what, how often, and what is delivered if not.

use http::Method;
use http_body_util::Full;
use stoa_dispatch::{
    BreakerMode, BreakerSettings, Discard, LaneSettings, Percent, RequestBody, RetrySettings, Task,
    TransportErrorKind,
};
use tokio::{task::JoinSet, time::sleep};

use crate::{
    lab::{LANE, Lab, bounds, fixed, get, ms, secs, settle},
    origin::Answer,
};

/// Two retries of a request, one in five of the lane, none for nothing; the breaker only looks.
fn retrying() -> LaneSettings {
    let mut settings = LaneSettings {
        retry: RetrySettings {
            max: 2,
            ..RetrySettings::default()
        },
        ..bounds(4, 100)
    };
    settings.breaker.mode = BreakerMode::Observe;
    settings
}

fn with_budget(percent: u8, floor: u32) -> LaneSettings {
    let mut settings = retrying();
    settings.retry.budget = Percent::new(percent).expect("percent");
    settings.retry.floor = floor;
    settings
}

fn sent(method: Method, body: impl Into<RequestBody>) -> Task {
    let request = http::Request::builder()
        .method(method)
        .uri(format!("https://{LANE}/sent?q=1"))
        .header("x-mine", "1")
        .body(body.into())
        .expect("request");
    Task::ready(request).expect("task")
}

#[tokio::test(start_paused = true)]
async fn a_failure_is_retried_after_a_growing_pause_with_the_same_bytes() {
    let lab = Lab::new(retrying(), |seen| match seen.number {
        0 => Answer::status(502),
        1 => Answer::fails(TransportErrorKind::Cut),
        _ => Answer::ok(),
    });
    assert_eq!(
        lab.outcome(sent(Method::PUT, "the body".to_owned())).await,
        Ok(200)
    );
    assert_eq!(
        lab.origin.arrivals(lab.began),
        [0, 100, 300],
        "half of 200 ms, then half of 400"
    );
    for seen in lab.origin.seen() {
        assert_eq!((seen.method, seen.uri.query()), (Method::PUT, Some("q=1")));
        assert_eq!(
            (seen.body.as_ref(), &seen.headers["x-mine"]),
            (b"the body".as_slice(), &"1".parse().expect("value"))
        );
    }
    assert_eq!(
        lab.log.story(1),
        ["queue", "start", "retry 1", "retry 2", "finish 200"]
    );
    assert_eq!(lab.lane().counts.retries, 2);
    assert_eq!(lab.origin.dropped(), (0, 0), "the failed body was drained");
    lab.is_clean().await;
}

#[tokio::test(start_paused = true)]
async fn what_fails_for_good_is_delivered_as_it_came() {
    for (status, attempts) in [
        (502, 3),
        (503, 3),
        (504, 3),
        (429, 3),
        (500, 1),
        (501, 1),
        (404, 1),
        (400, 1),
    ] {
        let lab = Lab::new(retrying(), move |_| Answer::status(status));
        assert_eq!(lab.outcome(get("/")).await, Ok(status));
        assert_eq!(lab.origin.attempts(), attempts, "{status}");
    }
    for (kind, attempts) in [
        (TransportErrorKind::Connect, 3),
        (TransportErrorKind::Cut, 3),
        (TransportErrorKind::Tls, 1),
        (TransportErrorKind::Protocol, 1),
        (TransportErrorKind::Request, 1),
    ] {
        let lab = Lab::new(retrying(), move |_| Answer::fails(kind));
        assert_eq!(lab.outcome(get("/")).await, Err("transport"));
        assert_eq!(lab.origin.attempts(), attempts, "{kind:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn only_what_may_be_sent_twice_is() {
    let stream = || RequestBody::stream(Full::new(bytes::Bytes::from_static(b"streamed")));
    let bytes = || RequestBody::from(bytes::Bytes::from_static(b"bytes"));
    for (task, attempts, body) in [
        (sent(Method::POST, bytes()), 1, "bytes"),
        (sent(Method::PATCH, bytes()), 1, "bytes"),
        (sent(Method::POST, bytes()).retryable(true), 3, "bytes"),
        (sent(Method::PUT, bytes()).retryable(false), 1, "bytes"),
        (sent(Method::DELETE, ()), 3, ""),
        (sent(Method::PUT, stream()), 1, "streamed"),
        (sent(Method::PUT, stream()).retryable(true), 1, "streamed"),
    ] {
        let lab = Lab::new(retrying(), |_| Answer::status(502));
        assert_eq!(lab.outcome(task).await, Ok(502));
        let seen = lab.origin.seen();
        assert_eq!(seen.len(), attempts, "{:?} {body}", seen[0].method);
        assert!(seen.iter().all(|seen| seen.body == body));
    }
}

#[tokio::test(start_paused = true)]
async fn without_a_budget_the_failing_response_is_delivered() {
    let lab = Lab::new(with_budget(0, 0), |_| Answer::status(503));
    assert_eq!(lab.outcome(get("/")).await, Ok(503));
    assert_eq!((lab.origin.attempts(), lab.began.elapsed()), (1, secs(0)));

    let lab = Lab::new(with_budget(20, 0), |_| Answer::status(503));
    for _ in 0..50 {
        assert_eq!(lab.outcome(get("/")).await, Ok(503));
    }
    assert_eq!(lab.lane().counts.retries, 10, "a fifth of fifty");
    assert_eq!(lab.origin.attempts(), 60);
}

#[tokio::test(start_paused = true)]
async fn a_retry_gives_its_permit_to_others_while_it_pauses_and_goes_first_afterwards() {
    let settings = LaneSettings {
        concurrency: fixed(1),
        ..retrying()
    };
    let lab = Lab::new(settings, |seen| match (seen.uri.path(), seen.number) {
        ("/fails", 0) => Answer::status(502),
        _ => Answer::ok().after(ms(60)),
    });
    for path in ["/fails", "/a", "/b", "/c", "/d"] {
        lab.pool.send(get(path), Discard).await.expect("taken");
    }
    lab.is_clean().await;
    assert_eq!(lab.origin.paths(), ["/fails", "/a", "/b", "/fails", "/c", "/d"]);
    assert_eq!(lab.origin.arrivals(lab.began)[3], 120);
}

#[tokio::test(start_paused = true)]
async fn a_retry_asks_breaker_and_rate_again() {
    let mut settings = retrying();
    settings.rate = Some("1/s".parse().expect("rate"));
    let lab = Lab::new(settings.clone(), |_| Answer::status(502));
    assert_eq!(lab.outcome(get("/")).await, Ok(502));
    let arrivals = lab.origin.arrivals(lab.began);
    assert!(arrivals[1] >= 990 && arrivals[2] >= 1980, "{arrivals:?}");

    settings.breaker = BreakerSettings {
        consecutive: 1,
        ..BreakerSettings::default()
    };
    let lab = Lab::new(settings, |_| Answer::status(502));
    assert_eq!(lab.outcome(get("/")).await, Err("breaker_open"));
    assert_eq!(
        (lab.origin.attempts(), lab.lane().counts.retries),
        (1, 0),
        "it was not sent"
    );
    lab.is_clean().await;
}

/// A thousand a second for twenty seconds, every other attempt failing.
async fn storm(settings: LaneSettings) -> Lab {
    let lab = Lab::new(settings, |seen| {
        Answer::status(if seen.number % 2 == 0 { 503 } else { 200 })
    });
    let mut callers = JoinSet::new();
    for round in 0..2000 {
        for number in 0..10 {
            let pool = lab.pool.clone();
            callers.spawn(async move {
                if let Ok(response) = pool.call(get(&format!("/{round}/{number}"))).await {
                    response.into_body().drain().await;
                }
            });
        }
        sleep(ms(10)).await;
        while callers.try_join_next().is_some() {}
    }
    while callers.join_next().await.is_some() {}
    settle().await;
    lab.is_clean().await;
    lab
}

/// B16.
#[tokio::test(start_paused = true)]
async fn a_storm_of_failures_makes_no_storm_of_retries() {
    let mut settings = LaneSettings {
        concurrency: fixed(100),
        queue: 20_000,
        ..with_budget(20, 1)
    };
    let lab = storm(settings.clone()).await;
    let counts = lab.lane().counts;
    assert_eq!((counts.queued, counts.started), (20_000, 20_000));
    let (first, again) = asked(&lab);
    assert_eq!((first, again), (20_000, counts.retries));
    // A fifth of the requests, one a second, and what a floor of one saves in ten seconds.
    assert!(again <= 4000 + 20 + 10, "{again}");
    assert!(again >= 3500, "a budget is there to be used: {again}");

    settings.breaker = BreakerSettings::default();
    let lab = storm(settings).await;
    let counts = lab.lane().counts;
    let (first, again) = asked(&lab);
    assert!(counts.openings > 0 && counts.refused > 10_000);
    assert_eq!((first + again, again), (counts.attempts, counts.retries));
    assert!(
        again <= first / 5 + 20 + 10,
        "what was refused earned nothing: {again} after {first}"
    );
}

/// Requests that were sent, and attempts that retried one.
fn asked(lab: &Lab) -> (u64, u64) {
    let paths = lab.origin.paths();
    let first = paths.iter().collect::<std::collections::HashSet<_>>().len();
    (first as u64, (paths.len() - first) as u64)
}

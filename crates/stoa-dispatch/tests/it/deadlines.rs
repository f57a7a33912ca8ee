//! Deadlines in every stage, with the stage in the error; and what the other bounds on time do.

use std::{future::pending, time::Duration};

use stoa_dispatch::{
    BreakerSettings, BreakerState, Discard, DispatchError, Drain, DrainReport, LaneSettings, LaneUpdate,
    Percent, Response, RetrySettings, Stage, Task,
};
use tokio::time::sleep;

use crate::{
    lab::{Lab, bounds, get, lane_key, ms, secs, settle, small},
    origin::{Answer, Flow},
};

fn is_late(error: &DispatchError, at: Stage) {
    match error {
        DispatchError::Deadline { stage, after, .. } => assert_eq!((*stage, *after), (at, secs(3))),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn in_the_queue() {
    let lab = Lab::new(bounds(1, 5), |_| Answer::hangs());
    lab.pool.send(get("/"), Discard).await.expect("taken");
    let error = lab.pool.call(get("/").within(secs(3))).await.expect_err("late");
    is_late(&error, Stage::Admission);
    assert_eq!(lab.log.story(2), ["queue", "abandon deadline"]);
    assert_eq!(lab.began.elapsed(), secs(3));
    assert_eq!(lab.origin.attempts(), 1);
}

#[tokio::test(start_paused = true)]
async fn while_it_is_built() {
    let lab = Lab::new(bounds(1, 5), |_| Answer::ok());
    let error = lab
        .pool
        .call(Task::lazy(lane_key(), pending).within(secs(3)))
        .await;
    is_late(&error.expect_err("late"), Stage::Build);
    assert_eq!(lab.began.elapsed(), secs(3));
    lab.is_clean().await;
}

#[tokio::test(start_paused = true)]
async fn while_it_waits_for_the_rate() {
    let settings = LaneSettings {
        rate: Some("2/s".parse().expect("rate")),
        ..bounds(9, 5)
    };
    let lab = Lab::new(settings, |_| Answer::ok());
    assert_eq!(lab.outcome(get("/")).await, Ok(200));
    let mut first = lab.callers([get("/patient")]);
    settle().await;
    let slower = async {
        sleep(ms(100)).await;
        let rate = Some(Some("1/h".parse().expect("rate")));
        let update = LaneUpdate {
            rate,
            ..LaneUpdate::default()
        };
        lab.pool.set_lane(&lane_key(), &update).expect("lane");
    };
    let (second, ()) = tokio::join!(lab.pool.call(get("/").within(secs(3))), slower);
    let error = second.expect_err("late");
    // The rate was lowered after the token had been promised: the error comes when that is known, or when it is too late.
    assert!(
        matches!(
            error,
            DispatchError::Deadline {
                stage: Stage::Rate,
                ..
            } | DispatchError::Rate { .. }
        ),
        "{error:?}"
    );
    assert!(lab.began.elapsed() <= secs(3));
    first.shutdown().await;
    assert_eq!(lab.origin.attempts(), 1);
    lab.is_clean().await;
}

#[tokio::test(start_paused = true)]
async fn in_the_attempt() {
    let lab = Lab::new(bounds(1, 5), |_| Answer::hangs());
    let error = lab.pool.call(get("/").within(secs(3))).await.expect_err("late");
    is_late(&error, Stage::Attempt);
    assert_eq!(lab.began.elapsed(), secs(3));
    assert_eq!(lab.origin.dropped(), (1, 0), "the exchange is given up");
    lab.is_clean().await;
}

#[tokio::test(start_paused = true)]
async fn in_the_body() {
    let lab = Lab::new(bounds(1, 5), |_| Answer::body(Flow::Drip));
    let body = lab
        .pool
        .call(get("/").within(secs(3)))
        .await
        .expect("head")
        .into_body();
    is_late(&body.bytes(100).await.expect_err("late"), Stage::Body);
    assert_eq!(lab.began.elapsed(), secs(3));
    assert_eq!(lab.origin.dropped(), (0, 1), "the connection is given up");
    lab.is_clean().await;
}

#[tokio::test(start_paused = true)]
async fn in_the_consumer() {
    let lab = Lab::new(bounds(1, 5), |_| Answer::ok());
    let reads_nothing = |response: Response, _| async {
        let _held = response;
        pending::<()>().await;
    };
    let reads_all = |response: Response, _| async {
        response.into_body().bytes(100).await.expect("body");
        pending::<()>().await;
    };
    lab.pool
        .send(get("/").within(secs(3)), reads_nothing)
        .await
        .expect("taken");
    lab.is_clean().await;
    is_late(&lab.log.error(1), Stage::Consumer);
    assert_eq!(lab.log.at(1, "finish deadline") - lab.began, secs(3));
    let began = tokio::time::Instant::now();
    lab.pool
        .send(get("/").within(secs(3)), reads_all)
        .await
        .expect("taken");
    lab.is_clean().await;
    is_late(&lab.log.error(2), Stage::Consumer);
    assert_eq!(lab.log.at(2, "finish deadline") - began, secs(3));
}

#[tokio::test(start_paused = true)]
async fn a_pause_before_a_retry_that_goes_beyond_the_deadline_is_not_begun() {
    let settings = LaneSettings {
        retry: RetrySettings {
            max: 2,
            backoff: secs(10),
            backoff_max: secs(10),
            ..RetrySettings::default()
        },
        ..small()
    };
    let lab = Lab::new(settings, |_| Answer::status(502));
    assert_eq!(lab.outcome(get("/").within(secs(3))).await, Ok(502));
    assert_eq!((lab.origin.attempts(), lab.began.elapsed()), (1, secs(0)));
}

#[tokio::test(start_paused = true)]
async fn the_lanes_deadline_holds_where_a_task_has_none() {
    let settings = LaneSettings {
        deadline: secs(3),
        ..small()
    };
    let lab = Lab::new(settings, |_| Answer::hangs());
    is_late(&lab.get("/").await.expect_err("late"), Stage::Attempt);
    assert_eq!(lab.outcome(get("/").within(secs(1))).await, Err("deadline"));
    assert_eq!(lab.began.elapsed(), secs(4));
}

/// A head that does not come is a failure of the server, and counts for the breaker.
#[tokio::test(start_paused = true)]
async fn an_attempt_that_takes_too_long_is_a_failure_of_the_server() {
    let settings = LaneSettings {
        attempt: secs(2),
        breaker: BreakerSettings {
            consecutive: 3,
            failure_rate: Percent::new(0).expect("percent"),
            ..BreakerSettings::default()
        },
        ..small()
    };
    let lab = Lab::new(settings, |_| Answer::hangs());
    for round in 1..=3 {
        let error = lab.get("/").await.expect_err("no head");
        assert!(matches!(error, DispatchError::AttemptTimeout { after, .. } if after == secs(2)));
        assert_eq!(lab.began.elapsed(), secs(2 * round));
    }
    assert!(matches!(lab.lane().breaker, BreakerState::Open { .. }));
    assert_eq!(lab.origin.dropped(), (3, 0));
    assert_eq!(lab.log.count("breaker Tripped"), 1);
    assert!(lab.lane().last_failure.is_some_and(|text| text.contains("2s")));
}

#[tokio::test(start_paused = true)]
async fn a_body_that_stalls_is_given_up_and_a_slow_one_is_not() {
    let settings = LaneSettings {
        idle: secs(3),
        ..small()
    };
    let lab = Lab::new(settings, |seen| match seen.number {
        0 => Answer::body(Flow::Stalls("some".into())),
        _ => Answer::body(Flow::Slow(ms(2900), 5)),
    });
    let error = lab.get("/").await.expect("head").into_body().bytes(100).await;
    let error = error.expect_err("stalled");
    assert!(
        matches!(error, DispatchError::IdleTimeout { after, .. } if after == secs(3)),
        "{error:?}"
    );
    assert_eq!(lab.began.elapsed(), secs(3));
    assert!(lab.lane().last_failure.is_some(), "the breaker was told");
    assert_eq!(lab.outcome(get("/")).await, Ok(200));
    assert_eq!(lab.began.elapsed(), secs(3) + 5 * ms(2900));
    lab.is_clean().await;
}

#[tokio::test(start_paused = true)]
async fn times_without_a_bound_are_just_that() {
    let settings = LaneSettings {
        wait: Duration::MAX,
        attempt: Duration::MAX,
        idle: Duration::MAX,
        deadline: Duration::MAX,
        max_throttle: Duration::MAX,
        ..small()
    };
    let lab = Lab::new(settings, |seen| match seen.number {
        0 => Answer::status(429).header("retry-after", "5"),
        1 => Answer::body(Flow::Slow(secs(3600), 2)).after(secs(3600)),
        _ => Answer::status(429).header("retry-after", "18446744073709551615"),
    });
    assert_eq!(lab.outcome(get("/").within(Duration::MAX)).await, Ok(200));
    assert_eq!(lab.began.elapsed(), secs(5 + 3 * 3600));
    assert_eq!(
        lab.outcome(get("/")).await,
        Ok(429),
        "a pause of ages is not waited out"
    );
    assert!(lab.lane().throttled.is_some());
    assert_eq!(lab.outcome(get("/").within(secs(5))).await, Err("rate"));
    let report = lab
        .pool
        .close(Drain {
            timeout: Duration::MAX,
        })
        .await
        .expect("first");
    assert_eq!(report, DrainReport::default());
    lab.is_clean().await;
}

//! B15: code that is handed in may panic. The task ends with an error that says so, its permit goes on, and so
//! does every other task.

use std::sync::Arc;

use bytes::Bytes;
use stoa_dispatch::{
    Attempted, Classified, Classify, Discard, DispatchError, Event, FilterFn, Listener, Request, Response,
    Stage, Task,
};

use crate::{
    lab::{Lab, bounds, get, lane_key, settle},
    origin::{Answer, Flow},
};

/// What a panicking task looks like, and that the next one runs.
async fn is_recorded(lab: &Lab, stage: Stage, text: &str) {
    lab.idle().await;
    settle().await;
    match lab.log.error(1) {
        DispatchError::Panicked {
            stage: at, message, ..
        } => {
            assert_eq!((at, message.as_str()), (stage, text));
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(lab.log.story(1), ["queue", "start", "finish panic"]);
    assert_eq!(lab.lane().running, 0, "the permit is free");
    assert_eq!(lab.outcome(get("/next")).await, Ok(200));
    lab.is_clean().await;
}

fn lab() -> Lab {
    Lab::new(bounds(1, 1), |_| Answer::ok())
}

#[tokio::test(start_paused = true)]
async fn a_recipe_that_panics_before_its_future() {
    let lab = lab();
    let task = Task::lazy(lane_key(), || -> std::future::Ready<_> { panic!("no future") });
    lab.pool.send(task, Discard).await.expect("taken");
    is_recorded(&lab, Stage::Build, "no future").await;
}

#[tokio::test(start_paused = true)]
async fn a_recipe_that_panics_within_its_future() {
    let lab = lab();
    let task = Task::lazy(lane_key(), || async { panic!("in {}", "future") });
    assert_eq!(lab.outcome(task).await, Err("panic"));
    is_recorded(&lab, Stage::Build, "in future").await;
}

#[tokio::test(start_paused = true)]
async fn a_filter_that_panics() {
    let filter = || {
        Arc::new(FilterFn::new("panics", |request: &Request| {
            match request.uri().path() {
                "/next" => Ok(()),
                _ => panic!("in the filter"),
            }
        }))
    };
    let pools = Lab::with(bounds(1, 1), |_| Answer::ok(), |builder| builder.filter(filter()));
    pools.pool.send(get("/"), Discard).await.expect("taken");
    is_recorded(&pools, Stage::Filter, "in the filter").await;
    let own = lab();
    assert_eq!(own.outcome(get("/").filtered(filter())).await, Err("panic"));
    is_recorded(&own, Stage::Filter, "in the filter").await;
}

#[tokio::test(start_paused = true)]
async fn a_transport_that_panics() {
    let lab = Lab::new(bounds(1, 1), |seen| match seen.number {
        0 => Answer::panics(),
        _ => Answer::ok(),
    });
    lab.pool.send(get("/"), Discard).await.expect("taken");
    is_recorded(&lab, Stage::Attempt, "the transport panics").await;
}

#[tokio::test(start_paused = true)]
async fn a_classification_that_panics() {
    #[derive(Debug)]
    struct Panics;
    impl Classify for Panics {
        fn classify(&self, attempted: Attempted<'_>) -> Classified {
            match attempted {
                Attempted::Response { status, .. } if status.is_client_error() => panic!("in classify"),
                other => stoa_dispatch::HttpClassify.classify(other),
            }
        }
    }
    let script = |seen: &crate::origin::Seen| Answer::status(if seen.number == 0 { 404 } else { 200 });
    let lab = Lab::with(bounds(1, 1), script, |builder| builder.classify(Arc::new(Panics)));
    lab.pool.send(get("/"), Discard).await.expect("taken");
    is_recorded(&lab, Stage::Attempt, "in classify").await;
}

#[tokio::test(start_paused = true)]
async fn a_consumer_that_panics_before_its_future_in_it_and_after_the_body() {
    let before = lab();
    let consumer = |_, _| -> std::future::Ready<()> { panic!("no future") };
    before.pool.send(get("/"), consumer).await.expect("taken");
    is_recorded(&before, Stage::Consumer, "no future").await;

    let within = lab();
    let consumer = |_: Response, _| async { panic!("in consumer") };
    within.pool.send(get("/"), consumer).await.expect("taken");
    is_recorded(&within, Stage::Consumer, "in consumer").await;
    assert_eq!(within.origin.dropped(), (0, 0), "the body was drained");

    let after = lab();
    let consumer = |response: Response, _| async {
        response.into_body().bytes(100).await.expect("body");
        panic!("after the body")
    };
    after.pool.send(get("/"), consumer).await.expect("taken");
    is_recorded(&after, Stage::Consumer, "after the body").await;
}

#[tokio::test(start_paused = true)]
async fn a_body_that_panics_while_it_is_read_and_while_it_is_drained() {
    let script = |seen: &crate::origin::Seen| match seen.number {
        0 => Answer::body(Flow::Panics(Bytes::from_static(b"x"))),
        _ => Answer::ok(),
    };
    let drained = Lab::new(bounds(1, 1), script);
    drained.pool.send(get("/"), Discard).await.expect("taken");
    is_recorded(&drained, Stage::Body, "the body panics").await;

    let read = Lab::new(bounds(1, 1), script);
    let consumer = |response: Response, _| async {
        drop(response.into_body().bytes(100).await);
    };
    read.pool.send(get("/"), consumer).await.expect("taken");
    is_recorded(&read, Stage::Consumer, "the body panics").await;
}

#[tokio::test(start_paused = true)]
async fn a_listener_that_panics_is_counted_and_harms_nobody() {
    #[derive(Debug)]
    struct Panics;
    impl Listener for Panics {
        fn event(&self, _event: &Event) {
            panic!("in the listener");
        }
    }
    let log = Arc::new(crate::lab::Log::default());
    let after = Arc::clone(&log);
    let lab = Lab::with(
        bounds(1, 0),
        |_| Answer::ok(),
        |builder| builder.listener(Arc::new(Panics)).listener(after),
    );
    lab.pool.send(get("/"), Discard).await.expect("taken");
    assert!(matches!(
        lab.pool.offer(get("/"), Discard),
        stoa_dispatch::Offer::Full(_)
    ));
    lab.is_clean().await;
    assert_eq!(lab.outcome(get("/next")).await, Ok(200));
    assert_eq!(lab.pool.listener_panics(), 7, "each event once");
    assert_eq!(log.all(), lab.log.all(), "those behind it hear everything");
    lab.is_clean().await;
}

/// A permit that is lost at every panic would show soon.
#[tokio::test(start_paused = true)]
async fn a_thousand_panics_cost_no_permit() {
    let lab = Lab::new(bounds(2, 2000), |seen| match seen.number % 3 {
        0 => Answer::panics(),
        1 => Answer::body(Flow::Panics(Bytes::new())),
        _ => Answer::ok(),
    });
    for _ in 0..1000 {
        let consumer = |_, _| async { panic!("in consumer") };
        lab.pool.send(get("/"), consumer).await.expect("taken");
    }
    lab.is_clean().await;
    assert_eq!(lab.log.count("finish panic"), 1000);
    assert_eq!(lab.lane().counts.failed, 1000);
}

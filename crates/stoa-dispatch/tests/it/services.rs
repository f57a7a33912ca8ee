//! What is built around the pool: a tower service, listeners, a transport of one's own.

use std::{future::Future, pin::Pin, sync::Arc};

use stoa_dispatch::{
    CallError, Discard, DispatchError, EventKind, Forward, Health, HealthCounts, LaneKey, Offer, Pool,
    RawBody, Request, RequestBody, Stage, Task, Transport, TransportError, TransportErrorKind, Transports,
};
use tower_service::Service;

use crate::{
    lab::{Lab, bounds, get, lane_key, ms, request, secs, settle, small},
    origin::Answer,
};

#[tokio::test(start_paused = true)]
async fn the_pool_is_a_tower_service() {
    let mut lab = Lab::new(small(), |seen| match seen.uri.path() {
        "/fails" => Answer::fails(TransportErrorKind::Tls),
        _ => Answer::status(404),
    });
    std::future::poll_fn(|cx| Service::poll_ready(&mut lab.pool, cx))
        .await
        .expect("ready");
    let response = Service::call(&mut lab.pool, request("/"))
        .await
        .expect("response");
    assert_eq!(response.status(), 404);
    drop(response);
    let failed = Service::call(&mut lab.pool, request("/fails"))
        .await
        .expect_err("tls");
    assert!(
        matches!(failed, CallError::Dispatch(DispatchError::Transport { .. })),
        "{failed:?}"
    );
    let nowhere = http::Request::get("/no-host")
        .body(RequestBody::empty())
        .expect("request");
    let failed = Service::call(&mut lab.pool, nowhere).await.expect_err("no host");
    assert!(matches!(failed, CallError::Lane(_)), "{failed:?}");
    assert_eq!(lab.origin.attempts(), 2);
    lab.is_clean().await;
}

#[tokio::test(start_paused = true)]
async fn a_forwarder_never_waits_and_counts_what_it_drops() {
    let (forward, mut events) = Forward::new(4);
    let forward = Arc::new(forward);
    let listener = Arc::clone(&forward);
    let lab = Lab::with(small(), |_| Answer::ok(), |builder| builder.listener(listener));
    for _ in 0..3 {
        assert_eq!(lab.outcome(get("/")).await, Ok(200));
    }
    assert_eq!((forward.dropped(), lab.log.all().len()), (5, 9));
    let mut kept = Vec::new();
    while let Ok(event) = events.try_recv() {
        kept.push((event.task, std::mem::discriminant(&event.kind)));
    }
    let kinds = kept.iter().map(|(task, _)| *task).collect::<Vec<_>>();
    assert_eq!(kinds, [1, 1, 1, 2], "the first ones, in order");
    assert_eq!(kept[3].1, std::mem::discriminant(&EventKind::Queue));
    drop(events);
    assert_eq!(
        lab.outcome(get("/")).await,
        Ok(200),
        "nobody listens any more, and nobody cares"
    );
    assert_eq!(forward.dropped(), 8);
}

#[tokio::test(start_paused = true)]
async fn health_counts_what_became_of_tasks() {
    let health = Arc::new(Health::new());
    let listener = Arc::clone(&health);
    let script = |seen: &crate::origin::Seen| match seen.uri.path() {
        "/404" => Answer::status(404),
        "/500" => Answer::status(500),
        "/cut" => Answer::fails(TransportErrorKind::Cut),
        _ => Answer::ok().after(secs(1)),
    };
    let lab = Lab::with(bounds(1, 9), script, |builder| builder.listener(listener));
    for path in ["/200", "/404", "/500", "/cut"] {
        lab.pool.send(get(path), Discard).await.expect("taken");
    }
    lab.pool
        .send(Task::lazy(lane_key(), || async { Ok(None) }), Discard)
        .await
        .expect("taken");
    lab.pool
        .send(get("/200").within(ms(1)), Discard)
        .await
        .expect("taken");
    let expected = HealthCounts {
        queued: 6,
        ..HealthCounts::default()
    };
    assert_eq!(health.counts(), expected, "a start is none of them");
    lab.is_clean().await;
    lab.pool.abort().await.expect("first");
    assert!(matches!(lab.pool.offer(get("/"), Discard), Offer::Closed));
    let expected = HealthCounts {
        queued: 6,
        rejected: 1,
        succeeded: 2,
        failed: 4,
    };
    assert_eq!(health.counts(), expected);
}

/// The six sequences of the seed: sent and offered, answered, failed in the task, failed on the wire.
#[tokio::test(start_paused = true)]
async fn send_and_offer_report_the_same_events() {
    let script = |seen: &crate::origin::Seen| match seen.uri.path() {
        "/cut" => Answer::fails(TransportErrorKind::Cut),
        _ => Answer::ok(),
    };
    let broken = || Task::lazy(lane_key(), || async { Err("broken".into()) });
    for (task, last) in [
        ((|| get("/")) as fn() -> Task, "finish 200"),
        (broken, "finish build"),
        (|| get("/cut"), "finish transport"),
    ] {
        let lab = Lab::new(small(), script);
        lab.pool.send(task(), Discard).await.expect("taken");
        assert!(matches!(lab.pool.offer(task(), Discard), Offer::Taken));
        lab.is_clean().await;
        for number in [1, 2] {
            assert_eq!(lab.log.story(number), ["queue", "start", last]);
        }
    }
}

/// A transport that panics before it has returned a future, and one that cannot be made.
#[derive(Debug)]
struct Rude;

impl Transport for Rude {
    fn send<'a, 'b>(
        &'a self,
        _request: Request,
    ) -> Pin<Box<dyn Future<Output = Result<http::Response<RawBody>, TransportError>> + Send + 'b>>
    where
        'a: 'b,
        Self: 'b,
    {
        panic!("no future")
    }
}

#[derive(Debug)]
struct RudeOrNone;

impl Transports for RudeOrNone {
    fn for_lane(&self, lane: &LaneKey) -> Result<Arc<dyn Transport>, TransportError> {
        match lane.as_str() {
            "none" => Err(TransportError::new(TransportErrorKind::Tls, "no roots")),
            _ => Ok(Arc::new(Rude)),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_transport_that_panics_at_once_or_cannot_be_made_is_an_error() {
    let pool = Pool::builder(Arc::new(RudeOrNone)).name("rude").start();
    let error = pool.call(get("/")).await.expect_err("panic");
    assert!(
        matches!(
            error,
            DispatchError::Panicked {
                stage: Stage::Attempt,
                ..
            }
        ),
        "{error:?}"
    );
    let none = LaneKey::named("none").expect("key");
    let error = pool
        .call(get("/").in_lane(none.clone()))
        .await
        .expect_err("no transport");
    assert!(matches!(error, DispatchError::Transport { .. }), "{error:?}");
    assert!(pool.lane(&none).is_none());
    settle().await;
    assert_eq!((pool.outstanding(), pool.name()), (0, "rude"));
}

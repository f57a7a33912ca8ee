//! The end of an exchange: consumers, what they leave of a body, and when the permit is free.

use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;
use stoa_dispatch::{Discard, DispatchError, EventKind, Listener, Response, Stage, TransportErrorKind};
use tokio::time::{Instant, sleep};

use crate::{
    lab::{Lab, bounds, get, lane_key, ms, request, secs, settle},
    origin::{Answer, Flow},
};

fn pieces(sizes: &[usize]) -> Flow {
    Flow::Pieces(sizes.iter().map(|size| Bytes::from(vec![b'x'; *size])).collect())
}

/// B11, the half of the clock: a body that is not read costs 250 ms and its connection.
#[tokio::test(start_paused = true)]
async fn a_body_that_does_not_end_holds_its_permit_for_less_than_300_ms() {
    for flow in [Flow::Endless, Flow::Drip, Flow::Stalls(Bytes::new())] {
        let lab = Lab::new(bounds(1, 5), {
            let flow = flow.clone();
            move |_| Answer::body(flow.clone())
        });
        for _ in 0..3 {
            lab.pool.send(get("/"), Discard).await.expect("taken");
        }
        lab.is_clean().await;
        for (number, arrival) in lab.origin.arrivals(lab.began).into_iter().enumerate() {
            assert!(arrival <= 250 * number as u128 + 5, "{flow:?}: {arrival}");
        }
        assert_eq!(lab.origin.dropped(), (0, 3), "{flow:?}: closed, not leaked");
        assert_eq!(lab.origin.peak(), 1);
        assert_eq!(lab.log.count("finish 200"), 3);
    }
}

#[tokio::test(start_paused = true)]
async fn a_short_rest_is_read_to_keep_the_connection_and_a_long_one_is_not() {
    for (size, dropped) in [(60 << 10, 0), (70 << 10, 1)] {
        let lab = Lab::new(bounds(1, 5), move |_| {
            Answer::body(pieces(&vec![1 << 10; size >> 10]))
        });
        lab.pool.send(get("/"), Discard).await.expect("taken");
        lab.is_clean().await;
        assert_eq!(lab.origin.dropped(), (0, dropped), "{size}");
        let drained = lab.lane().counts.drained;
        assert!((60 << 10..=66 << 10).contains(&drained), "{drained}");
    }
}

#[tokio::test(start_paused = true)]
async fn empty_pieces_without_an_end_hold_nobody_up() {
    let lab = Lab::new(bounds(1, 5), |_| Answer::body(Flow::Empty));
    lab.pool.send(get("/"), Discard).await.expect("taken");
    lab.is_clean().await;
    assert_eq!(lab.origin.dropped(), (0, 1));
}

/// What happened, in order: the consumer, then the rest of the body, then `Finish`.
#[tokio::test(start_paused = true)]
async fn the_consumer_is_called_then_the_body_is_drained_then_the_task_finishes() {
    #[derive(Debug)]
    struct Finishes(Arc<Mutex<Vec<String>>>);
    impl Listener for Finishes {
        fn event(&self, event: &stoa_dispatch::Event) {
            if let EventKind::Finish { .. } = event.kind {
                self.0.lock().push("finish".to_owned());
            }
        }
    }
    for leaves in ["nothing", "a part", "everything"] {
        let order = Arc::new(Mutex::new(Vec::new()));
        let finishes = Arc::new(Finishes(Arc::clone(&order)));
        let lab = Lab::with(
            bounds(1, 5),
            |_| Answer::body(Flow::Slow(ms(10), 4)),
            |builder| builder.listener(finishes),
        );
        let say = Arc::clone(&order);
        let consumer = move |response: Response, head: http::request::Parts| async move {
            say.lock()
                .push(format!("{} {}", head.uri.path(), response.status()));
            let mut body = response.into_body();
            match leaves {
                "nothing" => while body.chunk().await.is_some() {},
                "a part" => drop(body.chunk().await),
                _ => {}
            }
            sleep(secs(1)).await;
            say.lock().push("consumed".to_owned());
        };
        lab.pool.send(get("/path"), consumer).await.expect("taken");
        lab.is_clean().await;
        assert_eq!(*order.lock(), ["/path 200 OK", "consumed", "finish"], "{leaves}");
        assert_eq!(lab.origin.dropped(), (0, 0), "{leaves}: read to its end");
        let drained = match leaves {
            "nothing" => 0,
            "a part" => 3,
            _ => 4,
        };
        assert_eq!(lab.lane().counts.drained, drained);
    }
}

#[tokio::test(start_paused = true)]
async fn a_response_without_a_body_has_its_consumer_too() {
    let lab = Lab::new(bounds(1, 5), |_| Answer::empty());
    let consumer = |response: Response, _| async move {
        assert_eq!(
            response.into_body().bytes(10).await.expect("body"),
            Some(Bytes::new())
        );
        sleep(secs(1)).await;
    };
    lab.pool.send(get("/"), consumer).await.expect("taken");
    lab.is_clean().await;
    assert_eq!(lab.log.story(1), ["queue", "start", "finish 204"]);
    assert_eq!(lab.log.at(1, "finish 204") - lab.began, secs(1));
}

#[tokio::test(start_paused = true)]
async fn any_status_has_its_consumer_and_a_failure_has_none() {
    let called = Arc::new(Mutex::new(Vec::new()));
    let lab = Lab::new(bounds(1, 9), |seen| match seen.uri.path() {
        "/cut" => Answer::fails(TransportErrorKind::Cut),
        path => Answer::status(path[1..].parse().expect("status")),
    });
    for path in ["/404", "/500", "/cut", "/200"] {
        let called = Arc::clone(&called);
        let consumer = move |response: Response, _| async move {
            called.lock().push(response.status().as_u16());
        };
        lab.pool.send(get(path), consumer).await.expect("taken");
    }
    lab.is_clean().await;
    assert_eq!(*called.lock(), [404, 500, 200]);
    assert_eq!(lab.log.story(3), ["queue", "start", "finish transport"]);
    assert_eq!(lab.log.story(2), ["queue", "start", "finish 500"]);
}

#[tokio::test(start_paused = true)]
async fn a_body_that_breaks_off_while_it_is_drained_is_finished_all_the_same() {
    for flow in [Flow::Cut(Bytes::from_static(b"x")), Flow::Cut(Bytes::new())] {
        let lab = Lab::new(bounds(1, 5), move |_| Answer::body(flow.clone()));
        for _ in 0..2 {
            lab.pool.send(get("/"), Discard).await.expect("taken");
        }
        lab.is_clean().await;
        assert_eq!(lab.log.count("finish 200"), 2);
        assert_eq!(lab.origin.dropped(), (0, 0));
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_that_breaks_off_while_it_is_read_fails_its_task_and_counts_for_the_breaker() {
    let lab = Lab::new(bounds(1, 5), |_| {
        Answer::body(Flow::Cut(Bytes::from_static(b"half")))
    });
    let mut body = lab.get("/").await.expect("head").into_body();
    assert_eq!(body.chunk().await.expect("piece").expect("half"), "half");
    let error = body.chunk().await.expect("end").expect_err("cut");
    assert!(matches!(error, DispatchError::Transport { .. }), "{error:?}");
    assert!(body.chunk().await.is_none(), "once");
    assert_eq!(lab.log.story(1), ["queue", "start", "finish transport"]);
    assert!(
        lab.lane()
            .last_failure
            .is_some_and(|text| text.contains("scripted") || text.contains("cut"))
    );
    lab.is_clean().await;
}

#[tokio::test(start_paused = true)]
async fn a_caller_holds_its_permit_until_the_body_has_ended() {
    let lab = Lab::new(bounds(1, 5), |_| Answer::body(pieces(&[3, 4])));
    let response = lab.get("/").await.expect("head");
    assert!(!http_body::Body::is_end_stream(response.body()));
    let mut second = lab.callers([get("/")]);
    settle().await;
    assert_eq!(
        (lab.origin.attempts(), lab.lane().running, lab.lane().waiting),
        (1, 1, 1)
    );
    let body = response
        .into_body()
        .bytes(7)
        .await
        .expect("body")
        .expect("short enough");
    assert_eq!(body.len(), 7);
    assert_eq!(
        second.join_next().await.expect("second").expect("joined"),
        Ok(200)
    );
    lab.is_clean().await;
}

#[tokio::test(start_paused = true)]
async fn a_body_that_is_dropped_closes_its_connection_and_frees_the_permit_at_once() {
    let lab = Lab::new(bounds(1, 5), |_| Answer::body(Flow::Drip));
    drop(lab.get("/").await.expect("head"));
    assert_eq!(lab.origin.dropped(), (0, 1));
    assert_eq!(lab.log.story(1), ["queue", "start", "finish cancelled"]);
    let too_much = lab.get("/").await.expect("head").into_body().bytes(2).await;
    assert_eq!(too_much.expect("no error"), None);
    assert_eq!(lab.origin.dropped(), (0, 2));
    lab.get("/").await.expect("head").into_body().drain().await;
    assert_eq!(lab.log.story(3), ["queue", "start", "finish 200"]);
    lab.is_clean().await;
}

#[tokio::test(start_paused = true)]
async fn a_consumer_may_hand_the_body_on() {
    let lab = Lab::new(bounds(1, 5), |_| Answer::body(pieces(&[5])));
    let (sender, receiver) = tokio::sync::oneshot::channel();
    let consumer = |response: Response, _| async move { sender.send(response).expect("taken") };
    lab.pool.send(get("/"), consumer).await.expect("taken");
    let response = receiver.await.expect("response");
    settle().await;
    assert_eq!(
        (lab.log.story(1).len(), lab.lane().running),
        (2, 1),
        "not finished"
    );
    let body = response.into_body().bytes(10).await.expect("body");
    assert_eq!(body.expect("short").len(), 5);
    assert_eq!(lab.log.story(1), ["queue", "start", "finish 200"]);
    lab.is_clean().await;
}

#[tokio::test(start_paused = true)]
async fn the_consumer_gets_the_head_of_the_request_that_was_sent() {
    let lab = Lab::new(bounds(1, 5), |_| Answer::ok());
    let (sender, receiver) = tokio::sync::oneshot::channel();
    let consumer = |_: Response, head: http::request::Parts| async move { sender.send(head).expect("taken") };
    let mut sent = request("/a?b");
    sent.headers_mut().insert("x-mine", "1".parse().expect("value"));
    let task = stoa_dispatch::Task::lazy(lane_key(), || async { Ok(Some(sent)) });
    lab.pool.send(task, consumer).await.expect("taken");
    let head = receiver.await.expect("head");
    assert_eq!(head.uri.to_string(), "https://origin.test/a?b");
    assert_eq!(head.headers["x-mine"], "1");
    lab.is_clean().await;
}

/// A body that is always ready never keeps its reader waiting, and is held to its deadline all the same.
#[tokio::test(start_paused = true)]
async fn a_body_that_never_makes_its_reader_wait_ends_with_its_deadline_and_with_the_pool() {
    let lab = Lab::new(bounds(2, 5), |_| Answer::body(Flow::Endless));
    let mut body = lab
        .pool
        .call(get("/").within(secs(5)))
        .await
        .expect("head")
        .into_body();
    let error = loop {
        match body.chunk().await.expect("no end") {
            Ok(_) => sleep(ms(100)).await,
            Err(error) => break error,
        }
    };
    assert!(
        matches!(
            error,
            DispatchError::Deadline {
                stage: Stage::Body,
                ..
            }
        ),
        "{error:?}"
    );
    assert!(Instant::now() - lab.began <= ms(5100));
    assert_eq!(
        lab.lane().last_failure,
        None,
        "the reader was slow, not the server"
    );
    let mut body = lab.get("/").await.expect("head").into_body();
    lab.pool.abort().await.expect("first");
    let error = body.chunk().await.expect("no end").expect_err("aborted");
    assert!(matches!(error, DispatchError::Aborted), "{error:?}");
    lab.is_clean().await;
}

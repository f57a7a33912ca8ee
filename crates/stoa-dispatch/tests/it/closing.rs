//! Closing a pool: what is refused, what still runs, what is cut off, and the count of it.

use std::sync::Arc;

use stoa_dispatch::{AlreadyClosedError, Discard, DispatchError, Drain, DrainReport, Offer, Response};
use tokio::time::sleep;

use crate::{
    lab::{Lab, bounds, gate, get, ms, secs, settle},
    origin::{Answer, Flow},
};

fn within(timeout: std::time::Duration) -> Drain {
    Drain { timeout }
}

/// B2.
#[tokio::test(start_paused = true)]
async fn closing_ends_a_send_that_waits_and_refuses_what_comes_after() {
    let gate = gate();
    let lab = Lab::new(bounds(1, 1), {
        let gate = Arc::clone(&gate);
        move |_| Answer::ok().behind(&gate)
    });
    for _ in 0..2 {
        lab.pool.send(get("/"), Discard).await.expect("taken");
    }
    let waiting = async {
        let error = lab.pool.send(get("/"), Discard).await.expect_err("closed");
        assert!(matches!(error, DispatchError::Closed), "{error:?}");
        lab.began.elapsed()
    };
    let after = async {
        sleep(ms(10)).await;
        assert!(matches!(lab.pool.offer(get("/"), Discard), Offer::Closed));
        assert!(matches!(lab.get("/").await, Err(DispatchError::Closed)));
        assert_eq!(lab.pool.close(within(secs(9))).await, Err(AlreadyClosedError));
        assert_eq!(lab.pool.abort().await, Err(AlreadyClosedError));
        assert_eq!(lab.began.elapsed(), ms(10), "nobody waits for anything");
        gate.add_permits(2);
    };
    let (ended, report, ()) = tokio::join!(waiting, lab.pool.close(within(secs(9))), after);
    assert_eq!(ended, secs(0));
    let report = report.expect("the first to close");
    assert_eq!(
        report,
        DrainReport {
            finished: 2,
            ..DrainReport::default()
        }
    );
    assert_eq!(lab.pool.close(within(secs(1))).await, Err(AlreadyClosedError));
    for task in [3, 4, 5] {
        assert_eq!(lab.log.story(task), ["reject closed"]);
    }
    lab.is_clean().await;
}

#[tokio::test(start_paused = true)]
async fn what_was_taken_runs_to_its_end_in_its_order() {
    let lab = Lab::new(bounds(1, 10), |_| Answer::ok().after(secs(1)));
    for path in ["/a", "/b", "/c"] {
        assert!(matches!(lab.pool.offer(get(path), Discard), Offer::Taken));
    }
    let report = lab.pool.close(within(secs(60))).await.expect("first");
    assert_eq!(
        report,
        DrainReport {
            finished: 3,
            ..DrainReport::default()
        }
    );
    assert_eq!(lab.began.elapsed(), secs(3));
    assert_eq!(lab.origin.paths(), ["/a", "/b", "/c"]);
    lab.is_clean().await;
}

#[tokio::test(start_paused = true)]
async fn at_the_timeout_who_runs_is_aborted_and_who_waits_is_abandoned() {
    let lab = Lab::new(bounds(2, 10), |seen| match seen.uri.path() {
        "/hangs" => Answer::hangs(),
        _ => Answer::ok().after(secs(1)),
    });
    for path in ["/ends", "/hangs", "/hangs", "/waits", "/waits", "/waits"] {
        assert!(matches!(lab.pool.offer(get(path), Discard), Offer::Taken));
    }
    let report = lab.pool.close(within(secs(5))).await.expect("first");
    let expected = DrainReport {
        finished: 1,
        aborted: 2,
        abandoned: 3,
        left: 0,
    };
    assert_eq!(report, expected);
    assert_eq!(lab.began.elapsed(), secs(5));
    assert_eq!(
        lab.origin.paths(),
        ["/ends", "/hangs", "/hangs"],
        "no permit goes to who waits"
    );
    assert_eq!(lab.log.count("finish aborted"), 2);
    assert_eq!(lab.log.count("abandon aborted"), 3);
    assert_eq!(lab.origin.dropped(), (2, 0));
    lab.is_clean().await;
}

#[tokio::test(start_paused = true)]
async fn an_abort_cuts_everything_off_at_once() {
    let lab = Lab::new(bounds(2, 10), |_| Answer::hangs());
    let mut callers = lab.callers((0..3).map(|_| get("/")));
    settle().await;
    for _ in 0..3 {
        assert!(matches!(lab.pool.offer(get("/"), Discard), Offer::Taken));
    }
    let report = lab.pool.abort().await.expect("first");
    let expected = DrainReport {
        finished: 0,
        aborted: 2,
        abandoned: 4,
        left: 0,
    };
    assert_eq!(report, expected);
    assert_eq!(lab.began.elapsed(), secs(0));
    assert_eq!(lab.origin.attempts(), 2);
    while let Some(outcome) = callers.join_next().await {
        assert_eq!(outcome.expect("joined"), Err("aborted"));
    }
    lab.is_clean().await;
}

#[tokio::test(start_paused = true)]
async fn a_response_that_somebody_holds_unread_is_left() {
    let lab = Lab::new(bounds(3, 0), |_| Answer::ok());
    let held = lab.get("/held").await.expect("response");
    let read = lab.outcome(get("/read")).await;
    assert_eq!(read, Ok(200));
    let report = lab.pool.close(within(secs(2))).await.expect("first");
    assert_eq!(
        report,
        DrainReport {
            left: 1,
            ..DrainReport::default()
        }
    );
    assert_eq!(lab.began.elapsed(), secs(3), "the timeout, and a second of grace");
    assert_eq!(lab.log.story(1), ["queue", "start"]);
    let error = held.into_body().bytes(100).await.expect_err("too late");
    assert!(matches!(error, DispatchError::Aborted), "{error:?}");
    assert_eq!(lab.log.story(1), ["queue", "start", "finish aborted"]);
    lab.is_clean().await;
}

#[tokio::test(start_paused = true)]
async fn a_body_that_is_being_read_is_waited_for_or_cut_off() {
    let lab = Lab::new(bounds(3, 0), |seen| match seen.uri.path() {
        "/short" => Answer::body(Flow::Slow(ms(500), 4)),
        _ => Answer::body(Flow::Drip),
    });
    let mut callers = lab.callers([get("/short"), get("/long")]);
    settle().await;
    let report = lab.pool.close(within(secs(5))).await.expect("first");
    assert_eq!(
        report,
        DrainReport {
            finished: 1,
            aborted: 1,
            ..DrainReport::default()
        }
    );
    assert_eq!(lab.began.elapsed(), secs(5));
    assert_eq!(callers.join_next().await.expect("one").expect("joined"), Ok(200));
    assert_eq!(
        callers.join_next().await.expect("one").expect("joined"),
        Err("aborted")
    );
    lab.is_clean().await;
}

#[tokio::test(start_paused = true)]
async fn who_is_dropped_while_closing_is_counted_where_it_was() {
    let lab = Lab::new(bounds(1, 5), |_| Answer::hangs());
    let mut callers = lab.callers([get("/"), get("/"), get("/")]);
    settle().await;
    let dropping = async {
        sleep(secs(1)).await;
        callers.shutdown().await;
    };
    let (report, ()) = tokio::join!(lab.pool.close(within(secs(60))), dropping);
    let report = report.expect("first");
    assert_eq!(report.finished + report.aborted, 1, "{report:?}");
    assert_eq!((report.abandoned, report.left), (2, 0));
    assert_eq!(lab.began.elapsed(), secs(1));
    lab.is_clean().await;
}

/// A consumer may do more than read, and its task has not ended before it has.
#[tokio::test(start_paused = true)]
async fn a_consumer_that_has_read_everything_is_still_waited_for() {
    let lab = Lab::new(bounds(1, 5), |_| Answer::ok());
    let (told, mut hears) = tokio::sync::oneshot::channel();
    let consumer = |response: Response, _| async move {
        response.into_body().bytes(100).await.expect("body");
        sleep(secs(3)).await;
        told.send(()).expect("told");
    };
    lab.pool.send(get("/"), consumer).await.expect("taken");
    settle().await;
    let report = lab.pool.close(within(secs(60))).await.expect("first");
    assert_eq!(
        report,
        DrainReport {
            finished: 1,
            ..DrainReport::default()
        }
    );
    assert_eq!(lab.began.elapsed(), secs(3));
    assert_eq!(hears.try_recv(), Ok(()), "the consumer came to its end");
    assert_eq!(lab.log.at(1, "finish 200") - lab.began, secs(3));
}

#[tokio::test(start_paused = true)]
async fn a_consumer_that_does_not_end_is_cut_off_and_counted() {
    let lab = Lab::new(bounds(2, 5), |_| Answer::ok());
    let reads = |response: Response, _| async move {
        response.into_body().bytes(100).await.expect("body");
        std::future::pending::<()>().await;
    };
    let ignores = |response: Response, _| async move {
        let _held = response;
        std::future::pending::<()>().await;
    };
    lab.pool.send(get("/"), reads).await.expect("taken");
    lab.pool.send(get("/"), ignores).await.expect("taken");
    settle().await;
    let report = lab.pool.close(within(secs(2))).await.expect("first");
    assert_eq!(
        report,
        DrainReport {
            aborted: 2,
            ..DrainReport::default()
        }
    );
    assert_eq!(lab.began.elapsed(), secs(2));
    assert_eq!(lab.log.count("finish aborted"), 2);
    lab.is_clean().await;
}

#[tokio::test(start_paused = true)]
async fn a_closed_pool_waits_for_as_long_as_it_is_told_to_even_forever() {
    let lab = Lab::new(bounds(1, 5), |_| Answer::ok().after(secs(1)));
    lab.pool.send(get("/"), Discard).await.expect("taken");
    let report = lab
        .pool
        .close(within(std::time::Duration::MAX))
        .await
        .expect("first");
    assert_eq!(
        report,
        DrainReport {
            finished: 1,
            ..DrainReport::default()
        }
    );
}

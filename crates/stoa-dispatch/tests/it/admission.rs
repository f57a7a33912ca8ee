//! What gets in, what waits, what is next, and what is refused because there is no room.

use std::sync::Arc;

use stoa_dispatch::{Bound, Discard, DispatchError, LaneKey, LaneSettings, Offer, Stage, Task};

use crate::{
    lab::{Lab, background, bounds, gate, get, lane_key, lazy, ms, request, secs, settle, small},
    origin::Answer,
};

/// B1.
#[tokio::test(start_paused = true)]
async fn three_permits_and_a_queue_of_five_take_eight_of_twenty_offers() {
    let gate = gate();
    let lab = Lab::new(small(), {
        let gate = Arc::clone(&gate);
        move |_| Answer::ok().behind(&gate)
    });
    let offers: Vec<_> = (0..20).map(|_| lab.pool.offer(get("/"), Discard)).collect();
    for (index, offer) in offers.iter().enumerate() {
        match offer {
            Offer::Taken => assert!(index < 8, "{index}"),
            Offer::Full(DispatchError::Full { bound, limit, .. }) => {
                assert!(index >= 8, "{index}");
                assert_eq!((*bound, *limit), (Bound::Queue, 5));
            }
            other => panic!("{index}: {other:?}"),
        }
    }
    settle().await;
    assert_eq!((lab.origin.attempts(), lab.origin.peak()), (3, 3));
    for task in 9..=20 {
        assert_eq!(lab.log.story(task), ["reject full"]);
    }
    let lane = lab.lane();
    assert_eq!((lane.running, lane.waiting), (3, 5));
    assert_eq!((lane.counts.queued, lane.counts.rejected), (8, 12));
    gate.add_permits(8);
    lab.is_clean().await;
    assert_eq!((lab.log.count("finish 200"), lab.origin.peak()), (8, 3));
}

#[tokio::test(start_paused = true)]
async fn permits_go_in_the_order_of_arrival() {
    let lab = Lab::new(bounds(1, 10), |_| Answer::ok().after(ms(10)));
    for path in ["/a", "/b", "/c", "/d"] {
        assert!(matches!(lab.pool.offer(get(path), Discard), Offer::Taken));
    }
    lab.is_clean().await;
    assert_eq!(lab.origin.paths(), ["/a", "/b", "/c", "/d"]);
    assert_eq!(lab.origin.arrivals(lab.began), [0, 10, 20, 30]);
}

#[tokio::test(start_paused = true)]
async fn who_has_no_permit_leaves_the_line_when_its_wait_is_over() {
    let settings = LaneSettings {
        wait: secs(2),
        ..bounds(1, 10)
    };
    let lab = Lab::new(settings, |_| Answer::hangs());
    assert!(matches!(lab.pool.offer(get("/"), Discard), Offer::Taken));
    let error = lab.get("/").await.expect_err("no permit");
    assert!(
        matches!(&error, DispatchError::Waited { stage: Stage::Admission, after, .. } if *after == secs(2)),
        "{error:?}"
    );
    assert!(error.is_refusal() && error.retry_after().is_some());
    assert_eq!(lab.began.elapsed(), secs(2));
    assert_eq!(lab.log.story(2), ["queue", "abandon waited"]);
    assert_eq!(lab.origin.attempts(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_caller_who_goes_away_leaves_the_line_and_loses_no_permit() {
    let gate = gate();
    let lab = Lab::new(bounds(1, 2), {
        let gate = Arc::clone(&gate);
        move |_| Answer::ok().behind(&gate)
    });
    let mut first = lab.callers([get("/first")]);
    settle().await;
    let mut gone = lab.callers([get("/gone"), get("/gone")]);
    settle().await;
    assert!(matches!(lab.pool.offer(get("/"), Discard), Offer::Full(_)));
    gone.shutdown().await;
    assert_eq!(lab.log.story(2), ["queue", "abandon cancelled"]);
    assert_eq!(lab.log.story(3), ["queue", "abandon cancelled"]);
    let mut last = lab.callers([get("/last")]);
    settle().await;
    gate.add_permits(2);
    assert_eq!(first.join_next().await.expect("first").expect("joined"), Ok(200));
    assert_eq!(last.join_next().await.expect("last").expect("joined"), Ok(200));
    assert_eq!(lab.origin.paths(), ["/first", "/last"]);
    lab.is_clean().await;
}

#[tokio::test(start_paused = true)]
async fn send_waits_for_room_in_order() {
    let lab = Lab::new(bounds(1, 1), |_| Answer::ok().after(secs(1)));
    let sends = ["/a", "/b", "/c", "/d", "/e"].map(|path| {
        let lab = &lab;
        async move {
            lab.pool.send(get(path), Discard).await.expect("taken");
            lab.began.elapsed()
        }
    });
    let taken = futures_util::future::join_all(sends).await;
    assert_eq!(taken, [secs(0), secs(0), secs(1), secs(2), secs(3)]);
    lab.is_clean().await;
    assert_eq!(lab.origin.paths(), ["/a", "/b", "/c", "/d", "/e"]);
    assert_eq!(lab.log.count("reject full"), 0);
}

#[tokio::test(start_paused = true)]
async fn a_send_that_is_given_up_leaves_no_trace_but_its_rejection() {
    let lab = Lab::new(bounds(1, 1), |_| Answer::ok().after(secs(1)));
    for _ in 0..2 {
        lab.pool.send(get("/"), Discard).await.expect("taken");
    }
    let given_up = tokio::time::timeout(ms(100), lab.pool.send(get("/given-up"), Discard));
    let patient = async { lab.pool.send(get("/patient"), Discard).await };
    let (given_up, patient) = tokio::join!(given_up, patient);
    assert!(given_up.is_err() && patient.is_ok());
    assert_eq!(lab.began.elapsed(), secs(1), "who stays moves up");
    assert_eq!(lab.log.story(3), ["reject cancelled"]);
    lab.is_clean().await;
    assert_eq!(lab.origin.paths(), ["/", "/", "/patient"]);
}

#[tokio::test(start_paused = true)]
async fn background_work_takes_three_tenths_of_the_permits_and_goes_last() {
    let gate = gate();
    let lab = Lab::new(bounds(10, 100), {
        let gate = Arc::clone(&gate);
        move |_| Answer::ok().behind(&gate)
    });
    let mut work = lab.callers((0..5).map(|_| background("/background")));
    settle().await;
    assert_eq!(lab.origin.attempts(), 3, "three of ten");
    let mut calls = lab.callers((0..8).map(|_| get("/call")));
    settle().await;
    assert_eq!(lab.origin.paths()[3..], ["/call"; 7], "the other seven");
    gate.add_permits(1);
    settle().await;
    assert_eq!(
        lab.origin.paths()[10..],
        ["/call"],
        "the call goes before the background work that came first"
    );
    gate.add_permits(100);
    while work.join_next().await.is_some() {}
    while calls.join_next().await.is_some() {}
    lab.is_clean().await;
    assert_eq!(lab.origin.attempts(), 13);
}

/// Background work that waits for its share holds up no request that there is a permit for.
#[tokio::test(start_paused = true)]
async fn a_send_of_background_work_that_waits_for_room_holds_up_no_other() {
    let lab = Lab::new(bounds(10, 2), |seen| match seen.uri.path() {
        "/background" => Answer::hangs(),
        _ => Answer::ok(),
    });
    for _ in 0..5 {
        lab.pool
            .send(background("/background"), Discard)
            .await
            .expect("taken");
    }
    let blocked = lab.pool.send(background("/background"), Discard);
    let free = async {
        lab.pool.send(get("/free"), Discard).await.expect("taken");
        lab.began.elapsed()
    };
    tokio::select! {
        biased;
        _ = blocked => panic!("there is no room for more background work"),
        took = free => assert_eq!(took, secs(0)),
    }
    settle().await;
    assert_eq!(
        lab.origin.paths(),
        ["/background", "/background", "/background", "/free"]
    );
}

/// A retry of background work that waits for its share holds up no other request either.
#[tokio::test(start_paused = true)]
async fn a_retry_of_background_work_that_waits_for_its_share_holds_up_no_other() {
    let settings = LaneSettings {
        retry: stoa_dispatch::RetrySettings::default(),
        ..bounds(10, 0)
    };
    let lab = Lab::new(settings, |seen| match (seen.uri.path(), seen.number) {
        ("/call", _) => Answer::ok(),
        (_, 0) => Answer::status(502),
        _ => Answer::hangs(),
    });
    assert!(matches!(
        lab.pool.offer(background("/failing"), Discard),
        Offer::Taken
    ));
    settle().await;
    for _ in 0..3 {
        assert!(matches!(
            lab.pool.offer(background("/hanging"), Discard),
            Offer::Taken
        ));
    }
    tokio::time::sleep(secs(1)).await;
    assert_eq!(
        (lab.origin.attempts(), lab.lane().waiting),
        (4, 1),
        "the retry waits for a share"
    );
    let before = lab.began.elapsed();
    assert_eq!(lab.outcome(get("/call")).await, Ok(200), "seven permits are free");
    assert_eq!(lab.began.elapsed(), before);
}

#[tokio::test(start_paused = true)]
async fn the_pool_as_a_whole_has_a_bound() {
    let lab = Lab::with(
        bounds(10, 10),
        |_| Answer::hangs(),
        |builder| builder.max_tasks(3),
    );
    for _ in 0..3 {
        assert!(matches!(lab.pool.offer(get("/"), Discard), Offer::Taken));
    }
    let other = LaneKey::named("elsewhere").expect("key");
    let refused = lab.pool.call(get("/").in_lane(other)).await.expect_err("full");
    assert!(
        matches!(
            refused,
            DispatchError::Full {
                bound: Bound::Tasks,
                limit: 3,
                ..
            }
        ),
        "{refused:?}"
    );
    let refused = lab.pool.send(get("/"), Discard).await.expect_err("full");
    assert!(matches!(
        refused,
        DispatchError::Full {
            bound: Bound::Tasks,
            ..
        }
    ));
    assert_eq!(lab.pool.outstanding(), 3);
    assert_eq!(lab.log.count("reject full"), 2);
}

/// Nothing is waited for, nothing is built: the queue of another lane is its own.
#[tokio::test(start_paused = true)]
async fn a_lane_that_is_full_leaves_the_others_alone() {
    let lab = Lab::new(bounds(1, 0), |seen| match seen.uri.path() {
        "/hanging" => Answer::hangs(),
        _ => Answer::ok(),
    });
    assert!(matches!(lab.pool.offer(get("/hanging"), Discard), Offer::Taken));
    assert_eq!(lab.outcome(lazy("/")).await, Err("full"));
    let other = LaneKey::named("elsewhere").expect("key");
    assert_eq!(lab.outcome(get("/").in_lane(other)).await, Ok(200));
    assert_eq!(lab.lane().lane, lane_key());
    assert!(Task::ready(request("/")).is_ok());
    assert_eq!(lab.began.elapsed(), secs(0));
}

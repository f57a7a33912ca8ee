//! The breaker of a lane: what opens it, what it refuses, and how it closes.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use stoa_dispatch::{
    BreakerMode, BreakerSettings, BreakerState, Discard, DispatchError, LaneSettings, LaneUpdate, Offer,
    Percent, TransportErrorKind,
};
use tokio::{
    sync::Semaphore,
    time::{Instant, sleep},
};

use crate::{
    lab::{Lab, bounds, gate, get, lane_key, lazy, ms, secs, settle},
    origin::{Answer, Flow, Seen},
};

/// Five failures in a row open it for a second; the share is switched off.
fn five() -> LaneSettings {
    LaneSettings {
        breaker: BreakerSettings {
            consecutive: 5,
            failure_rate: Percent::new(0).expect("percent"),
            ..BreakerSettings::default()
        },
        ..bounds(10, 2000)
    }
}

fn is_open(lab: &Lab) -> bool {
    let lane = lab.pool.lane(&lane_key());
    lane.is_some_and(|lane| matches!(lane.breaker, BreakerState::Open { .. }))
}

async fn trip(lab: &Lab) {
    for _ in 0..5 {
        assert_eq!(lab.outcome(get("/trip")).await, Ok(500));
    }
    assert!(is_open(lab));
}

/// B6.
#[tokio::test(start_paused = true)]
async fn ten_errors_of_the_server_open_it_after_five() {
    let lab = Lab::new(five(), |_| Answer::status(500));
    let mut outcomes = Vec::new();
    for _ in 0..10 {
        outcomes.push(lab.outcome(get("/")).await);
    }
    assert_eq!(outcomes[..5], [Ok(500); 5]);
    assert_eq!(outcomes[5..], [Err("breaker_open"); 5]);
    assert_eq!(lab.origin.attempts(), 5);
    assert!(is_open(&lab));
    assert_eq!(
        (lab.log.count("breaker Tripped"), lab.lane().counts.openings),
        (1, 1)
    );
    assert_eq!(
        lab.lane().last_failure.as_deref(),
        Some("500 Internal Server Error")
    );
    lab.is_clean().await;
}

/// B7.
#[tokio::test(start_paused = true)]
async fn the_first_probe_that_succeeds_closes_it_whatever_the_jitter() {
    for seed in 0..50 {
        let began = Instant::now();
        let random = parking_lot::Mutex::new(fastrand::Rng::with_seed(seed));
        let script = move |seen: &Seen| {
            if seen.at.duration_since(began) < secs(20) {
                Answer::fails(TransportErrorKind::Connect)
            } else {
                Answer::ok()
            }
        };
        let lab = Lab::with(five(), script, |builder| {
            builder.jitter(move || random.lock().f64())
        });
        let first = loop {
            if lab.outcome(get("/")).await == Ok(200) {
                break began.elapsed();
            }
            sleep(ms(50)).await;
        };
        assert!(first >= secs(20) && first <= secs(20 + 40), "{seed}: {first:?}");
        assert_eq!(lab.lane().breaker, BreakerState::Closed, "{seed}");
        assert_eq!(lab.log.count("breaker Closed"), 1, "{seed}");
        for _ in 0..20 {
            assert_eq!(lab.outcome(get("/")).await, Ok(200), "{seed}");
        }
        let probes = lab.log.count("breaker ProbeFailed");
        assert_eq!(lab.origin.attempts(), 5 + probes + 21, "{seed}");
        assert!((3..=6).contains(&probes), "{seed}: {probes}");
    }
}

/// B9.
#[tokio::test(start_paused = true)]
async fn while_it_is_open_a_thousand_are_refused_at_once_and_one_at_a_time_probes() {
    let gate = gate();
    let lab = Lab::new(five(), {
        let gate = Arc::clone(&gate);
        move |seen| match seen.number {
            0..5 => Answer::status(500),
            _ => Answer::ok().behind(&gate),
        }
    });
    trip(&lab).await;
    let mut callers = lab.callers((0..500).map(|_| get("/")));
    for _ in 0..500 {
        assert!(matches!(lab.pool.offer(get("/"), Discard), Offer::Taken));
    }
    let error = lab.get("/").await.expect_err("open");
    match &error {
        DispatchError::BreakerOpen {
            retry_after, cause, ..
        } => {
            assert_eq!(*retry_after, Some(secs(1)));
            assert_eq!(cause.as_deref(), Some("500 Internal Server Error"));
        }
        other => panic!("{other:?}"),
    }
    assert!(error.is_refusal() && error.retry_after() == Some(secs(1)));
    settle().await;
    assert_eq!(lab.pool.outstanding(), 0);
    assert_eq!((lab.origin.attempts(), lab.began.elapsed()), (5, secs(0)));
    while let Some(outcome) = callers.join_next().await {
        assert_eq!(outcome.expect("joined"), Err("breaker_open"));
    }
    // Now it may be probed: by one of a thousand, while the others are refused.
    sleep(secs(1)).await;
    assert_eq!(lab.lane().breaker, BreakerState::HalfOpen);
    let mut callers = lab.callers((0..500).map(|_| get("/")));
    for _ in 0..500 {
        drop(lab.pool.offer(get("/"), Discard));
    }
    settle().await;
    assert_eq!((lab.origin.attempts(), lab.origin.in_flight()), (6, 1));
    assert_eq!(lab.pool.outstanding(), 1, "nobody waits for the probe");
    gate.add_permits(1);
    lab.is_clean().await;
    assert_eq!(lab.origin.peak(), 1);
    assert_eq!(lab.log.count("breaker Closed"), 1);
    while let Some(outcome) = callers.join_next().await {
        assert_ne!(outcome.expect("joined"), Ok(500));
    }
    assert_eq!(lab.log.count("finish 200"), 1);
}

#[tokio::test(start_paused = true)]
async fn who_stands_in_line_is_told_at_once_when_it_opens() {
    let settings = LaneSettings {
        concurrency: crate::lab::fixed(1),
        ..five()
    };
    let builds = Arc::new(AtomicUsize::new(0));
    let lab = Lab::new(settings, |_| Answer::status(500).after(secs(1)));
    let count = Arc::clone(&builds);
    let tasks = (0..20).map(move |_| {
        let count = Arc::clone(&count);
        stoa_dispatch::Task::lazy(lane_key(), move || async move {
            count.fetch_add(1, Ordering::Relaxed);
            Ok(Some(crate::lab::request("/")))
        })
    });
    let mut callers = lab.callers(tasks);
    let mut refused = 0;
    while let Some(outcome) = callers.join_next().await {
        if outcome.expect("joined") == Err("breaker_open") {
            refused += 1;
            assert_eq!(lab.began.elapsed(), secs(5));
        }
    }
    assert_eq!((refused, lab.origin.attempts()), (15, 5));
    assert_eq!(
        builds.load(Ordering::Relaxed),
        5,
        "nobody had to have a permit to be told"
    );
    assert_eq!(lab.log.count("abandon breaker_open"), 15);
    lab.is_clean().await;
}

#[tokio::test(start_paused = true)]
async fn a_straggler_of_the_time_before_it_opened_says_nothing() {
    let (late, probe) = (gate(), gate());
    let script = |late: &Arc<Semaphore>, probe: &Arc<Semaphore>| {
        let (late, probe) = (Arc::clone(late), Arc::clone(probe));
        move |seen: &Seen| match seen.uri.path() {
            "/good" => Answer::ok().behind(&late),
            "/bad" => Answer::status(500).behind(&late),
            "/probe" => Answer::ok().behind(&probe),
            _ => Answer::status(500),
        }
    };
    let lab = Lab::new(five(), script(&late, &probe));
    let mut stragglers = lab.callers([get("/good"), get("/bad"), get("/bad")]);
    settle().await;
    trip(&lab).await;
    let BreakerState::Open { remaining } = lab.lane().breaker else {
        panic!("not open")
    };
    late.add_permits(2);
    settle().await;
    assert_eq!(
        lab.lane().breaker,
        BreakerState::Open { remaining },
        "neither closed nor prolonged"
    );
    sleep(remaining).await;
    let mut probes = lab.callers([get("/probe")]);
    settle().await;
    late.add_permits(1);
    settle().await;
    assert_eq!(lab.lane().breaker, BreakerState::HalfOpen, "the probe decides");
    probe.add_permits(1);
    assert_eq!(probes.join_next().await.expect("probe").expect("joined"), Ok(200));
    assert_eq!(lab.lane().breaker, BreakerState::Closed);
    while stragglers.join_next().await.is_some() {}
    lab.is_clean().await;
    assert_eq!(lab.lane().counts.openings, 1);
}

#[tokio::test(start_paused = true)]
async fn what_was_cancelled_or_refused_does_not_count() {
    let lab = Lab::new(five(), |seen| match seen.uri.path() {
        "/hangs" => Answer::hangs(),
        "/drips" => Answer::body(Flow::Drip),
        "/unsendable" => Answer::fails(TransportErrorKind::Request),
        _ => Answer::ok(),
    });
    for _ in 0..20 {
        let mut callers = lab.callers([get("/hangs")]);
        settle().await;
        callers.shutdown().await;
        // How little time a caller gives says nothing about the server.
        assert_eq!(lab.outcome(get("/hangs").within(ms(5))).await, Err("deadline"));
        drop(lab.get("/drips").await.expect("head"));
        assert_eq!(lab.outcome(get("/unsendable")).await, Err("transport"));
        let refusing = stoa_dispatch::FilterFn::new("no", |_: &stoa_dispatch::Request| Err("no".to_owned()));
        assert_eq!(
            lab.outcome(lazy("/").filtered(Arc::new(refusing))).await,
            Err("filtered")
        );
        let expired = get("/").perishable(Instant::now() - ms(1));
        assert_eq!(lab.outcome(expired).await, Err("expired"));
    }
    assert_eq!(
        (lab.lane().breaker, lab.lane().last_failure),
        (BreakerState::Closed, None)
    );
    lab.is_clean().await;
}

#[tokio::test(start_paused = true)]
async fn a_caller_who_takes_the_probe_along_leaves_it_to_the_next() {
    let lab = Lab::new(five(), |seen| match seen.number {
        0..5 => Answer::status(500),
        5 => Answer::hangs(),
        _ => Answer::ok(),
    });
    trip(&lab).await;
    sleep(secs(1)).await;
    let mut probe = lab.callers([get("/")]);
    settle().await;
    assert_eq!(lab.outcome(get("/")).await, Err("breaker_open"));
    probe.shutdown().await;
    assert_eq!(lab.outcome(get("/")).await, Ok(200));
    assert_eq!(lab.lane().breaker, BreakerState::Closed);
    lab.is_clean().await;
}

#[tokio::test(start_paused = true)]
async fn a_share_of_failures_opens_it_once_there_are_enough() {
    let settings = LaneSettings {
        breaker: BreakerSettings {
            consecutive: 0,
            ..BreakerSettings::default()
        },
        ..bounds(10, 10)
    };
    let lab = Lab::new(settings, |seen| {
        Answer::status(if seen.number % 2 == 0 { 502 } else { 200 })
    });
    for attempt in 1..=20 {
        assert!(!is_open(&lab), "{attempt}");
        lab.outcome(get("/")).await.expect("answered");
    }
    // Half of the window's 20: the twentieth is a success, so that the next failure is what opens it.
    assert_eq!(lab.outcome(get("/")).await, Ok(502));
    assert!(is_open(&lab));
    assert_eq!(lab.origin.attempts(), 21);
}

#[tokio::test(start_paused = true)]
async fn a_body_that_is_cut_counts_as_a_failure_and_ends_no_row() {
    let lab = Lab::new(five(), |_| Answer::body(Flow::Cut("half".into())));
    for _ in 0..5 {
        assert!(!is_open(&lab));
        assert_eq!(lab.outcome(get("/")).await, Err("transport"));
    }
    assert!(is_open(&lab), "the heads were good, the responses were not");
}

#[tokio::test(start_paused = true)]
async fn a_probe_is_judged_by_its_head() {
    let lab = Lab::new(five(), |seen| match seen.number {
        0..5 => Answer::status(500),
        5 => Answer::body(Flow::Drip),
        _ => Answer::ok(),
    });
    trip(&lab).await;
    sleep(secs(1)).await;
    let slow = lab.get("/").await.expect("head");
    assert_eq!(lab.lane().breaker, BreakerState::Closed);
    assert_eq!(lab.outcome(get("/")).await, Ok(200));
    drop(slow);
    lab.is_clean().await;
}

#[tokio::test(start_paused = true)]
async fn it_can_be_overridden() {
    let lab = Lab::new(five(), |_| Answer::status(500));
    let set = |mode| {
        let update = LaneUpdate {
            breaker: Some(mode),
            ..LaneUpdate::default()
        };
        lab.pool.set_lane(&lane_key(), &update).expect("lane")
    };
    set(BreakerMode::ForcedOpen);
    let error = lab.get("/").await.expect_err("forced");
    assert!(
        matches!(
            error,
            DispatchError::BreakerOpen {
                retry_after: None,
                ..
            }
        ),
        "{error:?}"
    );
    for mode in [BreakerMode::Observe, BreakerMode::Disabled] {
        set(mode);
        for _ in 0..10 {
            assert_eq!(lab.outcome(get("/")).await, Ok(500), "{mode:?}");
        }
    }
    set(BreakerMode::Active);
    trip(&lab).await;
    let lane = lab.pool.reset_lane(&lane_key()).expect("lane");
    assert_eq!(
        (lane.breaker, lane.overridden, lane.mode),
        (BreakerState::Closed, false, BreakerMode::Active)
    );
    assert_eq!(lab.outcome(get("/")).await, Ok(500));
}

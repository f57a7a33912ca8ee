//! B3: whatever happens to a hundred thousand tasks, the books balance.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use parking_lot::Mutex;
use stoa_dispatch::{
    Class, Discard, Drain, FilterFn, Health, HealthCounts, LaneCounts, LaneKey, LaneSettings, Pool, Request,
    Response, RetrySettings, Task, TransportErrorKind,
};
use tokio::{
    task::JoinSet,
    time::{Instant, sleep, timeout},
};

use crate::{
    lab::{Lab, bounds, ms, request, secs},
    origin::{Answer, Flow},
};

const SENDERS: u64 = 8;
const TASKS: u64 = 12_500;

type Dice = Arc<Mutex<fastrand::Rng>>;

fn roll(dice: &Dice, sides: u64) -> u64 {
    dice.lock().u64(0..sides)
}

/// A server of all moods.
fn answer(dice: &Dice) -> Answer {
    let piece = Bytes::from_static(b"piece");
    let answer = match roll(dice, 40) {
        0 => Answer::status(500),
        1 => Answer::status(502),
        2 => Answer::status(429).header("retry-after", "1"),
        3 => Answer::fails(TransportErrorKind::Connect),
        4 => Answer::fails(TransportErrorKind::Request),
        5 => Answer::panics(),
        6 => Answer::hangs(),
        7 => Answer::body(Flow::Endless),
        8 => Answer::body(Flow::Drip),
        9 => Answer::body(Flow::Cut(piece)),
        10 => Answer::body(Flow::Stalls(piece)),
        11 => Answer::body(Flow::Panics(piece)),
        12 => Answer::empty(),
        _ => Answer::ok(),
    };
    answer.after(ms(roll(dice, 20)))
}

fn task(dice: &Dice) -> Task {
    let lane = LaneKey::named(&format!("lane-{}", roll(dice, 4))).expect("key");
    let task = match roll(dice, 40) {
        0 => Task::lazy(lane, || async { Ok(None) }),
        1 => Task::lazy(lane, || async { Err("broken".into()) }),
        2 => Task::lazy(lane, || async { panic!("in the recipe") }),
        3 => Task::lazy(lane, || -> std::future::Ready<_> { panic!("no future") }),
        4..20 => Task::lazy(lane, || async { Ok(Some(request("/lazy"))) }),
        _ => Task::ready(request("/ready")).expect("task").in_lane(lane),
    };
    let task = match roll(dice, 40) {
        0 => task.perishable(Instant::now() - ms(1)),
        1 => task.perishable(Instant::now() + ms(20)),
        2 => task.within(ms(30)),
        3 => task.filtered(Arc::new(FilterFn::new("no", |_: &Request| Err("no".to_owned())))),
        4 => task.filtered(Arc::new(FilterFn::new("panics", |_: &Request| {
            panic!("in the filter")
        }))),
        5..12 => task.urgency(Class::Background),
        _ => task,
    };
    task.within(secs(2))
}

/// Hands over one task in one of the ways, and perhaps gives it up.
async fn hand_over(pool: &Pool, dice: &Dice) {
    let task = task(dice);
    let patience = match roll(dice, 10) {
        0 => Duration::ZERO,
        1 => ms(roll(dice, 50)),
        _ => secs(3600),
    };
    match roll(dice, 8) {
        0..3 => drop(pool.offer(task, Discard)),
        3 => {
            let consumer = |_: Response, _| async { panic!("in the consumer") };
            drop(timeout(patience, pool.send(task, consumer)).await);
        }
        4 => {
            let consumer = |response: Response, _| async {
                drop(response.into_body().bytes(1 << 20).await);
                sleep(ms(5)).await;
            };
            drop(timeout(patience, pool.send(task, consumer)).await);
        }
        5 => drop(timeout(patience, pool.send(task, Discard)).await),
        6 => drop(timeout(patience, pool.call(task)).await),
        _ => {
            if let Ok(Ok(response)) = timeout(patience, pool.call(task)).await {
                response.into_body().drain().await;
            }
        }
    }
}

fn settings() -> LaneSettings {
    let mut settings = LaneSettings {
        wait: ms(500),
        attempt: ms(400),
        idle: ms(300),
        retry: RetrySettings::default(),
        max_throttle: ms(30),
        ..bounds(8, 10)
    };
    settings.breaker.consecutive = 3;
    settings.breaker.open = ms(20);
    settings
}

fn sum(pool: &Pool) -> LaneCounts {
    let (lanes, mut all) = pool.totals();
    for lane in lanes {
        all += lane.counts;
    }
    all
}

#[tokio::test(start_paused = true)]
async fn of_a_hundred_thousand_tasks_each_has_its_events_once_and_in_order() {
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let dice: Dice = Arc::new(Mutex::new(fastrand::Rng::with_seed(seed)));
    let health = Arc::new(Health::new());
    let (script, jitter) = (Arc::clone(&dice), Arc::clone(&dice));
    let lab = Lab::with(
        settings(),
        move |_| answer(&script),
        |builder| {
            builder
                .listener(Arc::clone(&health) as _)
                .jitter(move || jitter.lock().f64())
        },
    );
    let mut senders = JoinSet::new();
    for _ in 0..SENDERS {
        let (pool, dice) = (lab.pool.clone(), Arc::clone(&dice));
        senders.spawn(async move {
            for _ in 0..TASKS {
                hand_over(&pool, &dice).await;
                if roll(&dice, 4) == 0 {
                    sleep(ms(roll(&dice, 10))).await;
                }
            }
        });
    }
    while let Some(sender) = senders.join_next().await {
        sender.expect("sender");
    }
    let report = lab.pool.close(Drain { timeout: secs(60) }).await.expect("first");
    assert_eq!((report.aborted, report.abandoned, report.left), (0, 0, 0));
    lab.is_clean().await;
    assert_eq!(lab.log.is_sound() as u64, SENDERS * TASKS);

    balances(&lab, &health.counts());
    let all = lab.log.counts();
    // Everything that can happen has happened.
    for word in [
        "reject full",
        "reject cancelled",
        "abandon cancelled",
        "abandon breaker_open",
        "finish 200",
        "finish 204",
        "finish 500",
        "finish panic",
        "finish build",
        "finish expired",
        "finish filtered",
        "finish breaker_open",
        "finish cancelled",
        "finish transport",
        "finish attempt_timeout",
        "finish idle_timeout",
        "retry 1",
        "throttle 0",
        "breaker Tripped",
        "breaker ProbeFailed",
        "breaker Closed",
    ] {
        assert!(all.contains_key(word), "{word} of {all:?}");
    }
}

/// Events, counts of lanes, health and server say the same.
fn balances(lab: &Lab, health: &HealthCounts) {
    let all = lab.log.counts();
    let count = |prefix: &str| {
        let of = all
            .iter()
            .filter(|(word, _)| word.split(' ').next() == Some(prefix));
        of.map(|(_, count)| *count as u64).sum::<u64>()
    };
    assert_eq!(count("queue") + count("reject"), SENDERS * TASKS);
    assert_eq!(count("start") + count("abandon"), count("queue"));
    assert_eq!(count("finish"), count("start"));
    let lanes = sum(&lab.pool);
    assert_eq!(
        (lanes.queued, lanes.started, lanes.abandoned),
        (count("queue"), count("start"), count("abandon"))
    );
    assert_eq!(lanes.succeeded + lanes.failed + lanes.refused, lanes.started);
    assert_eq!(lanes.attempts, lab.origin.attempts() as u64);
    assert_eq!(
        (health.queued, health.rejected),
        (count("queue"), count("reject"))
    );
    assert_eq!(
        (health.succeeded, health.failed),
        (lanes.succeeded, lanes.failed + lanes.refused + lanes.abandoned)
    );
}

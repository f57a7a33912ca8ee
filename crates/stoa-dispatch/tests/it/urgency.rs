//! Interactive work is not held up by background work, and moves up wherever it waits as soon as a caller joins it.

use std::sync::Arc;

use stoa_dispatch::{Class, Discard, LaneSettings, Offer, Permits, RetrySettings, Task, Urgency};
use tokio::task::JoinSet;

use crate::{
    lab::{Lab, background, bounds, gate, get, ms, secs, settle},
    origin::Answer,
};

/// Four at a time, a thousand in line, each behind the gate.
fn crowded() -> (Lab, Arc<tokio::sync::Semaphore>) {
    let gate = gate();
    let lab = Lab::new(bounds(4, 1100), {
        let gate = Arc::clone(&gate);
        move |_| Answer::ok().behind(&gate)
    });
    (lab, gate)
}

fn offer(lab: &Lab, task: Task) {
    assert!(matches!(lab.pool.offer(task, Discard), Offer::Taken));
}

fn shared(path: &str, urgency: &Urgency) -> Task {
    get(path).urgency(urgency.clone())
}

#[tokio::test(start_paused = true)]
async fn an_interactive_request_is_sent_at_once_while_a_thousand_background_ones_wait() {
    let (lab, gate) = crowded();
    for _ in 0..1000 {
        offer(&lab, background("/background"));
    }
    settle().await;
    let on_the_wire = lab.origin.attempts();
    assert_eq!(
        (on_the_wire, lab.lane().waiting),
        (1, 999),
        "three tenths of four"
    );
    let mut call = lab.callers([get("/call")]);
    settle().await;
    assert_eq!(
        lab.origin.paths(),
        ["/background", "/call"],
        "it waits for none of them"
    );
    gate.add_permits(2);
    assert_eq!(call.join_next().await.expect("call").expect("joined"), Ok(200));
    gate.add_permits(1000);
    lab.is_clean().await;
    assert_eq!((lab.origin.attempts(), lab.log.count("finish 200")), (1001, 1001));
}

#[tokio::test(start_paused = true)]
async fn interactive_requests_wait_only_for_what_is_on_the_wire() {
    let (lab, gate) = crowded();
    for _ in 0..1000 {
        offer(&lab, background("/background"));
    }
    let mut calls = lab.callers((0..8).map(|_| get("/call")));
    settle().await;
    assert_eq!(lab.origin.attempts(), 4);
    gate.add_permits(4);
    settle().await;
    let paths = lab.origin.paths();
    assert_eq!(paths[..4], ["/background", "/call", "/call", "/call"]);
    assert_eq!(paths[4..], ["/call"; 4], "each permit went to a call");
    gate.add_permits(2000);
    while calls.join_next().await.is_some() {}
    lab.is_clean().await;
}

#[tokio::test(start_paused = true)]
async fn a_raised_task_starts_before_the_other_999_and_in_the_order_of_its_arrival() {
    let (lab, gate) = crowded();
    let urgency = Urgency::shared();
    for number in 0..1000 {
        let task = if number == 700 {
            shared("/raised", &urgency)
        } else {
            background("/background")
        };
        offer(&lab, task);
    }
    // Takes the three other permits, so that a call has to wait.
    for path in ["/running", "/running", "/running", "/later"] {
        offer(&lab, get(path));
    }
    settle().await;
    assert_eq!(lab.origin.attempts(), 4);
    let _interest = urgency.raise();
    settle().await;
    assert_eq!(lab.origin.attempts(), 4, "there is no permit for it yet");
    gate.add_permits(2);
    settle().await;
    assert_eq!(
        lab.origin.paths()[4..],
        ["/raised", "/later"],
        "it arrived before the other"
    );
    gate.add_permits(2000);
    lab.is_clean().await;
    assert_eq!(lab.origin.attempts(), 1004);
}

#[tokio::test(start_paused = true)]
async fn a_task_falls_back_when_its_last_caller_goes() {
    let (lab, gate) = crowded();
    let urgency = Urgency::shared();
    let (first, second) = (urgency.raise(), urgency.raise());
    for path in ["/running", "/running", "/running", "/running"] {
        offer(&lab, get(path));
    }
    offer(&lab, background("/before"));
    offer(&lab, shared("/fallen", &urgency));
    offer(&lab, background("/after"));
    drop(first);
    settle().await;
    assert_eq!(lab.log.count("start"), 4);
    drop(second);
    settle().await;
    for _ in 0..3 {
        gate.add_permits(2);
        settle().await;
    }
    assert_eq!(lab.origin.paths()[4..], ["/before", "/fallen", "/after"]);
    gate.add_permits(100);
    lab.is_clean().await;
}

#[tokio::test(start_paused = true)]
async fn a_raised_task_that_waits_for_room_is_taken_first() {
    let lab = Lab::new(bounds(1, 1), |_| Answer::ok().after(secs(1)));
    let urgency = Urgency::shared();
    let mut sends = JoinSet::new();
    let tasks = [
        get("/running"),
        get("/queued"),
        background("/background"),
        shared("/raised", &urgency),
        background("/background"),
        get("/later"),
    ];
    for task in tasks {
        let pool = lab.pool.clone();
        sends.spawn(async move { pool.send(task, Discard).await });
        settle().await;
    }
    let _interest = urgency.raise();
    while let Some(sent) = sends.join_next().await {
        sent.expect("joined").expect("taken");
    }
    lab.is_clean().await;
    assert_eq!(
        lab.origin.paths(),
        [
            "/running",
            "/queued",
            "/raised",
            "/later",
            "/background",
            "/background"
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_raised_task_that_waits_for_the_rate_goes_first() {
    let settings = LaneSettings {
        rate: Some("1/s".parse().expect("rate")),
        ..bounds(10, 100)
    };
    let lab = Lab::new(settings, |_| Answer::ok());
    let urgency = Urgency::shared();
    for task in [
        get("/first"),
        background("/background"),
        background("/background"),
        shared("/raised", &urgency),
        get("/later"),
    ] {
        offer(&lab, task);
    }
    settle().await;
    assert_eq!(
        lab.lane().running,
        4,
        "three background ones wait for the rate, and a call"
    );
    let _interest = urgency.raise();
    lab.is_clean().await;
    assert_eq!(
        lab.origin.paths(),
        ["/first", "/raised", "/later", "/background", "/background"]
    );
    assert_eq!(lab.origin.arrivals(lab.began), [0, 1000, 2000, 3000, 4000]);
}

#[tokio::test(start_paused = true)]
async fn a_raised_retry_gets_its_permit_outside_of_the_share() {
    let settings = LaneSettings {
        retry: RetrySettings::default(),
        ..bounds(10, 10)
    };
    let lab = Lab::new(settings, |seen| match (seen.uri.path(), seen.number) {
        ("/raised", 0) => Answer::status(502),
        ("/raised", _) => Answer::ok(),
        _ => Answer::hangs(),
    });
    let urgency = Urgency::shared();
    offer(&lab, shared("/raised", &urgency));
    settle().await;
    for _ in 0..3 {
        offer(&lab, background("/hanging"));
    }
    tokio::time::sleep(secs(1)).await;
    assert_eq!((lab.origin.attempts(), lab.lane().waiting), (4, 1));
    let _interest = urgency.raise();
    settle().await;
    assert_eq!((lab.origin.attempts(), lab.lane().waiting), (5, 0));
    assert_eq!(lab.log.story(1), ["queue", "start", "retry 1", "finish 200"]);
}

#[tokio::test(start_paused = true)]
async fn permits_for_other_work_follow_the_same_order() {
    let permits = Permits::new(4);
    let (background, urgency) = (Urgency::from(Class::Background), Urgency::shared());
    let running = permits.acquire(&background).await;
    let order = Arc::new(parking_lot::Mutex::new(Vec::new()));
    let mut waiting = JoinSet::new();
    for (name, urgency) in [
        ("before", &background),
        ("raised", &urgency),
        ("after", &background),
    ] {
        let (permits, urgency, order) = (permits.clone(), urgency.clone(), Arc::clone(&order));
        waiting.spawn(async move {
            let _permit = permits.acquire(&urgency).await;
            order.lock().push(name);
            tokio::time::sleep(ms(1)).await;
        });
        settle().await;
    }
    assert_eq!((permits.limit(), permits.used(), permits.waiting()), (4, 1, 3));
    let interest = urgency.raise();
    settle().await;
    assert_eq!(*order.lock(), ["raised"], "it takes no part of the share");
    drop(interest);
    drop(running);
    while let Some(ended) = waiting.join_next().await {
        ended.expect("joined");
    }
    assert_eq!(*order.lock(), ["raised", "before", "after"]);
    assert_eq!((permits.used(), permits.waiting()), (0, 0));
}

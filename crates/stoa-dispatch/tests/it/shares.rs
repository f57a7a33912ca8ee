//! Shares: what is slow for one of them, or fails for one, is no trouble for the others.

use std::time::Duration;

use stoa_dispatch::{
    Bound, BreakerState, Class, DispatchError, LaneKey, Permits, Share, Task, Throttled, Urgency,
};
use tokio::time::{sleep, timeout};

use crate::{
    lab::{LANE, Lab, bounds, get, secs, settle, small},
    origin::{Answer, Flow, Seen},
};

fn script(seen: &Seen) -> Answer {
    match seen.uri.path() {
        "/hangs" => Answer::hangs(),
        "/fails" => Answer::status(500),
        "/slow" => Answer::body(Flow::Slow(secs(60), 3)),
        "/drips" => Answer::body(Flow::Slow(secs(1), 6)),
        "/ages" => Answer::status(503).header("retry-after", "99999999999"),
        _ => Answer::ok(),
    }
}

fn of(share: &str, path: &str) -> Task {
    get(path).share(Share::named(share))
}

/// In the lane of a server of its own.
fn at(host: &str, path: &str) -> Task {
    get(path).in_lane(LaneKey::named(host).expect("key"))
}

#[tokio::test(start_paused = true)]
async fn a_share_that_hangs_leaves_permits_and_places_for_the_others() {
    let lab = Lab::new(bounds(20, 50), script);
    let mut hanging = lab.callers((0..100).map(|_| of("slow", "/hangs")));
    settle().await;
    let lane = lab.lane();
    assert_eq!((lane.running, lane.waiting, lane.counts.rejected), (15, 50, 35));
    for _ in 0..100 {
        assert_eq!(lab.outcome(of("other", "/")).await, Ok(200));
    }
    assert_eq!(lab.began.elapsed(), secs(0));
    // Background work of others is served, too, and so is work without a share.
    assert_eq!(
        lab.outcome(of("other", "/").urgency(Class::Background)).await,
        Ok(200)
    );
    assert_eq!(lab.outcome(get("/")).await, Ok(200));
    hanging.abort_all();
    while hanging.join_next().await.is_some() {}
    lab.is_clean().await;
}

#[tokio::test(start_paused = true)]
async fn many_at_once_from_one_share_do_not_fill_the_queue_against_others() {
    let lab = Lab::new(bounds(1, 10), script);
    let _running = lab.callers([get("/hangs")]);
    settle().await;
    let mut crowd = lab.callers((0..10).map(|_| of("crowd", "/")));
    settle().await;
    let mut late = lab.callers((0..3).map(|_| of("late", "/")));
    settle().await;
    assert_eq!((lab.lane().waiting, lab.log.count("abandon full")), (10, 3));
    for _ in 0..3 {
        assert_eq!(
            crowd.join_next().await.expect("one of it").expect("joined"),
            Err("full")
        );
    }
    crowd.abort_all();
    late.abort_all();
    while crowd.join_next().await.is_some() || late.join_next().await.is_some() {}
}

#[tokio::test(start_paused = true)]
async fn one_share_never_has_all_tasks_of_the_pool() {
    let lab = Lab::with(bounds(100, 100), script, |builder| builder.max_tasks(40));
    let mut hanging = lab.callers((0..50).map(|_| of("slow", "/hangs")));
    settle().await;
    assert_eq!(lab.pool.outstanding(), 30);
    let error = lab
        .pool
        .call(of("slow", "/"))
        .await
        .expect_err("its part is taken");
    assert!(
        matches!(
            error,
            DispatchError::Full {
                bound: Bound::Share,
                limit: 40,
                ..
            }
        ),
        "{error:?}"
    );
    assert_eq!(lab.outcome(of("other", "/")).await, Ok(200));
    hanging.abort_all();
    while hanging.join_next().await.is_some() {}
    assert_eq!(lab.outcome(of("slow", "/")).await, Ok(200));
    lab.is_clean().await;
}

#[tokio::test(start_paused = true)]
async fn a_named_server_has_its_lane_whatever_others_do() {
    let named = LaneKey::named(LANE).expect("key");
    let lab = Lab::with(small(), script, |builder| builder.max_lanes(4).named([named]));
    assert_eq!(lab.outcome(get("/")).await, Ok(200));
    sleep(secs(1)).await;
    let mut hanging = lab.callers((0..20).map(|n| at(&format!("www.evil{n}.test"), "/hangs")));
    settle().await;
    assert_eq!((lab.pool.lanes().len(), lab.log.count("reject full")), (5, 16));
    assert!(lab.lane().named);
    assert_eq!(lab.outcome(get("/")).await, Ok(200));
    assert_eq!(lab.began.elapsed(), secs(1));
    hanging.abort_all();
    while hanging.join_next().await.is_some() {}
    lab.is_clean().await;
}

#[tokio::test(start_paused = true)]
async fn a_site_with_many_hosts_makes_room_for_others() {
    let lab = Lab::with(small(), script, |builder| builder.max_lanes(4));
    let mut hanging = lab.callers((0..4).map(|n| at(&format!("h{n}.evil.test"), "/hangs")));
    settle().await;
    // One more of its own gets nothing.
    assert_eq!(lab.outcome(at("h5.evil.test", "/")).await, Err("full"));
    // A newcomer does, and the one that has been in use for the longest time goes.
    assert_eq!(lab.outcome(at("good.test", "/")).await, Ok(200));
    assert_eq!(
        hanging.join_next().await.expect("one").expect("joined"),
        Err("evicted")
    );
    assert_eq!(
        lab.outcome(at("other.test", "/")).await,
        Ok(200),
        "an idle lane goes first"
    );
    assert_eq!(hanging.len(), 3);
    // Nothing is lost of what was counted.
    let (lanes, gone) = lab.pool.totals();
    assert_eq!((lanes.len(), gone.failed, gone.succeeded), (4, 1, 1));
    // Among sites that have one each, nobody has to go.
    let full = Lab::with(small(), script, |builder| builder.max_lanes(2));
    let _hanging = full.callers((0..2).map(|n| at(&format!("www.site{n}.test"), "/hangs")));
    settle().await;
    assert_eq!(full.outcome(at("good.test", "/")).await, Err("full"));
    hanging.abort_all();
    while hanging.join_next().await.is_some() {}
    lab.is_clean().await;
}

#[tokio::test(start_paused = true)]
async fn hosts_that_never_answer_make_room_for_others_after_a_while() {
    let lab = Lab::with(small(), script, |builder| builder.max_lanes(3));
    let answered = lab.pool.call(at("www.old.test", "/slow")).await.expect("head");
    let mut hanging = lab.callers([at("www.site0.test", "/hangs")]);
    sleep(secs(1)).await;
    let _later = lab.callers([at("www.site1.test", "/hangs")]);
    settle().await;
    sleep(Duration::from_millis(900)).await;
    assert_eq!(lab.outcome(at("good.test", "/")).await, Err("full"), "too early");
    sleep(Duration::from_millis(100)).await;
    assert_eq!(lab.outcome(at("good.test", "/")).await, Ok(200));
    let evicted = hanging.join_next().await.expect("one").expect("joined");
    assert_eq!(
        evicted,
        Err("evicted"),
        "the one that has been silent for longest"
    );
    let lanes: Vec<_> = lab
        .pool
        .lanes()
        .iter()
        .map(|lane| lane.lane.to_string())
        .collect();
    assert_eq!(lanes, ["good.test", "www.old.test", "www.site1.test"]);
    drop(answered);
}

#[tokio::test(start_paused = true)]
async fn hosts_that_hang_after_an_answer_make_room_too_and_those_that_go_on_do_not() {
    let lab = Lab::with(small(), script, |builder| builder.max_lanes(3));
    // An answer of long ago is no excuse, and an idle hour is no silence.
    for host in ["www.site0.test", "www.site1.test"] {
        assert_eq!(lab.outcome(at(host, "/")).await, Ok(200));
    }
    sleep(secs(10)).await;
    let mut hanging = lab.callers((0..2).map(|n| at(&format!("www.site{n}.test"), "/hangs")));
    let slow = lab.pool.call(at("www.slow.test", "/drips")).await.expect("head");
    let mut reading = tokio::task::JoinSet::new();
    reading.spawn(async {
        slow.into_body()
            .bytes(100)
            .await
            .map(|all| all.map(|all| all.len()))
    });
    sleep(Duration::from_millis(4900)).await;
    assert_eq!(lab.outcome(at("good.test", "/")).await, Err("full"), "too early");
    sleep(Duration::from_millis(100)).await;
    assert_eq!(lab.outcome(at("good.test", "/")).await, Ok(200));
    let evicted = hanging.join_next().await.expect("one").expect("joined");
    assert_eq!(evicted, Err("evicted"));
    assert_eq!(hanging.len(), 1);
    let read = reading.join_next().await.expect("one").expect("joined");
    assert_eq!(read.expect("a body that moves is left alone"), Some(6));
}

#[tokio::test(start_paused = true)]
async fn what_fails_for_one_share_does_not_stop_the_others() {
    let lab = Lab::new(bounds(20, 50), script);
    for _ in 0..10 {
        assert_eq!(lab.outcome(of("bad", "/fails")).await, Ok(500));
    }
    assert_eq!(lab.outcome(of("bad", "/")).await, Err("breaker_open"));
    let shown = lab.lane();
    assert!(
        matches!(shown.breaker, BreakerState::Open { .. }),
        "nothing has succeeded"
    );
    assert_eq!(lab.outcome(of("good", "/")).await, Ok(200));
    let shown = lab.lane();
    assert_eq!((shown.breaker, shown.open_shares), (BreakerState::Closed, 1));
    assert_eq!(shown.counts.openings, 1);
}

#[tokio::test(start_paused = true)]
async fn a_pause_of_ages_lasts_minutes_where_nothing_else_is_said() {
    let lab = Lab::new(small_with_default_throttle(), |seen| match seen.number {
        0 | 1 => Answer::status(503).header("retry-after", "99999999999"),
        _ => Answer::ok(),
    });
    let response = lab.get("/").await.expect("delivered");
    let throttled = response.extensions().get::<Throttled>().copied();
    assert_eq!(throttled, Some(Throttled { pause: secs(120) }));
    drop(response);
    sleep(secs(119)).await;
    assert_eq!(
        lab.outcome(get("/").within(Duration::from_millis(500))).await,
        Err("rate")
    );
    // One tries, is told the same, and the others still wait.
    sleep(secs(1)).await;
    assert_eq!(lab.outcome(get("/")).await, Ok(503));
    assert_eq!(lab.outcome(get("/")).await, Err("rate"));
    assert_eq!(lab.origin.attempts(), 2);
    // The next one is answered, and with that the pause is over.
    sleep(secs(120)).await;
    for _ in 0..10 {
        assert_eq!(lab.outcome(get("/")).await, Ok(200));
    }
    assert_eq!(lab.began.elapsed(), secs(240));
    assert_eq!(lab.lane().throttled, None);
    lab.is_clean().await;
}

fn small_with_default_throttle() -> stoa_dispatch::LaneSettings {
    let max_throttle = stoa_dispatch::LaneSettings::default().max_throttle;
    assert_eq!(max_throttle, secs(120));
    small()
}

#[tokio::test(start_paused = true)]
async fn permits_are_divided_too() {
    let permits = Permits::new(8);
    let (slow, other) = (Share::named("slow"), Share::named("other"));
    let urgency = Urgency::default();
    let mut held = Vec::new();
    while let Ok(permit) = timeout(secs(1), permits.acquire_for(&slow, &urgency)).await {
        held.push(permit);
    }
    assert_eq!((held.len(), permits.waiting()), (6, 0));
    let quick = timeout(secs(0), permits.acquire_for(&other, &urgency)).await;
    drop(quick.expect("there is one for others"));
    drop(held);
    assert_eq!(permits.used(), 0);
}

#[tokio::test(start_paused = true)]
async fn what_nobody_waits_for_any_more_ends_soon() {
    let lab = Lab::new(bounds(2, 50), script);
    let urgency = Urgency::shared();
    let hanging = lab.callers((0..5).map(|_| get("/hangs").urgency(urgency.clone())));
    let caller = Urgency::fixed(Class::Interactive);
    let waits = caller.lend(&urgency, std::future::pending::<()>());
    assert!(timeout(secs(20), waits).await.is_err());
    assert_eq!((lab.lane().running, lab.lane().waiting), (2, 3));
    sleep(secs(6)).await;
    assert_eq!((lab.lane().running, lab.lane().waiting), (0, 0));
    let ended: Vec<_> = hanging.join_all().await;
    assert_eq!(ended, [Err("abandoned"); 5]);
    // What nobody ever waited for is background work, and takes the time that it needs.
    let background = get("/hangs").urgency(Urgency::shared()).within(secs(30));
    assert_eq!(lab.outcome(background).await, Err("deadline"));
    lab.is_clean().await;
}

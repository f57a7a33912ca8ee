//! The lanes of a pool: bounded in number, collected when idle, never while in use; what they counted stays.

use std::time::Duration;

use stoa_dispatch::{
    Bound, BreakerState, Discard, DispatchError, LaneKey, LaneSettings, LaneUpdate, Offer, Pool,
};
use tokio::time::sleep;

use crate::{
    lab::{Lab, bounds, get, ms, secs, settle, small},
    origin::{Answer, Flow},
};

fn key(name: &str) -> LaneKey {
    LaneKey::named(name).expect("key")
}

fn names(pool: &Pool) -> Vec<String> {
    pool.lanes().iter().map(|lane| lane.lane.to_string()).collect()
}

fn lab(settings: LaneSettings, max: usize, idle: Duration) -> Lab {
    let script = |seen: &crate::origin::Seen| match seen.uri.path() {
        "/hangs" => Answer::hangs(),
        "/fails" => Answer::status(500),
        "/throttling" => Answer::status(429).header("retry-after", "100"),
        "/slow" => Answer::body(Flow::Slow(secs(5), 3)),
        _ => Answer::ok(),
    };
    Lab::with(settings, script, |builder| builder.max_lanes(max).lane_idle(idle))
}

impl Lab {
    async fn ask(&self, lane: &str, path: &str) -> Result<u16, &'static str> {
        self.outcome(get(path).in_lane(key(lane))).await
    }
}

/// B13, the map.
#[tokio::test(start_paused = true)]
async fn fifty_thousand_lanes_are_never_more_than_the_bound_and_lose_no_count() {
    let lab = lab(small(), 100, secs(60));
    for number in 0..50_000 {
        assert_eq!(lab.ask(&format!("host-{number}.test"), "/").await, Ok(200));
        if number % 500 == 0 {
            assert!(lab.pool.lanes().len() <= 100);
        }
    }
    let (lanes, gone) = lab.pool.totals();
    assert_eq!(lanes.len(), 100);
    let here: u64 = lanes.iter().map(|lane| lane.counts.succeeded).sum();
    assert_eq!((here, gone.succeeded), (100, 49_900));
    assert_eq!(
        (gone.queued, gone.started, gone.attempts),
        (49_900, 49_900, 49_900)
    );
    sleep(secs(62)).await;
    let (lanes, gone) = lab.pool.totals();
    assert_eq!((lanes.len(), gone.succeeded), (0, 50_000));
}

#[tokio::test(start_paused = true)]
async fn without_room_the_one_that_has_been_idle_for_the_longest_time_goes() {
    let lab = lab(small(), 3, secs(600));
    for lane in ["a", "b", "c", "a"] {
        assert_eq!(lab.ask(lane, "/").await, Ok(200));
        sleep(ms(10)).await;
    }
    assert_eq!(lab.ask("d", "/").await, Ok(200));
    assert_eq!(names(&lab.pool), ["a", "c", "d"]);
}

#[tokio::test(start_paused = true)]
async fn lanes_in_use_stay_and_who_finds_no_room_is_told_so() {
    let lab = lab(small(), 2, secs(1));
    let held = lab
        .pool
        .call(get("/slow").in_lane(key("held")))
        .await
        .expect("head");
    assert_eq!(lab.ask("hangs", "/").await, Ok(200), "its server is there");
    let hangs = lab.pool.offer(get("/hangs").in_lane(key("hangs")), Discard);
    assert!(matches!(hangs, Offer::Taken));
    // Long enough for the sweep; a server that says nothing for five seconds would make room.
    sleep(secs(4)).await;
    assert_eq!(
        names(&lab.pool),
        ["hangs", "held"],
        "idle is not what nobody looks at"
    );
    let error = lab
        .pool
        .call(get("/").in_lane(key("third")))
        .await
        .expect_err("no room");
    assert!(
        matches!(
            error,
            DispatchError::Full {
                bound: Bound::Lanes,
                limit: 2,
                ..
            }
        ),
        "{error:?}"
    );
    assert_eq!(lab.log.count("reject full"), 1);
    // An operator's override needs none of this room, and takes none.
    assert!(lab.pool.set_lane(&key("set"), &LaneUpdate::default()).is_ok());
    assert!(lab.ask("third", "/").await.is_err());
    drop(held);
    assert_eq!(lab.ask("third", "/").await, Ok(200));
    assert_eq!(names(&lab.pool), ["hangs", "set", "third"]);
    assert!(lab.pool.set_lane(&key("second"), &LaneUpdate::default()).is_ok());
    let error = lab.pool.set_lane(&key("more"), &LaneUpdate::default());
    assert!(error.is_err(), "overrides have a bound of their own");
}

#[tokio::test(start_paused = true)]
async fn an_idle_lane_is_collected_after_its_time_and_not_before() {
    let lab = lab(small(), 10, secs(20));
    assert_eq!(lab.ask("a", "/").await, Ok(200));
    sleep(secs(10)).await;
    assert_eq!(lab.ask("b", "/").await, Ok(200));
    sleep(secs(9)).await;
    assert_eq!(names(&lab.pool), ["a", "b"]);
    sleep(secs(2)).await;
    assert_eq!(names(&lab.pool), ["b"]);
    sleep(secs(10)).await;
    assert!(names(&lab.pool).is_empty());
    assert_eq!(lab.pool.totals().1.succeeded, 2);
    assert!(lab.pool.lane(&key("a")).is_none() && lab.pool.reset_lane(&key("a")).is_none());
}

/// A lane is idle from the end of its last task, not from its beginning.
#[tokio::test(start_paused = true)]
async fn a_lane_that_was_busy_for_long_is_not_collected_as_soon_as_it_is_not() {
    let lab = lab(small(), 10, secs(10));
    let slow = lab.ask("a", "/slow").await;
    assert_eq!((slow, lab.began.elapsed()), (Ok(200), secs(15)));
    assert_eq!(lab.pool.lane(&key("a")).expect("lane").idle, secs(0));
    sleep(secs(9)).await;
    assert_eq!(names(&lab.pool), ["a"]);
    sleep(secs(2)).await;
    assert!(names(&lab.pool).is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_a_lane_has_learnt_is_kept_over_what_is_merely_recent() {
    let mut settings = bounds(3, 5);
    settings.breaker.consecutive = 1;
    settings.breaker.open = secs(60);
    let lab = lab(settings, 4, secs(2));
    assert_eq!(lab.ask("open", "/fails").await, Ok(500));
    sleep(ms(10)).await;
    assert_eq!(lab.ask("throttled", "/throttling").await, Ok(429));
    let rate = LaneUpdate {
        queue: Some(1),
        ..LaneUpdate::default()
    };
    lab.pool.set_lane(&key("overridden"), &rate).expect("lane");
    for lane in ["x", "y", "z"] {
        sleep(ms(10)).await;
        assert_eq!(lab.ask(lane, "/").await, Ok(200));
    }
    assert_eq!(names(&lab.pool), ["open", "overridden", "throttled", "y", "z"]);
    sleep(secs(10)).await;
    settle().await;
    let status = lab.pool.lane(&key("open")).expect("kept");
    assert_ne!(status.breaker, BreakerState::Closed);
    assert_eq!(
        names(&lab.pool),
        ["open", "overridden", "throttled"],
        "idle for long, and kept"
    );
    // Where there is no other room, even what has been learnt goes, the longest idle first; an override stays.
    for lane in ["p", "q", "r"] {
        let held = lab
            .pool
            .call(get("/slow").in_lane(key(lane)))
            .await
            .expect("head");
        std::mem::forget(held);
    }
    assert_eq!(names(&lab.pool), ["overridden", "p", "q", "r", "throttled"]);
    // The pause ends, and there is nothing to keep any more.
    sleep(secs(100)).await;
    assert_eq!(names(&lab.pool), ["overridden", "p", "q", "r"]);
}

#[tokio::test(start_paused = true)]
async fn lanes_are_apart() {
    let lab = lab(bounds(1, 0), 10, secs(60));
    drop(lab.pool.offer(get("/hangs").in_lane(key("a")), Discard));
    settle().await;
    assert_eq!(lab.ask("a", "/").await, Err("full"));
    for _ in 0..100 {
        assert_eq!(lab.ask("b", "/").await, Ok(200));
    }
    assert_eq!(lab.began.elapsed(), secs(0));
    let all = lab.pool.lanes();
    assert_eq!((all[0].counts.rejected, all[1].counts.succeeded), (1, 100));
}

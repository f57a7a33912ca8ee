//! B17: settings change while a lane is in use. What is in it goes on under the new ones, soon, and nothing is lost.

use stoa_dispatch::{BreakerMode, Concurrency, Discard, LaneSettings, LaneUpdate, Offer};
use tokio::time::{Instant, sleep};

use crate::{
    lab::{Lab, bounds, fixed, gate, get, lane_key, ms, number, secs, settle},
    origin::Answer,
};

fn at(rate: &str) -> LaneSettings {
    LaneSettings {
        rate: Some(rate.parse().expect("rate")),
        wait: secs(600),
        ..bounds(50, 10_000)
    }
}

fn rate(text: &str) -> LaneUpdate {
    LaneUpdate {
        rate: Some(Some(text.parse().expect("rate"))),
        ..LaneUpdate::default()
    }
}

fn load(lab: &Lab, count: usize) {
    for _ in 0..count {
        assert!(matches!(lab.pool.offer(get("/"), Discard), Offer::Taken));
    }
}

/// Arrivals from one second to another after the beginning.
fn arrivals(lab: &Lab, from: u128, to: u128) -> usize {
    let all = lab.origin.arrivals(lab.began);
    all.iter()
        .filter(|at| (from * 1000..to * 1000).contains(*at))
        .count()
}

#[tokio::test(start_paused = true)]
async fn a_rate_that_is_lowered_and_raised_by_an_override_is_followed_within_a_second() {
    let lab = Lab::new(at("100/s"), |_| Answer::ok());
    load(&lab, 2000);
    sleep(secs(5)).await;
    lab.pool.set_lane(&lane_key(), &rate("10/s")).expect("lane");
    sleep(secs(5)).await;
    lab.pool.set_lane(&lane_key(), &rate("200/s")).expect("lane");
    lab.is_clean().await;
    assert!((498..=502).contains(&arrivals(&lab, 0, 5)));
    assert!(arrivals(&lab, 5, 6) <= 11, "{}", arrivals(&lab, 5, 6));
    assert!(
        (39..=41).contains(&arrivals(&lab, 6, 10)),
        "{}",
        arrivals(&lab, 6, 10)
    );
    assert!(
        (190..=202).contains(&arrivals(&lab, 10, 11)),
        "{}",
        arrivals(&lab, 10, 11)
    );
    assert_eq!((lab.origin.attempts(), lab.log.count("finish 200")), (2000, 2000));
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_a_token_of_an_hour_goes_at_once_under_a_new_rate() {
    let day = secs(24 * 3600);
    let patient = LaneSettings {
        wait: day,
        deadline: day,
        ..at("1/h")
    };
    let lab = Lab::new(patient, |_| Answer::ok());
    load(&lab, 3);
    sleep(secs(100)).await;
    assert_eq!(lab.origin.attempts(), 1);
    lab.pool.set_lane(&lane_key(), &rate("100/s")).expect("lane");
    sleep(ms(50)).await;
    assert_eq!(lab.origin.attempts(), 3);
    lab.is_clean().await;
}

#[tokio::test(start_paused = true)]
async fn new_rules_reach_every_lane_during_load() {
    let lab = Lab::new(at("100/s"), |_| Answer::ok());
    load(&lab, 1000);
    sleep(secs(2)).await;
    lab.pool.set_rules(|_| at("10/s"));
    sleep(secs(8)).await;
    lab.pool.set_rules(|_| LaneSettings {
        rate: None,
        ..at("1/s")
    });
    sleep(ms(1)).await;
    settle().await;
    lab.is_clean().await;
    assert!(arrivals(&lab, 2, 3) <= 11);
    assert!(
        (69..=71).contains(&arrivals(&lab, 3, 10)),
        "{}",
        arrivals(&lab, 3, 10)
    );
    assert_eq!(
        arrivals(&lab, 10, 11),
        lab.origin.attempts() - arrivals(&lab, 0, 10)
    );
    assert_eq!((lab.origin.attempts(), lab.log.count("finish 200")), (1000, 1000));
}

#[tokio::test(start_paused = true)]
async fn a_rate_that_is_changed_again_and_again_grants_no_bursts() {
    let lab = Lab::new(at("10/s"), |_| Answer::ok());
    load(&lab, 500);
    for step in 0..100 {
        sleep(ms(100)).await;
        let next = if step % 2 == 0 { "20/s" } else { "10/s" };
        lab.pool.set_lane(&lane_key(), &rate(next)).expect("lane");
    }
    let sent = lab.origin.attempts();
    assert!((130..=165).contains(&sent), "10 s at 15/s on average: {sent}");
}

#[tokio::test(start_paused = true)]
async fn permits_are_raised_at_once_and_lowered_as_they_end() {
    let gate = gate();
    let lab = Lab::new(bounds(2, 100), {
        let gate = gate.clone();
        move |_| Answer::ok().behind(&gate)
    });
    let permits = |permits| LaneUpdate {
        concurrency: Some(fixed(permits)),
        ..LaneUpdate::default()
    };
    load(&lab, 20);
    settle().await;
    assert_eq!(lab.origin.in_flight(), 2);
    lab.pool.set_lane(&lane_key(), &permits(6)).expect("lane");
    settle().await;
    assert_eq!(lab.origin.in_flight(), 6);
    let status = lab.pool.set_lane(&lane_key(), &permits(3)).expect("lane");
    assert_eq!((status.limit, status.running), (3, 6), "nobody is cut off");
    for running in [5, 4, 3, 3, 3] {
        gate.add_permits(1);
        settle().await;
        assert_eq!(lab.origin.in_flight(), running);
    }
    gate.add_permits(100);
    lab.is_clean().await;
    assert_eq!((lab.origin.attempts(), lab.origin.peak()), (20, 6));
}

#[tokio::test(start_paused = true)]
async fn a_shorter_queue_loses_nobody_and_a_longer_one_lets_in_who_waits_for_room() {
    let gate = gate();
    let lab = Lab::new(bounds(1, 4), {
        let gate = gate.clone();
        move |_| Answer::ok().behind(&gate)
    });
    let queue = |queue| LaneUpdate {
        queue: Some(queue),
        ..LaneUpdate::default()
    };
    load(&lab, 5);
    lab.pool.set_lane(&lane_key(), &queue(2)).expect("lane");
    assert_eq!(lab.lane().waiting, 4, "who is in stays in");
    assert!(matches!(lab.pool.offer(get("/"), Discard), Offer::Full(_)));
    let sends = async {
        for _ in 0..2 {
            lab.pool.send(get("/"), Discard).await.expect("taken");
        }
        lab.began.elapsed()
    };
    let longer = async {
        sleep(secs(3)).await;
        lab.pool.set_lane(&lane_key(), &queue(6)).expect("lane");
    };
    let (taken, ()) = tokio::join!(sends, longer);
    assert_eq!(taken, secs(3));
    gate.add_permits(100);
    lab.is_clean().await;
    assert_eq!(lab.origin.attempts(), 7);
}

#[tokio::test(start_paused = true)]
async fn what_is_set_for_a_time_reverts_to_the_rules_of_that_time() {
    let lab = Lab::new(at("100/s"), |_| Answer::ok());
    load(&lab, 1000);
    let update = LaneUpdate {
        burst: Some(number(5)),
        breaker: Some(BreakerMode::Disabled),
        lasting: Some(secs(3)),
        ..rate("10/s")
    };
    let status = lab.pool.set_lane(&lane_key(), &update).expect("lane");
    assert_eq!((status.overridden, status.reverts_in), (true, Some(secs(3))));
    assert_eq!(
        (status.mode, status.settings.burst),
        (BreakerMode::Disabled, number(5))
    );
    sleep(secs(1)).await;
    lab.pool.set_rules(|_| at("50/s"));
    assert_eq!(
        lab.lane().settings.rate.expect("rate").to_string(),
        "10/s",
        "the override goes first"
    );
    sleep(secs(3)).await;
    let lane = lab.lane();
    assert_eq!(
        (lane.overridden, lane.reverts_in, lane.mode),
        (false, None, BreakerMode::Active)
    );
    assert_eq!(*lane.settings, at("50/s"));
    lab.is_clean().await;
    assert!(arrivals(&lab, 0, 3) <= 36, "{}", arrivals(&lab, 0, 3));
    let after = arrivals(&lab, 4, 10);
    assert!((297..=303).contains(&after), "{after}");
    assert_eq!(lab.origin.attempts(), 1000);
}

#[tokio::test(start_paused = true)]
async fn an_override_without_a_time_stays_until_the_lane_is_reset() {
    let lab = Lab::new(at("100/s"), |_| Answer::ok());
    let lane = lab.pool.set_lane(&lane_key(), &rate("1/h")).expect("made");
    assert_eq!((lane.counts.queued, lane.overridden), (0, true));
    sleep(secs(10_000)).await;
    assert!(lab.lane().overridden);
    load(&lab, 3);
    settle().await;
    assert_eq!(lab.origin.attempts(), 1);
    let began = Instant::now();
    lab.pool.reset_lane(&lane_key()).expect("lane");
    lab.is_clean().await;
    assert!(began.elapsed() <= ms(25), "{:?}", began.elapsed());
    assert_eq!(*lab.lane().settings, at("100/s"));
}

/// What has been found out is not forgotten because something else was set.
#[tokio::test(start_paused = true)]
async fn a_change_of_the_rate_leaves_the_permits_as_they_were_found_out() {
    let auto: Concurrency = "auto:1-100".parse().expect("auto");
    let settings = LaneSettings {
        concurrency: auto,
        ..bounds(1, 10_000)
    };
    let lab = Lab::new(settings, |_| Answer::ok().after(ms(10)));
    load(&lab, 1000);
    lab.is_clean().await;
    let found = lab.lane().limit;
    assert!(found > 20, "{found}");
    let lane = lab.pool.set_lane(&lane_key(), &rate("1000/s")).expect("lane");
    assert_eq!(lane.limit, found);
    let other = LaneUpdate {
        concurrency: Some(fixed(5)),
        ..LaneUpdate::default()
    };
    assert_eq!(lab.pool.set_lane(&lane_key(), &other).expect("lane").limit, 5);
    assert_eq!(
        lab.pool.reset_lane(&lane_key()).expect("lane").limit,
        8,
        "begun anew"
    );
}

/// Nor is the budget of retries filled again by it.
#[tokio::test(start_paused = true)]
async fn a_change_of_the_rate_is_no_new_budget() {
    let settings = LaneSettings {
        retry: stoa_dispatch::RetrySettings::default(),
        ..bounds(10, 10)
    };
    let lab = Lab::new(settings, |_| Answer::status(502));
    lab.pool
        .set_lane(
            &lane_key(),
            &LaneUpdate {
                breaker: Some(BreakerMode::Disabled),
                ..LaneUpdate::default()
            },
        )
        .expect("lane");
    for _ in 0..40 {
        assert_eq!(lab.outcome(get("/").within(secs(100))).await, Ok(502));
        lab.pool.set_lane(&lane_key(), &rate("1000/s")).expect("lane");
    }
    let counts = lab.lane().counts;
    assert!(counts.retries <= 8 + 10 + 8, "{counts:?}");
}

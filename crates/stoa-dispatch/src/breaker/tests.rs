use std::sync::Barrier;

use super::*;
use crate::Percent;

fn settings() -> BreakerSettings {
    BreakerSettings {
        consecutive: 3,
        failure_rate: Percent::new(0).expect("percent"),
        ..BreakerSettings::default()
    }
}

fn failure() -> BreakerVerdict {
    BreakerVerdict::Failure("500".to_owned())
}

fn attempt(breaker: &Arc<Breaker>, verdict: BreakerVerdict) -> Option<Transition> {
    breaker
        .permit(&Share::NONE)
        .expect("permit")
        .end(verdict, false, 0.5)
}

fn trip(breaker: &Arc<Breaker>) {
    for _ in 0..3 {
        attempt(breaker, failure());
    }
    assert!(breaker.permit(&Share::NONE).is_err());
}

async fn pause(seconds: u64) {
    tokio::time::sleep(Duration::from_secs(seconds)).await;
}

#[tokio::test(start_paused = true)]
async fn failures_in_a_row_open_it_and_a_success_between_them_does_not() {
    let breaker = Breaker::new(settings());
    for verdict in [
        failure(),
        failure(),
        BreakerVerdict::Success,
        failure(),
        failure(),
        BreakerVerdict::Ignored,
    ] {
        assert_eq!(attempt(&breaker, verdict), None);
    }
    assert_eq!(attempt(&breaker, failure()), Some(Transition::Tripped));
    let refusal = breaker.permit(&Share::NONE).expect_err("open");
    assert_eq!(refusal.retry_after, Some(Duration::from_secs(1)));
    assert_eq!(refusal.cause.as_deref(), Some("500"));
}

#[tokio::test(start_paused = true)]
async fn exactly_one_probe_passes_and_its_success_closes() {
    let breaker = Breaker::new(settings());
    trip(&breaker);
    pause(1).await;
    assert_eq!(breaker.state().1, BreakerState::HalfOpen);
    let probe = breaker.permit(&Share::NONE).expect("probe");
    assert!(probe.is_probe());
    assert!(breaker.permit(&Share::NONE).is_err(), "the second must wait");
    assert_eq!(
        probe.end(BreakerVerdict::Success, false, 0.5),
        Some(Transition::Closed)
    );
    assert_eq!(breaker.state().1, BreakerState::Closed);
    assert!(breaker.permit(&Share::NONE).is_ok() && breaker.permit(&Share::NONE).is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_failed_probe_opens_it_for_twice_as_long_up_to_the_bound() {
    let breaker = Breaker::new(settings());
    trip(&breaker);
    let mut opened = Vec::new();
    for _ in 0..8 {
        let BreakerState::Open { remaining } = breaker.state().1 else {
            panic!("not open")
        };
        opened.push(remaining.as_secs());
        pause(remaining.as_secs()).await;
        assert_eq!(attempt(&breaker, failure()), Some(Transition::ProbeFailed));
    }
    assert_eq!(opened, [1, 2, 4, 8, 16, 32, 60, 60]);
    pause(60).await;
    assert_eq!(
        attempt(&breaker, BreakerVerdict::Success),
        Some(Transition::Closed)
    );
    trip(&breaker);
    assert_eq!(
        breaker.permit(&Share::NONE).expect_err("open").retry_after,
        Some(Duration::from_secs(1)),
        "a recovery forgets the doubling"
    );
}

#[tokio::test(start_paused = true)]
async fn the_opening_is_spread_by_a_quarter() {
    for (jitter, millis) in [(0.0, 750), (0.999_999, 1249)] {
        let breaker = Breaker::new(settings());
        for _ in 0..3 {
            breaker
                .permit(&Share::NONE)
                .expect("permit")
                .end(failure(), false, jitter);
        }
        let left = breaker
            .permit(&Share::NONE)
            .expect_err("open")
            .retry_after
            .expect("time");
        assert_eq!(left.as_millis(), millis);
    }
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_is_given_up_leaves_room_for_the_next() {
    let breaker = Breaker::new(settings());
    trip(&breaker);
    pause(1).await;
    drop(breaker.permit(&Share::NONE).expect("probe"));
    let second = breaker.permit(&Share::NONE).expect("the next probe");
    assert!(second.is_probe());
    assert_eq!(
        second.end(BreakerVerdict::Success, false, 0.5),
        Some(Transition::Closed)
    );
}

#[tokio::test(start_paused = true)]
async fn what_began_before_it_opened_says_nothing() {
    let breaker = Breaker::new(settings());
    let (late, slow) = (
        breaker.permit(&Share::NONE).expect("permit"),
        breaker.permit(&Share::NONE).expect("permit"),
    );
    trip(&breaker);
    assert_eq!(late.end(BreakerVerdict::Success, false, 0.5), None);
    assert!(breaker.permit(&Share::NONE).is_err());
    pause(1).await;
    let probe = breaker.permit(&Share::NONE).expect("probe");
    assert!(!slow.holds());
    assert_eq!(slow.end(failure(), false, 0.5), None);
    assert_eq!(
        probe.end(BreakerVerdict::Success, false, 0.5),
        Some(Transition::Closed)
    );
}

#[tokio::test(start_paused = true)]
async fn a_share_of_failures_opens_it_once_there_are_enough_samples() {
    let settings = BreakerSettings {
        consecutive: 0,
        failure_rate: Percent::new(50).expect("percent"),
        min_samples: 10,
        window: Duration::from_secs(10),
        ..BreakerSettings::default()
    };
    let breaker = Breaker::new(settings.clone());
    for _ in 0..9 {
        assert_eq!(attempt(&breaker, failure()), None, "too few to tell");
    }
    assert_eq!(attempt(&breaker, failure()), Some(Transition::Tripped));

    let breaker = Breaker::new(settings.clone());
    for _ in 0..50 {
        attempt(&breaker, BreakerVerdict::Success);
        attempt(&breaker, BreakerVerdict::Success);
        assert_eq!(attempt(&breaker, BreakerVerdict::Limited), None, "a third");
    }
    pause(11).await;
    for _ in 0..5 {
        attempt(&breaker, BreakerVerdict::Success);
        attempt(&breaker, BreakerVerdict::Limited);
    }
    assert!(
        breaker.permit(&Share::NONE).is_err(),
        "a half of the last ten seconds"
    );
}

#[tokio::test(start_paused = true)]
async fn refusals_to_tell_never_open_it() {
    let breaker = Breaker::new(settings());
    for _ in 0..100 {
        attempt(&breaker, BreakerVerdict::Ignored);
        attempt(&breaker, BreakerVerdict::Limited);
    }
    assert_eq!(breaker.state().1, BreakerState::Closed);
}

#[tokio::test(start_paused = true)]
async fn modes_act_as_they_are_called() {
    let with = |mode| BreakerSettings { mode, ..settings() };
    let breaker = Breaker::new(with(BreakerMode::Observe));
    for _ in 0..3 {
        attempt(&breaker, failure());
    }
    assert!(matches!(breaker.state().1, BreakerState::Open { .. }));
    assert!(breaker.permit(&Share::NONE).is_ok(), "observing refuses nothing");
    pause(1).await;
    assert_eq!(
        attempt(&breaker, BreakerVerdict::Success),
        Some(Transition::Closed)
    );

    breaker.set(&with(BreakerMode::Disabled));
    for _ in 0..10 {
        assert_eq!(attempt(&breaker, failure()), None);
    }
    breaker.set(&with(BreakerMode::ForcedOpen));
    assert_eq!(
        breaker.permit(&Share::NONE).expect_err("forced").retry_after,
        None
    );
    breaker.set(&with(BreakerMode::Active));
    assert!(breaker.permit(&Share::NONE).is_ok());
    trip(&breaker);
    breaker.reset();
    assert!(breaker.permit(&Share::NONE).is_ok());
}

#[tokio::test(start_paused = true)]
async fn what_waits_is_woken_by_the_opening() {
    let breaker = Breaker::new(settings());
    let (refusal, ()) = tokio::join!(breaker.refusing(&Share::NONE), async {
        pause(5).await;
        trip(&breaker);
    });
    assert!(refusal.retry_after.is_some());
}

/// Check B8 of the reference: a comparison by equality would be jumped over.
#[tokio::test]
async fn sixty_four_failures_at_once_open_it_in_a_thousand_of_a_thousand_rounds() {
    let mut tripped = 0;
    for _ in 0..1000 {
        let breaker = Breaker::new(settings());
        let barrier = Barrier::new(4);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    let permits: Vec<_> = (0..16)
                        .filter_map(|_| breaker.permit(&Share::NONE).ok())
                        .collect();
                    barrier.wait();
                    for permit in permits {
                        permit.end(failure(), false, 0.5);
                    }
                });
            }
        });
        tripped += u32::from(breaker.permit(&Share::NONE).is_err());
    }
    assert_eq!(tripped, 1000);
}

/// Fails so many times for a share: the last transition.
fn fail(breaker: &Arc<Breaker>, share: &Share, times: u32) -> Option<Transition> {
    let fail = || breaker.permit(share).ok()?.end(failure(), false, 0.5);
    (0..times).fold(None, |_, _| fail())
}

#[tokio::test(start_paused = true)]
async fn a_share_that_fails_alone_is_refused_alone() {
    let breaker = Breaker::new(BreakerSettings {
        consecutive: 10,
        ..BreakerSettings::default()
    });
    let (bad, good) = (Share::named("bad"), Share::named("good"));
    let pass = || {
        breaker
            .permit(&good)
            .expect("passes")
            .end(BreakerVerdict::Success, false, 0.5)
    };
    pass();
    assert_eq!(fail(&breaker, &bad, 10), Some(Transition::Tripped));
    let refused = breaker.permit(&bad).expect_err("open for it");
    assert_eq!(refused.cause.as_deref(), Some("500"));
    pass();
    assert_eq!(
        (breaker.state().1, breaker.open_shares()),
        (BreakerState::Closed, 1)
    );
    // However often it probes in vain, and whether others ask or not.
    for round in 0..30 {
        pause(61).await;
        assert_eq!(fail(&breaker, &bad, 1), Some(Transition::ProbeFailed), "{round}");
        assert!(breaker.permit(&bad).is_err() && breaker.permit(&good).is_ok());
    }
    pause(61).await;
    let probe = breaker.permit(&bad).expect("probe");
    assert!(probe.is_probe() && breaker.permit(&bad).is_err());
    assert_eq!(
        probe.end(BreakerVerdict::Success, false, 0.5),
        Some(Transition::Closed)
    );
    assert_eq!(breaker.open_shares(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_fails_for_several_shares_is_refused_to_all() {
    let breaker = Breaker::new(BreakerSettings {
        consecutive: 10,
        ..BreakerSettings::default()
    });
    for share in ["a", "b"] {
        fail(&breaker, &Share::named(share), 4);
    }
    let other = Share::named("other");
    assert!(breaker.permit(&other).is_ok());
    assert_eq!(fail(&breaker, &Share::named("c"), 2), Some(Transition::Tripped));
    assert!(breaker.permit(&other).is_err());
    assert!(matches!(breaker.state().1, BreakerState::Open { .. }));
}

#[tokio::test(start_paused = true)]
async fn a_server_that_is_not_reached_is_refused_to_all_at_once() {
    let breaker = Breaker::new(settings());
    let (one, other) = (Share::named("one"), Share::named("other"));
    for _ in 0..3 {
        breaker.permit(&one).expect("passes").end(failure(), true, 0.5);
    }
    assert!(breaker.permit(&other).is_err());
    pause(1).await;
    let probe = breaker.permit(&other).expect("probe");
    assert_eq!(
        probe.end(BreakerVerdict::Success, false, 0.5),
        Some(Transition::Closed)
    );
    assert!(breaker.permit(&one).is_ok());
}

#[tokio::test(start_paused = true)]
async fn the_probe_of_a_share_that_does_not_reach_the_server_is_followed_by_another() {
    let breaker = Breaker::new(settings());
    let share = Share::named("a");
    assert_eq!(fail(&breaker, &share, 3), Some(Transition::Tripped));
    assert!(
        matches!(breaker.state().1, BreakerState::Open { .. }),
        "nothing succeeds"
    );
    pause(1).await;
    let probe = breaker.permit(&share).expect("probe");
    assert_eq!(probe.end(failure(), true, 0.5), None);
    let probe = breaker.permit(&share).expect("another probe");
    assert_eq!(
        probe.end(BreakerVerdict::Success, false, 0.5),
        Some(Transition::Closed)
    );
}

#[tokio::test(start_paused = true)]
async fn shares_that_fail_no_longer_are_forgotten() {
    let breaker = Breaker::new(settings());
    for round in 0..3 {
        for share in 0..1000 {
            fail(&breaker, &Share::named(&format!("{round}-{share}")), 1);
            let good = breaker.permit(&Share::named("good"));
            drop(good.map(|good| good.end(BreakerVerdict::Success, false, 0.5)));
        }
        assert_eq!(breaker.circuits.lock().tracked(), 256);
        let late = Share::named(&format!("{round}-late"));
        assert!(breaker.permit(&late).is_ok());
        pause(60).await;
    }
}

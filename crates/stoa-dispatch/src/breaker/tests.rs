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
    breaker.permit().expect("permit").end(verdict, 0.5)
}

fn trip(breaker: &Arc<Breaker>) {
    for _ in 0..3 {
        attempt(breaker, failure());
    }
    assert!(breaker.permit().is_err());
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
    let refusal = breaker.permit().expect_err("open");
    assert_eq!(refusal.retry_after, Some(Duration::from_secs(1)));
    assert_eq!(refusal.cause.as_deref(), Some("500"));
}

#[tokio::test(start_paused = true)]
async fn exactly_one_probe_passes_and_its_success_closes() {
    let breaker = Breaker::new(settings());
    trip(&breaker);
    pause(1).await;
    assert_eq!(breaker.state().1, BreakerState::HalfOpen);
    let probe = breaker.permit().expect("probe");
    assert!(probe.is_probe());
    assert!(breaker.permit().is_err(), "the second must wait");
    assert_eq!(probe.end(BreakerVerdict::Success, 0.5), Some(Transition::Closed));
    assert_eq!(breaker.state().1, BreakerState::Closed);
    assert!(breaker.permit().is_ok() && breaker.permit().is_ok());
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
        breaker.permit().expect_err("open").retry_after,
        Some(Duration::from_secs(1)),
        "a recovery forgets the doubling"
    );
}

#[tokio::test(start_paused = true)]
async fn the_opening_is_spread_by_a_quarter() {
    for (jitter, millis) in [(0.0, 750), (0.999_999, 1249)] {
        let breaker = Breaker::new(settings());
        for _ in 0..3 {
            breaker.permit().expect("permit").end(failure(), jitter);
        }
        let left = breaker.permit().expect_err("open").retry_after.expect("time");
        assert_eq!(left.as_millis(), millis);
    }
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_is_given_up_leaves_room_for_the_next() {
    let breaker = Breaker::new(settings());
    trip(&breaker);
    pause(1).await;
    drop(breaker.permit().expect("probe"));
    let second = breaker.permit().expect("the next probe");
    assert!(second.is_probe());
    assert_eq!(second.end(BreakerVerdict::Success, 0.5), Some(Transition::Closed));
}

#[tokio::test(start_paused = true)]
async fn what_began_before_it_opened_says_nothing() {
    let breaker = Breaker::new(settings());
    let (late, slow) = (
        breaker.permit().expect("permit"),
        breaker.permit().expect("permit"),
    );
    trip(&breaker);
    assert_eq!(late.end(BreakerVerdict::Success, 0.5), None);
    assert!(breaker.permit().is_err());
    pause(1).await;
    let probe = breaker.permit().expect("probe");
    assert!(!slow.holds());
    assert_eq!(slow.end(failure(), 0.5), None);
    assert_eq!(probe.end(BreakerVerdict::Success, 0.5), Some(Transition::Closed));
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
    assert!(breaker.permit().is_err(), "a half of the last ten seconds");
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
    assert!(breaker.permit().is_ok(), "observing refuses nothing");
    pause(1).await;
    assert_eq!(
        attempt(&breaker, BreakerVerdict::Success),
        Some(Transition::Closed)
    );

    breaker.set(with(BreakerMode::Disabled));
    for _ in 0..10 {
        assert_eq!(attempt(&breaker, failure()), None);
    }
    breaker.set(with(BreakerMode::ForcedOpen));
    assert_eq!(breaker.permit().expect_err("forced").retry_after, None);
    breaker.set(with(BreakerMode::Active));
    assert!(breaker.permit().is_ok());
    trip(&breaker);
    breaker.reset();
    assert!(breaker.permit().is_ok());
}

#[tokio::test(start_paused = true)]
async fn what_waits_is_woken_by_the_opening() {
    let breaker = Breaker::new(settings());
    let (refusal, ()) = tokio::join!(breaker.refusing(), async {
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
                    let permits: Vec<_> = (0..16).filter_map(|_| breaker.permit().ok()).collect();
                    barrier.wait();
                    for permit in permits {
                        permit.end(failure(), 0.5);
                    }
                });
            }
        });
        tripped += u32::from(breaker.permit().is_err());
    }
    assert_eq!(tripped, 1000);
}

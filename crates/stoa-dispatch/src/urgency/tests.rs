use std::{
    future::pending,
    sync::atomic::{AtomicUsize, Ordering},
    task::{Context, Wake, Waker},
};

use futures_util::{FutureExt, poll};
use tokio::sync::oneshot;

use super::*;
use Class::{Background, Interactive};

#[derive(Default)]
struct Wakes(AtomicUsize);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn a_fixed_urgency_never_changes() {
    for class in [Interactive, Background] {
        let urgency = Urgency::from(class);
        let _interest = urgency.raise();
        assert_eq!(urgency.class(), class);
        assert!(urgency.changed(class).now_or_never().is_none());
    }
    assert!(Urgency::default().changed(Background).now_or_never().is_some());
}

#[test]
fn a_shared_urgency_is_interactive_while_any_interest_lives() {
    let urgency = Urgency::shared();
    let other = urgency.clone();
    assert_eq!(urgency.class(), Background);
    let (first, second) = (urgency.raise(), other.raise());
    drop(first);
    assert_eq!(urgency.class(), Interactive);
    drop(second);
    assert_eq!(other.class(), Background);
}

#[tokio::test]
async fn a_change_is_noticed_both_ways_and_none_is_missed() {
    let urgency = Urgency::shared();
    let mut raised = pin!(urgency.changed(Background));
    assert!(poll!(&mut raised).is_pending());
    let first = urgency.raise();
    let mut dropped = pin!(urgency.changed(Interactive));
    let second = urgency.raise();
    drop(first);
    assert!(poll!(&mut dropped).is_pending(), "one interest is left");
    drop(second);
    assert!(poll!(&mut dropped).is_ready());
    assert!(poll!(&mut raised).is_pending(), "it is background again");
    let _third = urgency.raise();
    assert!(poll!(&mut raised).is_ready());
    urgency
        .changed(Background)
        .now_or_never()
        .expect("changed before it was asked");
}

#[tokio::test]
async fn what_waits_is_woken_only_by_a_change_of_class() {
    let urgency = Urgency::shared();
    let first = urgency.raise();
    let wakes = Arc::new(Wakes::default());
    let waker = Waker::from(Arc::clone(&wakes));
    let mut cx = Context::from_waker(&waker);
    let mut changed = pin!(urgency.changed(Interactive));
    assert!(changed.as_mut().poll(&mut cx).is_pending());
    let second = urgency.raise();
    drop(first);
    assert_eq!(wakes.0.load(Ordering::Relaxed), 0);
    drop(second);
    assert_eq!(wakes.0.load(Ordering::Relaxed), 1);
    assert!(changed.as_mut().poll(&mut cx).is_ready());
}

#[tokio::test]
async fn lending_follows_the_lender_both_ways_and_ends_with_the_work() {
    let (flight, fetch) = (Urgency::shared(), Urgency::shared());
    let (done, work) = oneshot::channel();
    let mut lent = pin!(flight.lend(&fetch, work));
    assert!(poll!(&mut lent).is_pending());
    assert_eq!(fetch.class(), Background);
    for _ in 0..3 {
        let interest = flight.raise();
        assert!(poll!(&mut lent).is_pending());
        assert_eq!(fetch.class(), Interactive);
        drop(interest);
        assert!(poll!(&mut lent).is_pending());
        assert_eq!(fetch.class(), Background);
    }
    let _interest = flight.raise();
    assert!(poll!(&mut lent).is_pending());
    done.send(7).expect("the work waits");
    assert_eq!(lent.await, Ok(7));
    assert_eq!(fetch.class(), Background);
}

#[tokio::test]
async fn a_cancelled_loan_drops_its_interest() {
    let fetch = Urgency::shared();
    let caller = Urgency::fixed(Interactive);
    {
        let mut lent = Box::pin(caller.lend(&fetch, pending::<()>()));
        assert!(poll!(&mut lent).is_pending());
        assert_eq!(fetch.class(), Interactive);
    }
    assert_eq!(fetch.class(), Background);
}

#[tokio::test]
async fn a_loan_of_a_loan_reaches_the_last() {
    let (outer, middle, inner) = (Urgency::shared(), Urgency::shared(), Urgency::shared());
    let other = middle.raise();
    let mut lent = Box::pin(outer.lend(&middle, middle.lend(&inner, pending::<()>())));
    assert!(poll!(&mut lent).is_pending());
    assert_eq!(
        inner.class(),
        Interactive,
        "another caller waits for the middle one"
    );
    drop(other);
    assert!(poll!(&mut lent).is_pending());
    assert_eq!((middle.class(), inner.class()), (Background, Background));
    let interest = outer.raise();
    assert!(poll!(&mut lent).is_pending());
    assert_eq!((middle.class(), inner.class()), (Interactive, Interactive));
    drop(interest);
    assert!(poll!(&mut lent).is_pending());
    assert_eq!((middle.class(), inner.class()), (Background, Background));
    let _interest = outer.raise();
    assert!(poll!(&mut lent).is_pending());
    drop(lent);
    assert_eq!((middle.class(), inner.class()), (Background, Background));
}

#[tokio::test]
async fn lending_to_itself_keeps_nothing_raised() {
    let urgency = Urgency::shared();
    let again = urgency.clone();
    let interest = urgency.raise();
    let mut lent = pin!(urgency.lend(&again, pending::<()>()));
    assert!(poll!(&mut lent).is_pending());
    drop(interest);
    assert!(poll!(&mut lent).is_pending());
    assert_eq!(urgency.class(), Background);
}

#[tokio::test(start_paused = true)]
async fn shared_work_is_abandoned_when_all_its_callers_have_been_gone_for_a_while() {
    let grace = Duration::from_secs(5);
    let urgency = Urgency::shared();
    let mut abandoned = Box::pin(urgency.abandoned(grace));
    let soon = |seconds| Duration::from_secs(seconds);
    assert!(
        timeout(soon(3600), &mut abandoned).await.is_err(),
        "nobody came yet"
    );
    for class in [Class::Interactive, Class::Background] {
        // Whoever waits for it, of whatever class, keeps it; so does who comes back in time.
        for _ in 0..3 {
            let caller = Urgency::fixed(class);
            let waits = async {
                tokio::select! {
                    () = caller.lend(&urgency, pending::<()>()) => {}
                    () = &mut abandoned => {}
                }
            };
            assert!(timeout(soon(60), waits).await.is_err(), "{class:?}");
            assert!(timeout(soon(4), &mut abandoned).await.is_err(), "{class:?}");
        }
    }
    assert!(timeout(soon(2), &mut abandoned).await.is_ok());
    // Who asks only then is told so as well.
    assert!(timeout(soon(6), urgency.abandoned(grace)).await.is_ok());
    let fixed = Urgency::fixed(Class::Background);
    assert!(timeout(soon(3600), fixed.abandoned(grace)).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn work_that_only_abandoned_work_waits_for_is_abandoned_too() {
    let grace = Duration::from_secs(5);
    let (outer, inner) = (Urgency::shared(), Urgency::shared());
    let caller = Urgency::fixed(Class::Interactive);
    let outer_work = outer.lend(&inner, pending::<()>());
    let mut outer_work = Box::pin(outer_work);
    let waits = async {
        tokio::select! {
            () = caller.lend(&outer, pending::<()>()) => {}
            () = &mut outer_work => {}
            () = inner.abandoned(grace) => panic!("its caller's caller waits"),
        }
    };
    assert!(timeout(Duration::from_secs(60), waits).await.is_err());
    let left = async {
        tokio::select! {
            () = &mut outer_work => {}
            () = inner.abandoned(grace) => {}
        }
    };
    assert!(timeout(Duration::from_secs(6), left).await.is_ok());
    // Work that is begun for it only then has been abandoned from the start.
    let late = Urgency::shared();
    let left = async {
        tokio::select! {
            () = outer.lend(&late, pending::<()>()) => {}
            () = late.abandoned(grace) => {}
        }
    };
    assert!(timeout(Duration::from_secs(6), left).await.is_ok());
}

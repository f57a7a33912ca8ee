use futures_util::{FutureExt, poll};

use super::*;

fn permit(entry: Result<Entry, usize>) -> Permit {
    match entry {
        Ok(Entry::Permit(permit)) => permit,
        other => panic!("{other:?}"),
    }
}

fn queued(entry: Result<Entry, usize>) -> Queued {
    match entry {
        Ok(Entry::Queued(queued)) => queued,
        other => panic!("{other:?}"),
    }
}

/// The permit, if it is there now.
fn now(queued: &mut Queued) -> Option<Permit> {
    queued.permit(&Urgency::fixed(queued.place.class)).now_or_never()
}

fn fixed(class: Class) -> Urgency {
    Urgency::fixed(class)
}

use Class::{Background, Interactive};

#[test]
fn limit_and_queue_are_exact_and_first_come_is_first_served() {
    let limiter = Limiter::new(1, 2);
    let first = permit(limiter.enter(Interactive));
    let mut second = queued(limiter.enter(Interactive));
    let mut third = queued(limiter.enter(Interactive));
    assert_eq!(limiter.enter(Interactive).expect_err("full"), 2);
    assert_eq!((second.position(), third.position()), ((0, 2), (1, 2)));
    drop(first);
    let permit = now(&mut second).expect("second's permit");
    assert!(now(&mut third).is_none());
    let _fourth = queued(limiter.enter(Interactive));
    drop(permit);
    assert!(now(&mut third).is_some());
}

#[test]
fn what_leaves_the_queue_makes_room_and_loses_no_permit() {
    let limiter = Limiter::new(1, 2);
    let first = permit(limiter.enter(Interactive));
    let second = queued(limiter.enter(Interactive));
    let mut third = queued(limiter.enter(Interactive));
    drop(second);
    let fourth = queued(limiter.enter(Interactive));
    drop(first);
    // Third has been given the permit, and has not looked yet.
    drop(fourth);
    let permit = now(&mut third).expect("third's permit");
    drop(permit);
    drop(third);
    assert_eq!(
        limiter.load(),
        Load {
            limit: 1,
            used: 0,
            waiting: 0
        }
    );
}

#[test]
fn a_permit_given_to_a_waiter_that_has_left_goes_on() {
    let limiter = Limiter::new(1, 2);
    let first = permit(limiter.enter(Interactive));
    let second = queued(limiter.enter(Interactive));
    let mut third = queued(limiter.enter(Interactive));
    drop(first);
    drop(second);
    assert!(now(&mut third).is_some());
}

#[tokio::test]
async fn waiting_for_room_is_in_order_and_can_be_given_up() {
    let limiter = Limiter::new(1, 0);
    let urgency = fixed(Interactive);
    let first = permit(limiter.enter(Interactive));
    let mut second = Box::pin(limiter.enter_when_room(&urgency));
    let mut third = Box::pin(limiter.enter_when_room(&urgency));
    let mut fourth = Box::pin(limiter.enter_when_room(&urgency));
    assert!(poll!(&mut second).is_pending() && poll!(&mut third).is_pending());
    assert!(poll!(&mut fourth).is_pending());
    drop(second);
    drop(first);
    let third = permit(Ok(third.await));
    assert!(poll!(&mut fourth).is_pending());
    drop(third);
    drop(permit(Ok(fourth.await)));
    assert_eq!(limiter.load().used, 0);
}

#[test]
fn background_work_takes_its_share_and_goes_last() {
    let limiter = Limiter::new(10, 9);
    let permits: Vec<_> = (0..3).map(|_| permit(limiter.enter(Background))).collect();
    let mut waiting = queued(limiter.enter(Background));
    let interactive: Vec<_> = (0..7).map(|_| permit(limiter.enter(Interactive))).collect();
    let mut eager = queued(limiter.enter(Interactive));
    drop(permits);
    assert!(now(&mut eager).is_some());
    assert!(now(&mut waiting).is_some());
    drop(interactive);
}

#[test]
fn a_queue_full_of_background_work_refuses_nothing_interactive() {
    let limiter = Limiter::new(1, 2);
    let enter = |class| limiter.enter(class);
    let running = permit(enter(Interactive));
    let _background = [queued(enter(Background)), queued(enter(Background))];
    assert_eq!(enter(Background).err(), Some(2));
    let mut first = queued(enter(Interactive));
    let _second = queued(enter(Interactive));
    assert_eq!(enter(Interactive).err(), Some(2), "its own room is bounded too");
    assert_eq!(enter(Background).err(), Some(2));
    drop(running);
    assert!(now(&mut first).is_some(), "and it goes first");
}

#[test]
fn a_retry_goes_before_all_of_its_class_and_is_not_held_against_the_queue() {
    let limiter = Limiter::new(1, 2);
    let first = permit(limiter.enter(Interactive));
    let mut second = queued(limiter.enter(Interactive));
    let mut background = queued(limiter.enter(Background));
    let mut background_retry = queued(Ok(limiter.enter_retry(Background)));
    let mut retry = queued(Ok(limiter.enter_retry(Interactive)));
    assert_eq!(limiter.enter(Background).expect_err("full"), 2);
    drop(first);
    for (name, place) in [
        ("retry", &mut retry),
        ("second", &mut second),
        ("background retry", &mut background_retry),
        ("background", &mut background),
    ] {
        assert_eq!(limiter.load().used, 1);
        drop(now(place).expect(name));
    }
    assert_eq!(limiter.load().used, 0);
}

#[test]
fn a_changed_limit_holds_at_once() {
    let limiter = Limiter::new(1, 4);
    let first = permit(limiter.enter(Interactive));
    let mut second = queued(limiter.enter(Interactive));
    let mut third = queued(limiter.enter(Interactive));
    limiter.set_limit(2);
    let permit = now(&mut second).expect("second's permit");
    assert!(now(&mut third).is_none());
    limiter.set_limit(1);
    drop(first);
    assert!(now(&mut third).is_none(), "one still runs");
    drop(permit);
    assert!(now(&mut third).is_some());
}

#[test]
fn a_raised_waiter_moves_to_the_place_of_its_arrival_and_back() {
    let limiter = Limiter::new(1, 10);
    let first = permit(limiter.enter(Interactive));
    let urgency = Urgency::shared();
    let mut before = queued(limiter.enter(Interactive));
    let background: Vec<_> = (0..3).map(|_| queued(limiter.enter(Background))).collect();
    let mut raised = queued(limiter.enter(Background));
    let after = queued(limiter.enter(Interactive));
    let later = queued(limiter.enter(Background));
    assert_eq!(raised.position(), (5, 7));
    let interest = urgency.raise();
    assert!(raised.permit(&urgency).now_or_never().is_none());
    assert_eq!(raised.position(), (1, 7));
    assert_eq!((before.position().0, after.position().0), (0, 2));
    drop(interest);
    assert!(raised.permit(&urgency).now_or_never().is_none());
    assert_eq!((raised.position().0, later.position().0), (5, 6));
    let _interest = urgency.raise();
    assert!(raised.permit(&urgency).now_or_never().is_none());
    drop(first);
    drop(now(&mut before).expect("before's permit"));
    let permit = raised.permit(&urgency).now_or_never().expect("raised permit");
    assert_eq!(permit.class, Interactive);
    drop((background, after, later, permit));
    assert_eq!(
        limiter.load(),
        Load {
            limit: 1,
            used: 0,
            waiting: 0
        }
    );
}

#[test]
fn a_waiter_raised_out_of_a_spent_share_gets_a_free_permit_at_once() {
    let limiter = Limiter::new(4, 10);
    let urgency = Urgency::shared();
    let running = permit(limiter.enter(Background));
    let mut first = queued(limiter.enter(Background));
    let mut raised = queued(limiter.enter(Background));
    assert!(
        raised.permit(&urgency).now_or_never().is_none(),
        "the share is spent"
    );
    let interest = urgency.raise();
    let permit = raised.permit(&urgency).now_or_never().expect("a free permit");
    drop(interest);
    assert_eq!(permit.class, Interactive, "it runs as what it got the permit for");
    drop(running);
    assert!(now(&mut first).is_some());
}

#[test]
fn a_raised_retry_stays_a_retry() {
    let limiter = Limiter::new(1, 10);
    let first = permit(limiter.enter(Interactive));
    let urgency = Urgency::shared();
    let waiting = queued(limiter.enter(Interactive));
    let mut retry = queued(Ok(limiter.enter_retry(Background)));
    assert_eq!(retry.position(), (1, 2));
    let _interest = urgency.raise();
    assert!(retry.permit(&urgency).now_or_never().is_none());
    assert_eq!((retry.position(), waiting.position()), ((0, 2), (1, 2)));
    drop(first);
    assert!(retry.permit(&urgency).now_or_never().is_some());
}

#[tokio::test]
async fn a_waiter_for_room_moves_with_its_urgency() {
    let limiter = Limiter::new(1, 0);
    let (background, urgency) = (fixed(Background), Urgency::shared());
    let first = permit(limiter.enter(Interactive));
    let mut earlier = Box::pin(limiter.enter_when_room(&background));
    let mut raised = Box::pin(limiter.enter_when_room(&urgency));
    assert!(poll!(&mut earlier).is_pending() && poll!(&mut raised).is_pending());
    let interest = urgency.raise();
    assert!(poll!(&mut raised).is_pending());
    drop(first);
    assert!(poll!(&mut earlier).is_pending());
    let second = permit(Ok(raised.await));
    assert_eq!(second.class, Interactive);
    drop(interest);

    let interest = urgency.raise();
    let mut fallen = Box::pin(limiter.enter_when_room(&urgency));
    assert!(poll!(&mut fallen).is_pending());
    drop(interest);
    assert!(poll!(&mut fallen).is_pending());
    drop(second);
    assert!(poll!(&mut fallen).is_pending(), "the earlier one is first again");
    drop(permit(Ok(earlier.await)));
    drop(permit(Ok(fallen.await)));
    assert_eq!(limiter.load().used, 0);
}

#[tokio::test]
async fn a_waiter_for_room_keeps_its_arrival_in_the_queue() {
    let limiter = Limiter::new(1, 1);
    let urgency = Urgency::shared();
    let first = permit(limiter.enter(Interactive));
    let mut second = queued(limiter.enter(Interactive));
    let mut outside = Box::pin(limiter.enter_when_room(&urgency));
    assert!(poll!(&mut outside).is_pending());
    drop(first);
    let running = now(&mut second).expect("second's permit");
    let mut outside = queued(Ok(outside.await));
    limiter.set_queue(2);
    let later = queued(limiter.enter(Interactive));
    let _interest = urgency.raise();
    assert!(outside.permit(&urgency).now_or_never().is_none());
    assert_eq!((outside.position(), later.position()), ((0, 2), (1, 2)));
    drop(running);
    assert!(outside.permit(&urgency).now_or_never().is_some());
}

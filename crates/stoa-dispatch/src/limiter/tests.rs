use futures_util::{FutureExt, poll};

use super::*;

const NONE: Share = Share::NONE;

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
    let permit = queued.permit(&Urgency::fixed(queued.place.class)).now_or_never();
    permit.map(|permit| permit.expect("nobody pushes it out"))
}

fn fixed(class: Class) -> Urgency {
    Urgency::fixed(class)
}

use Class::{Background, Interactive};

#[test]
fn limit_and_queue_are_exact_and_first_come_is_first_served() {
    let limiter = Limiter::new(1, 2);
    let first = permit(limiter.enter(&NONE, Interactive));
    let mut second = queued(limiter.enter(&NONE, Interactive));
    let mut third = queued(limiter.enter(&NONE, Interactive));
    assert_eq!(limiter.enter(&NONE, Interactive).expect_err("full"), 2);
    assert_eq!((second.position(), third.position()), ((0, 2), (1, 2)));
    drop(first);
    let permit = now(&mut second).expect("second's permit");
    assert!(now(&mut third).is_none());
    let _fourth = queued(limiter.enter(&NONE, Interactive));
    drop(permit);
    assert!(now(&mut third).is_some());
}

#[test]
fn what_leaves_the_queue_makes_room_and_loses_no_permit() {
    let limiter = Limiter::new(1, 2);
    let first = permit(limiter.enter(&NONE, Interactive));
    let second = queued(limiter.enter(&NONE, Interactive));
    let mut third = queued(limiter.enter(&NONE, Interactive));
    drop(second);
    let fourth = queued(limiter.enter(&NONE, Interactive));
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
    let first = permit(limiter.enter(&NONE, Interactive));
    let second = queued(limiter.enter(&NONE, Interactive));
    let mut third = queued(limiter.enter(&NONE, Interactive));
    drop(first);
    drop(second);
    assert!(now(&mut third).is_some());
}

#[tokio::test]
async fn waiting_for_room_is_in_order_and_can_be_given_up() {
    let limiter = Limiter::new(1, 0);
    let urgency = fixed(Interactive);
    let first = permit(limiter.enter(&NONE, Interactive));
    let mut second = Box::pin(limiter.enter_when_room(&NONE, &urgency));
    let mut third = Box::pin(limiter.enter_when_room(&NONE, &urgency));
    let mut fourth = Box::pin(limiter.enter_when_room(&NONE, &urgency));
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
    let permits: Vec<_> = (0..3).map(|_| permit(limiter.enter(&NONE, Background))).collect();
    let mut waiting = queued(limiter.enter(&NONE, Background));
    let interactive: Vec<_> = (0..7)
        .map(|_| permit(limiter.enter(&NONE, Interactive)))
        .collect();
    let mut eager = queued(limiter.enter(&NONE, Interactive));
    drop(permits);
    assert!(now(&mut eager).is_some());
    assert!(now(&mut waiting).is_some());
    drop(interactive);
}

#[test]
fn a_queue_full_of_background_work_refuses_nothing_interactive() {
    let limiter = Limiter::new(1, 2);
    let enter = |class| limiter.enter(&NONE, class);
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
    let first = permit(limiter.enter(&NONE, Interactive));
    let mut second = queued(limiter.enter(&NONE, Interactive));
    let mut background = queued(limiter.enter(&NONE, Background));
    let mut background_retry = queued(Ok(limiter.enter_retry(&NONE, Background)));
    let mut retry = queued(Ok(limiter.enter_retry(&NONE, Interactive)));
    assert_eq!(limiter.enter(&NONE, Background).expect_err("full"), 2);
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
    let first = permit(limiter.enter(&NONE, Interactive));
    let mut second = queued(limiter.enter(&NONE, Interactive));
    let mut third = queued(limiter.enter(&NONE, Interactive));
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
    let first = permit(limiter.enter(&NONE, Interactive));
    let urgency = Urgency::shared();
    let mut before = queued(limiter.enter(&NONE, Interactive));
    let background: Vec<_> = (0..3).map(|_| queued(limiter.enter(&NONE, Background))).collect();
    let mut raised = queued(limiter.enter(&NONE, Background));
    let after = queued(limiter.enter(&NONE, Interactive));
    let later = queued(limiter.enter(&NONE, Background));
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
    let permit = raised
        .permit(&urgency)
        .now_or_never()
        .expect("raised permit")
        .expect("permit");
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
    let running = permit(limiter.enter(&NONE, Background));
    let mut first = queued(limiter.enter(&NONE, Background));
    let mut raised = queued(limiter.enter(&NONE, Background));
    assert!(
        raised.permit(&urgency).now_or_never().is_none(),
        "the share is spent"
    );
    let interest = urgency.raise();
    let permit = raised
        .permit(&urgency)
        .now_or_never()
        .expect("a free permit")
        .expect("permit");
    drop(interest);
    assert_eq!(permit.class, Interactive, "it runs as what it got the permit for");
    drop(running);
    assert!(now(&mut first).is_some());
}

#[test]
fn a_raised_retry_stays_a_retry() {
    let limiter = Limiter::new(1, 10);
    let first = permit(limiter.enter(&NONE, Interactive));
    let urgency = Urgency::shared();
    let waiting = queued(limiter.enter(&NONE, Interactive));
    let mut retry = queued(Ok(limiter.enter_retry(&NONE, Background)));
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
    let first = permit(limiter.enter(&NONE, Interactive));
    let mut earlier = Box::pin(limiter.enter_when_room(&NONE, &background));
    let mut raised = Box::pin(limiter.enter_when_room(&NONE, &urgency));
    assert!(poll!(&mut earlier).is_pending() && poll!(&mut raised).is_pending());
    let interest = urgency.raise();
    assert!(poll!(&mut raised).is_pending());
    drop(first);
    assert!(poll!(&mut earlier).is_pending());
    let second = permit(Ok(raised.await));
    assert_eq!(second.class, Interactive);
    drop(interest);

    let interest = urgency.raise();
    let mut fallen = Box::pin(limiter.enter_when_room(&NONE, &urgency));
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
    let first = permit(limiter.enter(&NONE, Interactive));
    let mut second = queued(limiter.enter(&NONE, Interactive));
    let mut outside = Box::pin(limiter.enter_when_room(&NONE, &urgency));
    assert!(poll!(&mut outside).is_pending());
    drop(first);
    let running = now(&mut second).expect("second's permit");
    let mut outside = queued(Ok(outside.await));
    limiter.set_queue(2);
    let later = queued(limiter.enter(&NONE, Interactive));
    let _interest = urgency.raise();
    assert!(outside.permit(&urgency).now_or_never().is_none());
    assert_eq!((outside.position(), later.position()), ((0, 2), (1, 2)));
    drop(running);
    assert!(outside.permit(&urgency).now_or_never().is_some());
}

/// As many as there are permits for this share.
fn all(limiter: &Arc<Limiter>, share: &Share) -> Vec<Permit> {
    std::iter::from_fn(|| match limiter.enter(share, Interactive) {
        Ok(Entry::Permit(permit)) => Some(permit),
        Ok(Entry::Queued(_)) | Err(_) => None,
    })
    .collect()
}

#[test]
fn a_share_that_holds_all_it_can_leaves_permits_for_the_next() {
    let limiter = Limiter::new(16, 100);
    let (slow, other, third) = (Share::named("slow"), Share::named("other"), Share::named("third"));
    let hanging = all(&limiter, &slow);
    assert_eq!(hanging.len(), 12);
    let mut waits = queued(limiter.enter(&slow, Interactive));
    let quick = permit(limiter.enter(&other, Interactive));
    assert_eq!(all(&limiter, &other).len(), 2, "and one for whoever is next");
    let last = permit(limiter.enter(&third, Interactive));
    assert!(now(&mut waits).is_none());
    drop((quick, last, hanging));
    assert!(now(&mut waits).is_some());
    assert_eq!(limiter.load().used, 0);
}

#[test]
fn background_work_of_one_share_leaves_some_of_what_background_work_has() {
    let limiter = Limiter::new(20, 100);
    let (slow, other) = (Share::named("slow"), Share::named("other"));
    let running: Vec<_> = (0..5).map(|_| permit(limiter.enter(&slow, Background))).collect();
    let mut waits = queued(limiter.enter(&slow, Background));
    let next = permit(limiter.enter(&other, Background));
    assert!(now(&mut waits).is_none());
    drop((running, next));
    assert!(now(&mut waits).is_some());
}

#[test]
fn of_those_that_wait_the_share_with_the_fewest_goes_first() {
    let limiter = Limiter::new(1, 100);
    let (many, few) = (Share::named("many"), Share::named("few"));
    let first = permit(limiter.enter(&NONE, Interactive));
    let mut line: Vec<_> = (0..3)
        .map(|_| queued(limiter.enter(&many, Interactive)))
        .collect();
    let mut late = queued(limiter.enter(&few, Interactive));
    limiter.set_limit(2);
    let running = now(&mut line[0]).expect("the first that came");
    drop(first);
    let permit = now(&mut late).expect("its share has nothing yet");
    assert!(now(&mut line[1]).is_none());
    drop(permit);
    assert!(now(&mut line[1]).is_some());
    drop(running);
}

#[test]
fn a_full_queue_gives_a_newcomer_the_last_place_of_the_longest_share() {
    let limiter = Limiter::new(1, 4);
    let (many, few) = (Share::named("many"), Share::named("few"));
    let _running = permit(limiter.enter(&NONE, Interactive));
    let mut line: Vec<_> = (0..4)
        .map(|_| queued(limiter.enter(&many, Interactive)))
        .collect();
    assert_eq!(limiter.enter(&many, Interactive).err(), Some(4));
    let _two = [
        queued(limiter.enter(&few, Interactive)),
        queued(limiter.enter(&few, Interactive)),
    ];
    assert_eq!(
        limiter.enter(&few, Interactive).err(),
        Some(4),
        "two each is fair"
    );
    let urgency = fixed(Interactive);
    let pushed = line.iter_mut().map(|place| place.permit(&urgency).now_or_never());
    let pushed: Vec<_> = pushed.map(|permit| permit.map(Result::err)).collect();
    let out = Some(Some(PushedOut(4)));
    assert_eq!(pushed, [None, None, out, out]);
    assert_eq!(limiter.load().waiting, 4);
    // What no caller waits for takes no caller's place.
    let other = Share::named("other");
    assert_eq!(limiter.enter(&other, Background).err(), Some(4));
    drop(line);
    assert_eq!(limiter.load().waiting, 2);
}

use futures_util::{FutureExt, poll};

use super::*;

fn turn(entry: Result<Entry, usize>) -> Permit {
    match entry {
        Ok(Entry::Turn(permit)) => permit,
        other => panic!("{other:?}"),
    }
}

fn line(entry: Result<Entry, usize>) -> Line {
    match entry {
        Ok(Entry::Line(line)) => line,
        other => panic!("{other:?}"),
    }
}

use Class::{Background, Interactive};

#[test]
fn limit_and_queue_are_exact_and_first_come_is_first_served() {
    let limiter = Limiter::new(1, 2);
    let first = turn(limiter.enter(Interactive));
    let (mut second, mut third) = (line(limiter.enter(Interactive)), line(limiter.enter(Interactive)));
    assert_eq!(limiter.enter(Interactive).expect_err("full"), 2);
    drop(first);
    let permit = (&mut second).now_or_never().expect("second's turn");
    assert!((&mut third).now_or_never().is_none());
    let _fourth = line(limiter.enter(Interactive));
    drop(permit);
    assert!((&mut third).now_or_never().is_some());
}

#[test]
fn who_leaves_the_line_makes_room_and_loses_no_turn() {
    let limiter = Limiter::new(1, 2);
    let first = turn(limiter.enter(Interactive));
    let (second, mut third) = (line(limiter.enter(Interactive)), line(limiter.enter(Interactive)));
    drop(second);
    let fourth = line(limiter.enter(Interactive));
    drop(first);
    // Third has been given the turn and goes away without having looked.
    drop(fourth);
    let permit = (&mut third).now_or_never().expect("third's turn");
    drop(permit);
    drop(third);
    assert_eq!(
        limiter.crowd(),
        Crowd {
            limit: 1,
            used: 0,
            waiting: 0
        }
    );
}

#[test]
fn a_turn_given_to_somebody_who_left_goes_on() {
    let limiter = Limiter::new(1, 2);
    let first = turn(limiter.enter(Interactive));
    let second = line(limiter.enter(Interactive));
    let mut third = line(limiter.enter(Interactive));
    drop(first);
    drop(second);
    assert!((&mut third).now_or_never().is_some());
}

#[tokio::test]
async fn waiting_for_room_is_in_order_and_can_be_given_up() {
    let limiter = Limiter::new(1, 0);
    let first = turn(limiter.enter(Interactive));
    let mut second = Box::pin(limiter.enter_when_room(Interactive));
    let mut third = Box::pin(limiter.enter_when_room(Interactive));
    let mut fourth = Box::pin(limiter.enter_when_room(Interactive));
    assert!(poll!(&mut second).is_pending() && poll!(&mut third).is_pending());
    assert!(poll!(&mut fourth).is_pending());
    drop(second);
    drop(first);
    let permit = turn(Ok(third.await));
    assert!(poll!(&mut fourth).is_pending());
    drop(permit);
    drop(turn(Ok(fourth.await)));
    assert_eq!(limiter.crowd().used, 0);
}

#[test]
fn background_work_takes_its_share_and_goes_last() {
    let limiter = Limiter::new(10, 9);
    let permits: Vec<_> = (0..3).map(|_| turn(limiter.enter(Background))).collect();
    let mut waiting = line(limiter.enter(Background));
    let interactive: Vec<_> = (0..7).map(|_| turn(limiter.enter(Interactive))).collect();
    let mut eager = line(limiter.enter(Interactive));
    drop(permits);
    assert!((&mut eager).now_or_never().is_some());
    assert!((&mut waiting).now_or_never().is_some());
    drop(interactive);
}

#[test]
fn a_repeat_goes_before_all_and_is_not_held_against_the_queue() {
    let limiter = Limiter::new(1, 1);
    let first = turn(limiter.enter(Interactive));
    let mut second = line(limiter.enter(Interactive));
    let mut again = line(Ok(limiter.enter_again(Interactive)));
    drop(first);
    let permit = (&mut again).now_or_never().expect("the repeat's turn");
    assert!((&mut second).now_or_never().is_none());
    drop(permit);
    assert!((&mut second).now_or_never().is_some());
}

#[test]
fn a_changed_limit_holds_at_once() {
    let limiter = Limiter::new(1, 4);
    let first = turn(limiter.enter(Interactive));
    let (mut second, mut third) = (line(limiter.enter(Interactive)), line(limiter.enter(Interactive)));
    limiter.set_limit(2);
    let permit = (&mut second).now_or_never().expect("second's turn");
    assert!((&mut third).now_or_never().is_none());
    limiter.set_limit(1);
    drop(first);
    assert!((&mut third).now_or_never().is_none(), "one still runs");
    drop(permit);
    assert!((&mut third).now_or_never().is_some());
}

use std::collections::HashSet;

use super::*;

#[test]
fn numbers_come_once_in_any_order() {
    let mut window = ReplayWindow::new();
    for number in [1, 3, 2, WINDOW, 4, WINDOW + 3, WINDOW + 1] {
        assert!(window.admit(number).is_ok(), "{number}");
    }
    for number in [3, 4, WINDOW, WINDOW + 3, WINDOW + 1] {
        assert!(
            matches!(window.admit(number), Err(PeerError::Replayed | PeerError::TooOld)),
            "{number}"
        );
    }
}

#[test]
fn the_edge_is_exact() {
    let mut window = ReplayWindow::new();
    assert!(matches!(window.admit(0), Err(PeerError::TooOld)));
    window.admit(WINDOW + 10).expect("the first");
    assert!(matches!(window.admit(10), Err(PeerError::TooOld)));
    window.admit(11).expect("the oldest that is remembered");
    assert!(matches!(window.admit(11), Err(PeerError::Replayed)));
}

#[test]
fn the_last_number_is_a_number() {
    let mut window = ReplayWindow::new();
    for number in [u64::MAX, u64::MAX - 1, u64::MAX - WINDOW + 1] {
        window.admit(number).expect("it is new");
        assert!(matches!(window.admit(number), Err(PeerError::Replayed)));
    }
    assert!(matches!(window.admit(u64::MAX - WINDOW), Err(PeerError::TooOld)));
}

/// The window beside a set that remembers everything.
#[test]
fn it_is_a_set_as_far_as_it_goes() {
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    let (mut window, mut all, mut top) = (ReplayWindow::new(), HashSet::new(), 0_u64);
    for _ in 0..200_000 {
        let reach = if random.u8(..) == 0 { 3 * WINDOW } else { 40 };
        let number = (top + random.u64(0..reach))
            .saturating_sub(random.u64(0..=WINDOW + 50))
            .max(1);
        let admitted = window.admit(number);
        if number + WINDOW <= top {
            assert!(matches!(admitted, Err(PeerError::TooOld)), "{number} after {top}");
        } else if all.insert(number) {
            assert!(admitted.is_ok(), "{number} after {top}");
        } else {
            assert!(
                matches!(admitted, Err(PeerError::Replayed)),
                "{number} after {top}"
            );
        }
        top = top.max(number);
    }
    assert!(top > 10 * WINDOW, "it went far: {top}");
}

//! Values as the file holds them.

use crate::{StateName, Timestamp};

/// The number of a state in the file.
pub(super) fn state_in(state: StateName) -> usize {
    match state {
        StateName::Ready => 0,
        StateName::Scheduled => 1,
        StateName::Running => 2,
        StateName::Blocked => 3,
        StateName::Ok => 4,
        StateName::Dead => 5,
        StateName::Cancelled => 6,
    }
}

/// The state of a number in the file.
pub(super) fn state_out(number: usize) -> Option<StateName> {
    StateName::ALL
        .into_iter()
        .find(|state| state_in(*state) == number)
}

/// A moment as the file holds it.
pub(super) fn time_in(time: Timestamp) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}

/// A moment of the file.
pub(super) fn time_out(time: i64) -> Timestamp {
    Timestamp::from_millis(u64::try_from(time).unwrap_or_default())
}

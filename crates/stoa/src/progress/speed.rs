//! How fast bytes come, and how long the rest will take.

use std::{collections::VecDeque, time::Duration};

use tokio::time::Instant;

/// The rate is that of this time.
const WINDOW: Duration = Duration::from_secs(10);
/// Looks that are remembered at most.
const MOST: usize = 256;

/// How fast bytes have come of late, and parts since the beginning.
#[derive(Debug)]
pub(crate) struct Speed {
    began: Instant,
    /// What was done already when it began.
    first: Option<u64>,
    looks: VecDeque<(Instant, u64)>,
}

impl Speed {
    pub(crate) fn new() -> Self {
        Self {
            began: Instant::now(),
            first: None,
            looks: VecDeque::new(),
        }
    }

    pub(crate) fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }

    /// There are so many bytes now.
    pub(crate) fn look(&mut self, bytes: u64) {
        let now = Instant::now();
        self.looks.push_back((now, bytes));
        while self.looks.len() > MOST
            || self.looks.len() > 2 && self.looks.get(1).is_some_and(|(at, _)| now - *at > WINDOW)
        {
            self.looks.pop_front();
        }
    }

    /// Bytes in a second, if any have come.
    pub(crate) fn rate(&self) -> Option<u64> {
        let ((since, before), (until, after)) = (self.looks.front()?, self.looks.back()?);
        let millis = u64::try_from((*until - *since).as_millis()).ok()?;
        let rate = after
            .saturating_sub(*before)
            .saturating_mul(1_000)
            .checked_div(millis)?;
        (rate > 0).then_some(rate)
    }

    /// How long the rest will take if it goes on like this: none before anything is done, or when all is.
    pub(crate) fn left(&mut self, done: u64, all: u64) -> Option<Duration> {
        let first = *self.first.get_or_insert(done);
        let (fresh, left) = (done.saturating_sub(first), all.saturating_sub(done));
        let millis = u64::try_from(self.elapsed().as_millis()).ok()?;
        let left = (u128::from(millis) * u128::from(left)).checked_div(u128::from(fresh))?;
        let left = Duration::from_millis(u64::try_from(left).ok()?);
        (!left.is_zero()).then_some(left)
    }
}

/// A time in at most two units: `12s`, `2m05s`, `1h02m`.
pub(crate) fn short(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3_600 => format!("{}m{:02}s", seconds / 60, seconds % 60),
        _ => format!("{}h{:02}m", seconds / 3_600, seconds / 60 % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_rate_is_of_the_last_seconds_and_the_rest_is_foreseen() {
        let mut speed = Speed::new();
        assert_eq!((speed.rate(), speed.left(2, 10)), (None, None));
        for second in 0..30_u64 {
            speed.look(if second < 15 {
                second * 1_000
            } else {
                15_000 + (second - 15) * 10
            });
            tokio::time::advance(Duration::from_secs(1)).await;
        }
        assert_eq!(speed.rate(), Some(10), "the quick start is forgotten");
        // Four of the eight that were left have taken thirty seconds.
        assert_eq!(speed.left(6, 10), Some(Duration::from_secs(30)));
        assert_eq!(speed.left(10, 10), None);
    }

    #[test]
    fn times_are_short() {
        for (seconds, text) in [(0, "0s"), (59, "59s"), (125, "2m05s"), (3_725, "1h02m")] {
            assert_eq!(short(Duration::from_secs(seconds)), text);
        }
    }
}

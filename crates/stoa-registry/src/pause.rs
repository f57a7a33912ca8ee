//! Pauses after failures.

use std::time::Duration;

/// Pauses that grow with each failure in a row and are drawn between nothing and their length, so that those who failed
/// together do not come back together.
#[derive(Debug)]
pub(crate) struct Pause {
    first: Duration,
    longest: Duration,
    next: Duration,
    random: fastrand::Rng,
}

impl Pause {
    pub(crate) fn new(first: Duration, longest: Duration, seed: u64) -> Self {
        Self {
            first,
            longest,
            next: first,
            random: fastrand::Rng::with_seed(seed),
        }
    }

    /// How long to wait after one more failure.
    pub(crate) fn next(&mut self) -> Duration {
        let most = self.next;
        self.next = (most * 2).min(self.longest);
        // Never nothing at all: what fails at once must not be asked in a circle.
        most.mul_f64(0.1 + 0.9 * self.random.f64())
    }

    /// It has been well for a while.
    pub(crate) fn reset(&mut self) {
        self.next = self.first;
    }

    /// A time that is up to a fifth shorter.
    pub(crate) fn spread(&mut self, time: Duration) -> Duration {
        time.mul_f64(0.8 + 0.2 * self.random.f64())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_their_longest_and_begin_again() {
        let mut pause = Pause::new(Duration::from_millis(100), Duration::from_secs(30), 7);
        for most in [
            100, 200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 30_000, 30_000,
        ] {
            let most = Duration::from_millis(most);
            let next = pause.next();
            assert!(next <= most && next >= most / 10, "{next:?} of {most:?}");
        }
        pause.reset();
        assert!(pause.next() <= Duration::from_millis(100));
    }
}

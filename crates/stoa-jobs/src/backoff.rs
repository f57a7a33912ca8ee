//! How long a job waits after a run that failed.

use std::time::Duration;

/// Pauses that double with each run that fails, each a random part of the whole (full jitter): jobs that failed together do
/// not come back together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    /// The longest pause after the first run.
    pub base: Duration,
    /// The longest pause of all.
    pub cap: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self {
            base: Duration::from_secs(2),
            cap: Duration::from_secs(600),
        }
    }
}

impl Backoff {
    /// The pause after run number `failed`, from 1, where `random` is from 0 to 1.
    pub fn pause(self, failed: u32, random: f64) -> Duration {
        let doublings = failed.saturating_sub(1).min(31);
        let whole = self.base.saturating_mul(1 << doublings).min(self.cap);
        whole.mul_f64(random.clamp(0.0, 1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_cap() {
        let backoff = Backoff::default();
        let longest: Vec<_> = (1..=11).map(|run| backoff.pause(run, 1.0).as_secs()).collect();
        assert_eq!(longest, [2, 4, 8, 16, 32, 64, 128, 256, 512, 600, 600]);
        assert_eq!(backoff.pause(u32::MAX, 1.0), backoff.cap);
    }

    #[test]
    fn a_pause_is_a_random_part_of_the_whole() {
        let backoff = Backoff::default();
        assert_eq!(backoff.pause(3, 0.0), Duration::ZERO);
        assert_eq!(backoff.pause(3, 0.25), Duration::from_secs(2));
    }
}

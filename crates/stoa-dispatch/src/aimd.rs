//! Measures how many requests a server can take at once.

use std::time::Duration;

use tokio::time::Instant;

/// A response this many times slower than the fastest of late is a sign of a queue at the server...
const SLOW: u32 = 3;
/// ...if it is slower by this much as well: below it, jitter of the network is larger than any queue.
const SLOW_MARGIN: Duration = Duration::from_millis(20);
/// The fastest response is forgotten after one to two of these.
const BASELINE: Duration = Duration::from_secs(30);
/// The share that is kept when there are too many.
const DECREASE: f64 = 0.9;

/// Additive increase, multiplicative decrease, by latency and drops (Netflix's concurrency-limits calls it AIMD).
#[derive(Debug)]
pub(crate) struct Aimd {
    min: f64,
    max: f64,
    limit: f64,
    fastest: [Option<Duration>; 2],
    rotated: Instant,
    /// No second decrease before the requests that were in flight at the first have ended.
    calm_until: Instant,
}

impl Aimd {
    pub(crate) fn new(min: usize, max: usize, initial: usize, now: Instant) -> Self {
        Self {
            min: float(min),
            max: float(max),
            limit: float(initial),
            fastest: [None, None],
            rotated: now,
            calm_until: now,
        }
    }

    /// Learns from one attempt: how long it took, whether the server dropped it, and how many were running.
    pub(crate) fn sample(&mut self, latency: Duration, dropped: bool, running: usize, now: Instant) -> usize {
        if now.duration_since(self.rotated) >= BASELINE {
            self.fastest = [None, self.fastest[0]];
            self.rotated = now;
        }
        let fastest = self.fastest.iter().flatten().min().copied();
        let slow = fastest.is_some_and(|fastest| latency > fastest * SLOW && latency > fastest + SLOW_MARGIN);
        if !dropped {
            self.fastest[0] = Some(self.fastest[0].map_or(latency, |f| f.min(latency)));
        }
        if dropped || slow {
            if now >= self.calm_until {
                self.limit = (self.limit * DECREASE).floor().max(self.min);
                self.calm_until = now + latency;
            }
        } else if float(running) * 2.0 >= self.limit {
            // One more for each round of requests, and only if the limit is made use of.
            self.limit = (self.limit + 1.0 / self.limit).min(self.max);
        }
        self.limit()
    }

    pub(crate) fn limit(&self) -> usize {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "between two usizes"
        )]
        let limit = self.limit as usize;
        limit.max(1)
    }
}

fn float(number: usize) -> f64 {
    u32::try_from(number).map_or(f64::from(u32::MAX), f64::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FAST: Duration = Duration::from_millis(10);

    #[tokio::test(start_paused = true)]
    async fn it_grows_while_the_server_keeps_up_and_the_limit_is_used() {
        let mut aimd = Aimd::new(1, 16, 4, Instant::now());
        let now = Instant::now();
        for _ in 0..4 {
            aimd.sample(FAST, false, 1, now);
        }
        assert_eq!(aimd.limit(), 4, "one at a time says nothing about more");
        for _ in 0..1000 {
            let running = aimd.limit();
            aimd.sample(FAST, false, running, now);
        }
        assert_eq!(aimd.limit(), 16);
    }

    #[tokio::test(start_paused = true)]
    async fn it_shrinks_once_a_round_when_slow_or_dropped() {
        let mut now = Instant::now();
        let mut aimd = Aimd::new(2, 100, 100, now);
        aimd.sample(FAST, false, 100, now);
        for _ in 0..50 {
            aimd.sample(FAST * 10, false, 100, now);
        }
        assert_eq!(aimd.limit(), 90, "fifty slow ones of the same round count once");
        now += FAST * 10;
        assert_eq!(aimd.sample(FAST, true, 90, now), 81);
        for _ in 0..200 {
            now += Duration::from_secs(1);
            aimd.sample(FAST, true, 1, now);
        }
        assert_eq!(aimd.limit(), 2, "never below the minimum");
    }

    #[tokio::test(start_paused = true)]
    async fn a_server_that_is_slow_by_nature_is_learnt_again() {
        let mut now = Instant::now();
        let mut aimd = Aimd::new(1, 8, 8, now);
        aimd.sample(FAST, false, 8, now);
        for _ in 0..200 {
            now += Duration::from_secs(1);
            aimd.sample(Duration::from_millis(500), false, 8, now);
        }
        assert_eq!(aimd.limit(), 8);
    }
}

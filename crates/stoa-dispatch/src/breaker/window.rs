//! Counts over a sliding window of time.

use std::time::Duration;

use tokio::time::Instant;

const SLOTS: usize = 10;
const SLOTS_U32: u32 = 10;

/// Successes and failures of the last `SLOTS` slices of time.
#[derive(Debug)]
pub(crate) struct Window {
    slice: Duration,
    slots: [(u64, u64); SLOTS],
    current: usize,
    began: Instant,
}

impl Window {
    pub(crate) fn new(length: Duration, now: Instant) -> Self {
        Self {
            slice: (length / SLOTS_U32).max(Duration::from_millis(1)),
            slots: [(0, 0); SLOTS],
            current: 0,
            began: now,
        }
    }

    pub(crate) fn add(&mut self, failed: bool, now: Instant) {
        self.rotate(now);
        let (samples, failures) = &mut self.slots[self.current];
        *samples += 1;
        *failures += u64::from(failed);
    }

    /// All, and those that failed.
    pub(crate) fn counts(&mut self, now: Instant) -> (u64, u64) {
        self.rotate(now);
        let sum = |(a, b), &(samples, failures): &(u64, u64)| (a + samples, b + failures);
        self.slots.iter().fold((0, 0), sum)
    }

    pub(crate) fn clear(&mut self) {
        self.slots = [(0, 0); SLOTS];
    }

    fn rotate(&mut self, now: Instant) {
        for _ in 0..SLOTS {
            if now.duration_since(self.began) < self.slice {
                return;
            }
            self.began += self.slice;
            self.current = (self.current + 1) % SLOTS;
            self.slots[self.current] = (0, 0);
        }
        // Longer than the whole window: everything is forgotten already.
        self.began = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_is_older_than_the_window_is_forgotten() {
        let began = Instant::now();
        let at = |seconds| began + Duration::from_secs(seconds);
        let mut window = Window::new(Duration::from_secs(10), began);
        window.add(true, at(0));
        window.add(false, at(5));
        assert_eq!(window.counts(at(9)), (2, 1));
        assert_eq!(window.counts(at(10)), (1, 0));
        assert_eq!(window.counts(at(15)), (0, 0));
        window.add(true, at(10_000));
        assert_eq!(window.counts(at(10_000)), (1, 1));
    }
}

//! How fast bytes come.

use std::{collections::VecDeque, time::Duration};

use super::spec::MinSpeed;

/// Into how many parts a window is cut: arrivals within one of them are one.
const PARTS: u32 = 64;
/// The window over which a speed is told if no lowest one is asked for.
const WINDOW: Duration = Duration::from_secs(10);

/// How many bytes came in a window of time that ends now. The time counts that the server is waited for, and not the time that
/// the disk takes.
#[derive(Debug)]
pub(crate) struct Throughput {
    window: Duration,
    /// The bytes that a window needs; zero if any speed will do.
    needed: u64,
    /// How long the server was waited for altogether.
    clock: Duration,
    arrivals: VecDeque<Arrival>,
    /// The bytes of all arrivals.
    bytes: u64,
}

#[derive(Debug)]
struct Arrival {
    first: Duration,
    last: Duration,
    bytes: u64,
}

impl Throughput {
    /// Nothing has come yet.
    pub(crate) fn new(min: Option<MinSpeed>) -> Self {
        let window = min.map_or(WINDOW, |min| Duration::from_millis(min.window_ms.get()));
        let needed = min.map_or(0, |min| {
            let of_window = u128::from(min.bytes_per_second.get()) * window.as_millis() / 1_000;
            u64::try_from(of_window).unwrap_or(u64::MAX).max(1)
        });
        Self {
            window,
            needed,
            clock: Duration::ZERO,
            arrivals: VecDeque::new(),
            bytes: 0,
        }
    }

    /// The server was waited for so long, and then so many bytes came.
    pub(crate) fn arrive(&mut self, waited: Duration, bytes: u64) {
        self.clock += waited;
        let (now, part) = (self.clock, self.window / PARTS);
        match self.arrivals.back_mut() {
            Some(last) if now < last.first + part => {
                last.last = now;
                last.bytes += bytes;
            }
            _ => self.arrivals.push_back(Arrival {
                first: now,
                last: now,
                bytes,
            }),
        }
        self.bytes += bytes;
        while let Some(first) = self
            .arrivals
            .front()
            .filter(|first| first.last + self.window <= now)
        {
            self.bytes -= first.bytes;
            self.arrivals.pop_front();
        }
    }

    /// For how long the server may send nothing before it is too slow; none if that never happens. Zero if it is too slow.
    pub(crate) fn patience(&self) -> Option<Duration> {
        if self.needed == 0 {
            return None;
        }
        // The arrival without which a window has too few bytes. When it leaves the window, the server is too slow; before the
        // end of the first window it is not.
        let mut bytes = 0;
        let last_needed = self.arrivals.iter().rev().find(|arrival| {
            bytes += arrival.bytes;
            bytes >= self.needed
        });
        let until = last_needed.map_or(Duration::ZERO, |arrival| arrival.last) + self.window;
        Some(until.saturating_sub(self.clock))
    }

    /// Bytes per second.
    pub(crate) fn rate(&self) -> u64 {
        let time = self.clock.min(self.window).as_millis().max(1);
        u64::try_from(u128::from(self.bytes) * 1_000 / time).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU64;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn throughput(bytes_per_second: u64) -> Throughput {
        let number = |number| NonZeroU64::new(number).expect("not zero");
        Throughput::new(Some(MinSpeed {
            bytes_per_second: number(bytes_per_second),
            window_ms: number(10_000),
        }))
    }

    #[test]
    fn the_first_window_is_waited_for() {
        let mut slow = throughput(2);
        assert_eq!(slow.patience(), Some(SECOND * 10));
        for _ in 0..9 {
            slow.arrive(SECOND, 1);
        }
        assert_eq!(slow.patience(), Some(SECOND));
        slow.arrive(SECOND, 1);
        assert_eq!(slow.patience(), Some(Duration::ZERO));
        assert_eq!(slow.rate(), 1);
    }

    #[test]
    fn a_burst_counts_for_as_long_as_it_is_in_the_window() {
        let mut bursty = throughput(2);
        bursty.arrive(SECOND * 3, 20);
        assert_eq!(bursty.patience(), Some(SECOND * 10));
        bursty.arrive(SECOND * 4, 19);
        assert_eq!(bursty.patience(), Some(SECOND * 6));
        bursty.arrive(SECOND * 5, 1);
        assert_eq!(
            bursty.patience(),
            Some(SECOND * 5),
            "19 of the second burst and 1 more"
        );
    }

    #[test]
    fn a_fast_transfer_keeps_few_arrivals() {
        let mut fast = throughput(1);
        for _ in 0..100_000 {
            fast.arrive(Duration::from_millis(1), 1_000);
        }
        assert!(
            fast.arrivals.len() <= PARTS as usize + 1,
            "{}",
            fast.arrivals.len()
        );
        assert!((990_000..1_020_000).contains(&fast.rate()), "{}", fast.rate());
        assert_eq!(Throughput::new(None).patience(), None);
    }
}

//! How many jobs of an aggregation may start in a time.

use std::{fmt, num::NonZeroU32, str::FromStr, time::Duration};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::Timestamp;

/// A rate of starts: `20/s`, `100/m`, `5/h`. A burst of as many as start in one second, at least one, is let through at once.
///
/// What is kept of a rate is one moment, the one at which the next start would be exactly in time (GCRA), so that every store
/// can hold it in one number and change the rate while jobs run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    starts: NonZeroU32,
    per: Per,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Per {
    Second,
    Minute,
    Hour,
}

impl Per {
    fn millis(self) -> u64 {
        match self {
            Self::Second => 1_000,
            Self::Minute => 60_000,
            Self::Hour => 3_600_000,
        }
    }
}

impl Rate {
    /// The time between two starts in microseconds, at least one.
    pub fn interval_micros(self) -> u64 {
        (self.per.millis() * 1_000 / u64::from(self.starts.get())).max(1)
    }

    /// How far ahead of its time a start may come, in microseconds: what makes the burst.
    pub fn slack_micros(self) -> u64 {
        1_000_000_u64.saturating_sub(self.interval_micros())
    }

    /// Takes one start at `now` off the rate, whose kept moment is `next` in microseconds: the new one, or how long to wait.
    ///
    /// # Errors
    /// The time until a start is possible.
    pub fn take(self, next: u64, now: Timestamp) -> Result<u64, Duration> {
        let now = now.as_millis().saturating_mul(1_000);
        let early = next.saturating_sub(now);
        if early > self.slack_micros() {
            return Err(Duration::from_micros(early - self.slack_micros()));
        }
        Ok(next.max(now) + self.interval_micros())
    }
}

/// A text is no rate.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a rate is written COUNT/s, COUNT/m or COUNT/h, with a count of 1 to 1000000, as 20/s")]
pub struct RateError;

impl FromStr for Rate {
    type Err = RateError;

    fn from_str(text: &str) -> Result<Self, RateError> {
        let (starts, per) = text.split_once('/').ok_or(RateError)?;
        let starts: NonZeroU32 = starts.parse().map_err(|_| RateError)?;
        let per = match per {
            "s" => Per::Second,
            "m" => Per::Minute,
            "h" => Per::Hour,
            _ => return Err(RateError),
        };
        if starts.get() > 1_000_000 {
            return Err(RateError);
        }
        Ok(Self { starts, per })
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let per = match self.per {
            Per::Second => "s",
            Per::Minute => "m",
            Per::Hour => "h",
        };
        write!(f, "{}/{per}", self.starts)
    }
}

impl Serialize for Rate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Rate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        crate::text::parsed(deserializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rate(text: &str) -> Rate {
        text.parse().expect("a rate")
    }

    /// When each of `count` starts happens, if every one happens as soon as the rate lets it.
    fn starts(rate: Rate, count: usize) -> Vec<u64> {
        let mut now = Timestamp::from_millis(1_000_000);
        let mut next = 0;
        let mut moments = Vec::new();
        while moments.len() < count {
            match rate.take(next, now) {
                Ok(later) => {
                    next = later;
                    moments.push(now.as_millis() - 1_000_000);
                }
                Err(wait) => now = now.plus(wait.max(Duration::from_millis(1))),
            }
        }
        moments
    }

    #[test]
    fn a_burst_of_a_second_goes_at_once_and_the_rest_in_its_time() {
        assert_eq!(starts(rate("4/s"), 7), [0, 0, 0, 0, 250, 500, 750]);
        assert_eq!(starts(rate("30/m"), 3), [0, 2_000, 4_000]);
        assert_eq!(starts(rate("2/h"), 2), [0, 1_800_000]);
    }

    #[test]
    fn rates_are_read_as_they_are_written() {
        for text in ["20/s", "100/m", "5/h"] {
            assert_eq!(rate(text).to_string(), text);
        }
        for text in ["", "5", "0/s", "-1/s", "5/d", "1000001/s", "1.5/s"] {
            assert_eq!(text.parse::<Rate>(), Err(RateError), "{text:?}");
        }
    }
}

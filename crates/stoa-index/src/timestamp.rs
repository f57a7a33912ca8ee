//! Moments, to the microsecond.

use std::{
    fmt,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// A moment in microseconds since the first second of 1970, UTC. Earlier ones are zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The first moment of all.
    pub const ZERO: Self = Self(0);
    /// The last moment that an index keeps: the end of the year 9999.
    pub const MAX: Self = Self(253_402_300_799_999_999);

    /// The moment so many microseconds after the beginning of 1970. Those before it are zero, and those after the year 9999
    /// its end.
    pub const fn from_micros(micros: i64) -> Self {
        if micros < 0 {
            Self::ZERO
        } else if micros > Self::MAX.0 {
            Self::MAX
        } else {
            Self(micros)
        }
    }

    /// Microseconds since the beginning of 1970.
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// The next microsecond.
    #[must_use]
    pub const fn next(self) -> Self {
        Self::from_micros(self.0 + 1)
    }
}

/// What is finer than a microsecond is cut off.
impl From<SystemTime> for Timestamp {
    fn from(time: SystemTime) -> Self {
        let since = time.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
        Self::from_micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
    }
}

impl From<Timestamp> for SystemTime {
    fn from(time: Timestamp) -> Self {
        UNIX_EPOCH + Duration::from_micros(time.0.unsigned_abs())
    }
}

/// Prints as RFC 3339 in UTC with six digits after the second, as `2006-01-02T15:04:05.000000Z`: what the public index of
/// modules takes as `since`.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (seconds, micros) = (self.0 / 1_000_000, self.0 % 1_000_000);
        let seconds = stoa_module::Timestamp::from_unix(seconds)
            .ok_or(fmt::Error)?
            .to_string();
        write!(f, "{}.{micros:06}Z", seconds.trim_end_matches('Z'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_out_of_range_is_its_end() {
        assert_eq!(Timestamp::from_micros(-1), Timestamp::ZERO);
        assert_eq!(Timestamp::from_micros(i64::MAX), Timestamp::MAX);
        assert_eq!(Timestamp::MAX.next(), Timestamp::MAX);
        assert_eq!(Timestamp::MAX.to_string(), "9999-12-31T23:59:59.999999Z");
    }

    #[test]
    fn times_of_the_system_lose_nanoseconds() {
        let time = UNIX_EPOCH + Duration::from_nanos(1_136_214_245_000_001_999);
        let moment = Timestamp::from(time);
        assert_eq!(moment.to_string(), "2006-01-02T15:04:05.000001Z");
        assert_eq!(
            SystemTime::from(moment),
            UNIX_EPOCH + Duration::from_micros(1_136_214_245_000_001)
        );
        assert_eq!(
            Timestamp::from(UNIX_EPOCH - Duration::from_secs(1)),
            Timestamp::ZERO
        );
    }
}

//! Whole seconds in UTC.

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

const DAY_SECS: i64 = 24 * 60 * 60;

/// A moment in UTC to the second, from the year 0 to the year 9999: what a pseudo-version can tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// Go's zero `time.Time`, the first second of the year 1, which zero pseudo-versions have.
    pub const GO_ZERO: Self = Self(-62_135_596_800);

    const MIN: i64 = -62_167_219_200;
    const MAX: i64 = 253_402_300_799;

    /// Takes seconds since 1970, as version control systems tell commit times. `None` out of range.
    pub fn from_unix(secs: i64) -> Option<Self> {
        (Self::MIN..=Self::MAX).contains(&secs).then_some(Self(secs))
    }

    /// Seconds since 1970.
    pub fn unix(self) -> i64 {
        self.0
    }

    /// Takes the fourteen digits `yyyymmddhhmmss` of a pseudo-version. `None` if they are no time of the calendar.
    pub fn parse_compact(digits: &str) -> Option<Self> {
        if digits.len() != 14 || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        let field = |from: usize, to: usize| digits[from..to].parse::<i64>().ok();
        let (year, month, day) = (field(0, 4)?, field(4, 6)?, field(6, 8)?);
        let (hour, minute, second) = (field(8, 10)?, field(10, 12)?, field(12, 14)?);
        let in_calendar = (1..=12).contains(&month) && (1..=days_in_month(year, month)).contains(&day);
        if !in_calendar || hour > 23 || minute > 59 || second > 59 {
            return None;
        }
        Some(Self(
            days_from_civil(year, month, day) * DAY_SECS + hour * 3600 + minute * 60 + second,
        ))
    }

    /// The fourteen digits `yyyymmddhhmmss` of a pseudo-version.
    pub fn compact(self) -> impl fmt::Display {
        let (year, month, day) = civil_from_days(self.0.div_euclid(DAY_SECS));
        let (hour, minute, second) = self.clock();
        Compact([year, month, day, hour, minute, second])
    }

    fn clock(self) -> (i64, i64, i64) {
        let secs = self.0.rem_euclid(DAY_SECS);
        (secs / 3600, secs / 60 % 60, secs % 60)
    }
}

/// Prints as RFC 3339 in UTC, as `2006-01-02T15:04:05Z`.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = civil_from_days(self.0.div_euclid(DAY_SECS));
        let (hour, minute, second) = self.clock();
        write!(
            f,
            "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z"
        )
    }
}

/// Fractions of a second are cut off, towards the past. Fails out of range.
impl TryFrom<SystemTime> for Timestamp {
    type Error = TimestampRangeError;

    fn try_from(time: SystemTime) -> Result<Self, TimestampRangeError> {
        let secs = match time.duration_since(UNIX_EPOCH) {
            Ok(after) => i64::try_from(after.as_secs()).ok(),
            Err(before) => {
                let before = before.duration();
                let whole = before.as_secs() + u64::from(before.subsec_nanos() > 0);
                i64::try_from(whole).ok().map(|secs| -secs)
            }
        };
        secs.and_then(Self::from_unix).ok_or(TimestampRangeError)
    }
}

impl From<Timestamp> for SystemTime {
    fn from(time: Timestamp) -> Self {
        let distance = Duration::from_secs(time.0.unsigned_abs());
        if time.0 < 0 {
            UNIX_EPOCH - distance
        } else {
            UNIX_EPOCH + distance
        }
    }
}

/// A time before the year 0 or after the year 9999.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("time is not within the years 0 to 9999")]
pub struct TimestampRangeError;

struct Compact([i64; 6]);

impl fmt::Display for Compact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [year, month, day, hour, minute, second] = self.0;
        write!(f, "{year:04}{month:02}{day:02}{hour:02}{minute:02}{second:02}")
    }
}

fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 31,
    }
}

// Both conversions count in eras of 400 years that start on the first of March, so that the leap day is the last
// of a year: https://howardhinnant.github.io/date_algorithms.html

fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = year - i64::from(month <= 2);
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = (month_from_march + 2) % 12 + 1;
    (era * 400 + year_of_era + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime, UNIX_EPOCH};

    use super::{DAY_SECS, Timestamp};

    #[test]
    fn every_day_of_the_range_round_trips() {
        let mut previous = String::new();
        for days in Timestamp::MIN / DAY_SECS..=Timestamp::MAX / DAY_SECS {
            let time = Timestamp::from_unix(days * DAY_SECS + 86_399).unwrap();
            let compact = time.compact().to_string();
            assert!(previous < compact, "{previous} {compact}");
            assert_eq!(Timestamp::parse_compact(&compact), Some(time));
            previous = compact;
        }
        assert_eq!(previous, "99991231235959");
        assert_eq!(Timestamp::GO_ZERO.compact().to_string(), "00010101000000");
        assert_eq!(Timestamp::from_unix(Timestamp::MAX + 1), None);
        assert_eq!(Timestamp::from_unix(Timestamp::MIN - 1), None);
    }

    #[test]
    fn digits_out_of_the_calendar_are_refused() {
        for digits in [
            "20190230021931",
            "20230229000000",
            "19000229000000",
            "20190431000000",
            "20191301000000",
            "20190001000000",
            "20190100000000",
            "20190101240000",
            "20190101006000",
            "20190101000060",
            "2019010100000",
            "+2190101000000",
            "201901010000000",
        ] {
            assert_eq!(Timestamp::parse_compact(digits), None, "{digits}");
        }
        assert!(Timestamp::parse_compact("20000229000000").is_some());
        assert!(Timestamp::parse_compact("00000229000000").is_some());
    }

    #[test]
    fn system_times_are_cut_to_the_second() {
        let time = UNIX_EPOCH + Duration::from_millis(1_136_214_245_999);
        assert_eq!(
            Timestamp::try_from(time).unwrap().to_string(),
            "2006-01-02T15:04:05Z"
        );
        let time = UNIX_EPOCH - Duration::from_millis(1);
        assert_eq!(
            Timestamp::try_from(time).unwrap().to_string(),
            "1969-12-31T23:59:59Z"
        );
        let early = Timestamp::from_unix(-5).unwrap();
        assert_eq!(Timestamp::try_from(SystemTime::from(early)), Ok(early));
    }
}

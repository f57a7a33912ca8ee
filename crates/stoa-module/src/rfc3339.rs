//! Moments as RFC 3339 writes them.

use std::fmt;
use std::time::SystemTime;

use crate::Timestamp;

/// Of a second, as many digits are read; further ones mean nothing.
const NANO_DIGITS: usize = 9;

/// A moment with an offset from UTC, kept as it was written.
///
/// # Deviation
///
/// `time.Time.UnmarshalJSON` also takes hours of one digit, a comma before fractions and offsets of 24 hours; it says that
/// it will not for ever (golang.org/issue/54580), and RFC 3339 has none of these.
#[derive(Clone, PartialEq, Eq)]
pub struct Rfc3339 {
    text: Box<str>,
    /// Since 1970.
    secs: i64,
    nanos: u32,
}

impl Rfc3339 {
    /// Reads `2006-01-02T15:04:05Z`, with or without a fraction, with `Z` or an offset as `+07:00`. `None` if it is
    /// another text, or no moment of the calendar.
    pub fn parse(text: &[u8]) -> Option<Self> {
        let (date_time, rest) = text.split_at_checked(19)?;
        let mut digits = String::with_capacity(14);
        for (byte, form) in date_time.iter().zip(b"dddd-dd-ddTdd:dd:dd") {
            match form {
                b'd' => digits.push(char::from(*byte)),
                form if form != byte => return None,
                _ => {}
            }
        }
        let local = Timestamp::parse_compact(&digits)?;
        let (fraction, zone) = split_fraction(rest);
        let nanos = fraction
            .iter()
            .chain(std::iter::repeat(&b'0'))
            .take(NANO_DIGITS)
            .fold(0, |nanos, digit| nanos * 10 + u32::from(digit - b'0'));
        Some(Self {
            text: std::str::from_utf8(text).ok()?.into(),
            secs: local.unix() - offset(zone)?,
            nanos,
        })
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The same moment as Go prints it in UTC; as it was written, where that has no year of four digits.
    pub fn in_utc(&self) -> String {
        let utc = Timestamp::from_unix(self.secs);
        utc.map_or_else(|| self.text.to_string(), |utc| with_fraction(utc, self.nanos))
    }

    /// The second, since 1970; fractions are cut off towards the past.
    pub fn unix(&self) -> i64 {
        self.secs
    }

    /// What there is of the second besides, in nanoseconds.
    pub fn subsec_nanos(&self) -> u32 {
        self.nanos
    }

    /// Whether this is Go's zero time, which says that the time is not known.
    pub fn is_go_zero(&self) -> bool {
        (self.secs, self.nanos) == (Timestamp::GO_ZERO.unix(), 0)
    }
}

/// As Go's `time.RFC3339Nano` prints it in UTC: with as many digits as it has. A time that no [`Timestamp`] can be is no
/// commit's; it becomes Go's zero time.
impl From<SystemTime> for Rfc3339 {
    fn from(time: SystemTime) -> Self {
        let whole = Timestamp::try_from(time).unwrap_or(Timestamp::GO_ZERO);
        let nanos = time
            .duration_since(SystemTime::from(whole))
            .map_or(0, |rest| rest.subsec_nanos());
        Self {
            text: with_fraction(whole, nanos).into(),
            secs: whole.unix(),
            nanos,
        }
    }
}

/// Prints as it was written.
impl fmt::Display for Rfc3339 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Rfc3339 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.text, f)
    }
}

fn with_fraction(whole: Timestamp, nanos: u32) -> String {
    let text = whole.to_string();
    if nanos == 0 {
        return text;
    }
    let fraction = format!("{nanos:09}");
    format!(
        "{}.{}Z",
        text.trim_end_matches('Z'),
        fraction.trim_end_matches('0')
    )
}

/// The digits after a point, if there are any, and what comes after them.
fn split_fraction(rest: &[u8]) -> (&[u8], &[u8]) {
    let Some(after) = rest.strip_prefix(b".") else {
        return (&[], rest);
    };
    let is_end = |byte: &u8| !byte.is_ascii_digit();
    let digits = after.iter().position(is_end).unwrap_or(after.len());
    match digits {
        0 => (&[], rest),
        digits => after.split_at(digits),
    }
}

/// The seconds that the zone is ahead of UTC.
fn offset(zone: &[u8]) -> Option<i64> {
    let (sign, hour, minute) = match zone {
        b"Z" => return Some(0),
        [b'+', h, hh, b':', m, mm] => (1, [h, hh], [m, mm]),
        [b'-', h, hh, b':', m, mm] => (-1, [h, hh], [m, mm]),
        _ => return None,
    };
    let number = |digits: [&u8; 2]| {
        digits
            .iter()
            .all(|digit| digit.is_ascii_digit())
            .then(|| i64::from(digits[0] - b'0') * 10 + i64::from(digits[1] - b'0'))
    };
    let (hour, minute) = (number(hour)?, number(minute)?);
    (hour < 24 && minute < 60).then_some(sign * (hour * 3600 + minute * 60))
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;

    #[test]
    fn times_have_the_digits_they_need() {
        let at = |secs, nanos| Rfc3339::from(UNIX_EPOCH + Duration::new(secs, nanos)).to_string();
        assert_eq!(at(1_506_042_072, 0), "2017-09-22T01:01:12Z");
        assert_eq!(at(1_506_042_072, 861_368_000), "2017-09-22T01:01:12.861368Z");
        assert_eq!(at(0, 1), "1970-01-01T00:00:00.000000001Z");
        let before = Rfc3339::from(UNIX_EPOCH - Duration::from_millis(1));
        assert_eq!(before.as_str(), "1969-12-31T23:59:59.999Z");
        assert_eq!(Rfc3339::parse(before.as_str().as_bytes()), Some(before));
    }

    #[test]
    fn moments_are_the_same_in_every_zone() {
        let parse = |text: &str| Rfc3339::parse(text.as_bytes()).expect(text);
        let utc = parse("2024-02-29T23:30:00.5Z");
        assert_eq!(
            (utc.unix(), utc.as_str()),
            (1_709_249_400, "2024-02-29T23:30:00.5Z")
        );
        for same in [
            "2024-03-01T00:00:00.50+00:30",
            "2024-02-29T22:30:00.500000000999-01:00",
            "2024-02-29T23:30:00.5+00:00",
        ] {
            assert_eq!(parse(same).in_utc(), utc.as_str(), "{same}");
        }
        assert_eq!(
            parse("0000-01-01T00:00:00+00:01").in_utc(),
            "0000-01-01T00:00:00+00:01"
        );
        assert_eq!(
            parse("0000-01-01T00:00:00+23:59").unix(),
            -62_167_219_200 - 86_340
        );
        assert!(parse("0001-01-01T01:00:00+01:00").is_go_zero());
        assert!(!utc.is_go_zero());
    }

    #[test]
    fn other_texts_are_none() {
        for text in [
            "",
            "yesterday",
            "2024-01-02",
            "2024-01-02T03:04:05",
            "2024-01-02 03:04:05Z",
            "2024-01-02t03:04:05z",
            "2024-01-02T3:04:05Z",
            "2024-01-02T03:04:05,5Z",
            "2024-01-02T03:04:05.Z",
            "2024-01-02T03:04:60Z",
            "2024-01-02T24:00:00Z",
            "2023-02-29T03:04:05Z",
            "2024-13-02T03:04:05Z",
            "+024-01-02T03:04:05Z",
            "2024-01-02T03:04:05+24:00",
            "2024-01-02T03:04:05+01:60",
            "2024-01-02T03:04:05+0100",
            "2024-01-02T03:04:05+1:00",
            "2024-01-02T03:04:05+01:00Z",
            "2024-01-02T03:04:05Z ",
            "12024-01-02T03:04:05Z",
            "2024-01-02T03:04:05\\u005a",
        ] {
            assert_eq!(Rfc3339::parse(text.as_bytes()), None, "{text}");
        }
        assert_eq!(Rfc3339::parse(b"2024-01-0\xff\x8103:04:05Z"), None);
    }
}

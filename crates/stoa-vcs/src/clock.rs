//! Times as programs print them.

use std::time::{Duration, SystemTime};

/// The time so many seconds after 1970, or before.
pub(crate) fn seconds(since: i64) -> Option<SystemTime> {
    let span = Duration::from_secs(since.unsigned_abs());
    if since < 0 {
        SystemTime::UNIX_EPOCH.checked_sub(span)
    } else {
        SystemTime::UNIX_EPOCH.checked_add(span)
    }
}

/// The UTC time of `2006-01-02` and `15:04:05`, the latter with up to nine digits of a fraction.
pub(crate) fn date_time(date: &str, clock: &str) -> Option<SystemTime> {
    let (clock, fraction) = clock.split_once('.').unwrap_or((clock, ""));
    let nanos = match fraction {
        "" => 0,
        _ if fraction.len() > 9 => return None,
        digits => number(digits, digits.len())? * 10_i64.pow(9 - u32::try_from(digits.len()).ok()?),
    };
    let mut parts = date.split('-');
    let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
    let (year, month, day) = (number(year, 4)?, number(month, 2)?, number(day, 2)?);
    let mut times = clock.split(':');
    let (hour, minute, second) = (times.next()?, times.next()?, times.next()?);
    let (hour, minute, second) = (number(hour, 2)?, number(minute, 2)?, number(second, 2)?);
    let fits = (1..=12).contains(&month) && (1..=31).contains(&day) && hour < 24 && minute < 60;
    if !fits || second > 60 || parts.next().is_some() || times.next().is_some() {
        return None;
    }
    let whole = seconds(days(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second)?;
    whole.checked_add(Duration::from_nanos(nanos.unsigned_abs()))
}

/// `-0700` as seconds.
pub(crate) fn offset(text: &str) -> Option<i64> {
    let sign = match text.as_bytes().first()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let (hours, minutes) = (text.get(1..3)?, text.get(3..)?);
    Some(sign * (number(hours, 2)? * 3600 + number(minutes, 2)? * 60))
}

fn number(text: &str, digits: usize) -> Option<i64> {
    let fits = text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit());
    fits.then(|| text.parse().ok())?
}

/// Days since 1970-01-01 in the Gregorian calendar; years begin in March here, so that the leap day is their last.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates() {
        let at = |date, clock| {
            let time = date_time(date, clock)?;
            Some(time.duration_since(SystemTime::UNIX_EPOCH).ok()?.as_nanos())
        };
        assert_eq!(at("1970-01-01", "00:00:00"), Some(0));
        assert_eq!(
            at("2017-09-22", "01:12:45.861368"),
            Some(1_506_042_765_861_368_000)
        );
        assert_eq!(at("2020-02-29", "23:59:59"), Some(1_583_020_799_000_000_000));
        assert_eq!(at("2000-03-01", "00:00:00"), Some(951_868_800_000_000_000));
        for (date, clock) in [
            ("2017-9-22", "01:12:45"),
            ("2017-13-22", "01:12:45"),
            ("2017-09-22", "24:12:45"),
        ] {
            assert_eq!(at(date, clock), None, "{date} {clock}");
        }
        assert_eq!(
            (offset("+0130"), offset("-0700"), offset("0700")),
            (Some(5400), Some(-25200), None)
        );
        assert_eq!(date_time("1969-12-31", "23:59:59"), seconds(-1));
    }
}

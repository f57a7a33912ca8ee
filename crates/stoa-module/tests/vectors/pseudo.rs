//! Making pseudo-versions.

use std::time::{Duration, UNIX_EPOCH};

use stoa_module::{PseudoVersion, Timestamp, is_pseudo_version, pseudo_version};

use crate::{all, assert_fields, cases, text};

#[test]
fn pseudo_versions_are_made_and_taken_apart() {
    for vectors in all("pseudo_make") {
        for case in cases(&vectors, "cases", 20) {
            assert_fields(case, &["major", "older", "rev", "time", "want"]);
            let time = parse_rfc3339(text(case, "time")).unwrap();
            let (older, want) = (text(case, "older"), text(case, "want"));
            let made = pseudo_version(text(case, "major"), older, time, text(case, "rev"));
            assert_eq!(made, want);
            assert!(is_pseudo_version(&made));
            let parts = PseudoVersion::parse(&made).unwrap();
            assert_eq!(parts.time(), Ok(time));
            assert_eq!(parts.rev(), text(case, "rev"));
            assert_eq!(parts.base().unwrap().unwrap_or_default(), older);
        }
    }
}

/// Reads `2006-01-02T15:04:05[.fraction](Z|±hh:mm)`.
fn parse_rfc3339(time: &str) -> Option<Timestamp> {
    let (clock, rest) = time.split_at(19);
    let digits: String = clock.chars().filter(char::is_ascii_digit).collect();
    let local = Timestamp::parse_compact(&digits)?;
    let (fraction, zone) = rest.split_at(rest.find(['Z', '+', '-'])?);
    let nanos = format!("{:0<9}", fraction.trim_start_matches('.')).parse().ok()?;
    let offset = match zone.split_at(1) {
        ("Z", "") => 0,
        (sign, offset) => {
            let (hours, minutes) = offset.split_once(':')?;
            let secs = hours.parse::<i64>().ok()? * 3600 + minutes.parse::<i64>().ok()? * 60;
            if sign == "-" { -secs } else { secs }
        }
    };
    let secs = u64::try_from(local.unix() - offset).ok()?;
    Timestamp::try_from(UNIX_EPOCH + Duration::new(secs, nanos)).ok()
}

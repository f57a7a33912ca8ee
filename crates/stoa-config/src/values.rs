//! Parsers of single values. Each says in its error what can be written.

use std::{convert::Infallible, fmt, path::PathBuf, str::FromStr, time::Duration};

/// A number of bytes: `64MiB`, `1GB`, `4096`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ByteSize(
    /// How many.
    pub u64,
);

const UNITS: [(&str, u64); 10] = [
    ("B", 1),
    ("", 1),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("TiB", 1 << 40),
    ("KB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("TB", 1_000_000_000_000),
];

impl FromStr for ByteSize {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let bad = || format!("bad size {text:?}: write a number and KiB, MiB, GiB, KB, MB or GB");
        let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (number, unit) = text.split_at(digits);
        let (_, factor) = UNITS
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(unit.trim()))
            .ok_or_else(bad)?;
        let bytes = number.parse::<u64>().ok().and_then(|n| n.checked_mul(*factor));
        bytes.map(Self).ok_or_else(bad)
    }
}

impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let binary = [("GiB", 1_u64 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];
        match binary
            .iter()
            .find(|(_, factor)| self.0 != 0 && self.0.is_multiple_of(*factor))
        {
            Some((name, factor)) => write!(f, "{}{name}", self.0 / factor),
            None => write!(f, "{}", self.0),
        }
    }
}

/// A duration: `90s`, `1h 30m`, `0s`.
pub fn duration(text: &str) -> Result<Duration, String> {
    humantime::parse_duration(text)
        .map_err(|_| format!("bad duration {text:?}: write a number and ms, s, m or h"))
}

/// A duration that must not be zero: a deadline of nothing fails everything.
pub fn deadline(text: &str) -> Result<Duration, String> {
    match duration(text)? {
        Duration::ZERO => Err("must be more than zero".to_owned()),
        duration => Ok(duration),
    }
}

/// A bound: a whole number from 1 to a million.
pub fn bound(text: &str) -> Result<usize, String> {
    let number = text.parse().ok().filter(|n| (1..=1_000_000).contains(n));
    number.ok_or_else(|| format!("bad number {text:?}: write a whole number from 1 to 1000000"))
}

/// A number of things that may be none: a whole number up to a million.
pub fn count(text: &str) -> Result<usize, String> {
    let number = text.parse().ok().filter(|n| *n <= 1_000_000);
    number.ok_or_else(|| format!("bad number {text:?}: write a whole number from 0 to 1000000"))
}

/// `true` or `false`.
pub fn boolean(text: &str) -> Result<bool, String> {
    text.parse()
        .map_err(|_| format!("bad value {text:?}: write true or false"))
}

/// A file; `None` if none is named.
pub fn path(text: &str) -> Result<Option<PathBuf>, Infallible> {
    Ok(Some(PathBuf::from(text)).filter(|path| !path.as_os_str().is_empty()))
}

/// A text as it is written.
pub fn text(text: &str) -> Result<String, Infallible> {
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_and_written() {
        for (text, want) in [
            ("0", 0),
            ("64MiB", 64 << 20),
            ("1GB", 1_000_000_000),
            ("2 kib", 2048),
            ("7B", 7),
        ] {
            assert_eq!(text.parse(), Ok(ByteSize(want)), "{text}");
        }
        assert_eq!(ByteSize(64 << 20).to_string(), "64MiB");
        assert_eq!(ByteSize(1000).to_string(), "1000");
        for bad in ["", "MiB", "-1", "1.5GiB", "1 mile", "99999999999999TiB"] {
            assert!(bad.parse::<ByteSize>().is_err(), "{bad}");
        }
    }

    #[test]
    fn bad_values_name_the_good_ones() {
        assert!(
            duration("60")
                .expect_err("no unit")
                .contains("write a number and ms, s, m or h")
        );
        assert!(deadline("0s").is_err());
        assert!(bound("0").is_err() && bound("x").is_err());
    }
}

//! Single values.

use std::{convert::Infallible, fmt, path::PathBuf, str::FromStr, time::Duration};

use stoa_fetch::BaseUrl;
use stoa_module::PatternList;
use stoa_proxy::NetworkMode;
use stoa_server::LogFormat;
use tracing_subscriber::EnvFilter;

use super::key::HIDDEN;

/// A number of bytes: `64MiB`, `1GB`, `4096`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ByteSize(pub(crate) u64);

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

pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    humantime::parse_duration(text)
        .map_err(|_| format!("bad duration {text:?}: write a number and ms, s, m or h"))
}

/// A duration that must not be zero: a deadline of nothing fails everything.
pub(crate) fn deadline(text: &str) -> Result<Duration, String> {
    match duration(text)? {
        Duration::ZERO => Err("must be more than zero".to_owned()),
        duration => Ok(duration),
    }
}

/// A bound: a whole number from 1 to a million.
pub(crate) fn bound(text: &str) -> Result<usize, String> {
    let number = text.parse().ok().filter(|n| (1..=1_000_000).contains(n));
    number.ok_or_else(|| format!("bad number {text:?}: write a whole number from 1 to 1000000"))
}

/// A number of things that may be none: a whole number up to a million.
pub(crate) fn count(text: &str) -> Result<usize, String> {
    let number = text.parse().ok().filter(|n| *n <= 1_000_000);
    number.ok_or_else(|| format!("bad number {text:?}: write a whole number from 0 to 1000000"))
}

pub(crate) fn boolean(text: &str) -> Result<bool, String> {
    text.parse()
        .map_err(|_| format!("bad value {text:?}: write true or false"))
}

/// A file; `None` if none is named.
#[expect(clippy::unnecessary_wraps, reason = "it is a parser like the others")]
pub(crate) fn path(text: &str) -> Result<Option<PathBuf>, Infallible> {
    Ok(Some(PathBuf::from(text)).filter(|path| !path.as_os_str().is_empty()))
}

/// A text as it is written.
#[expect(clippy::unnecessary_wraps, reason = "it is a parser like the others")]
pub(crate) fn text(text: &str) -> Result<String, Infallible> {
    Ok(text.to_owned())
}

/// Globs with commas between them.
#[expect(clippy::unnecessary_wraps, reason = "it is a parser like the others")]
pub(crate) fn patterns(text: &str) -> Result<PatternList, Infallible> {
    Ok(PatternList::parse(text))
}

pub(crate) fn network(text: &str) -> Result<NetworkMode, String> {
    match text {
        "online" => Ok(NetworkMode::Online),
        "fallback" => Ok(NetworkMode::Fallback),
        "offline" => Ok(NetworkMode::Offline),
        _ => Err(format!(
            "bad network mode {text:?}: write online, fallback or offline"
        )),
    }
}

pub(crate) fn log_format(text: &str) -> Result<LogFormat, String> {
    match text {
        "text" => Ok(LogFormat::Text),
        "json" => Ok(LogFormat::Json),
        _ => Err(format!("bad log format {text:?}: write text or json")),
    }
}

/// Checked here, so that a bad filter is a fault of the configuration and not of the start.
pub(crate) fn log_level(text: &str) -> Result<String, String> {
    let bad = |error: &dyn fmt::Display| format!("bad log level {text:?}: {error}");
    EnvFilter::builder().parse(text).map_err(|error| bad(&error))?;
    let levels = ["error", "warn", "info", "debug", "trace", "off"];
    if !text.contains('=') && !levels.contains(&text) {
        return Err(bad(&"write error, warn, info, debug or trace"));
    }
    Ok(text.to_owned())
}

/// A URL with [`HIDDEN`] in place of its user and password.
pub(crate) fn hide(base: &BaseUrl) -> String {
    if base.has_credentials() {
        base.to_string().replacen("://", &format!("://{HIDDEN}@"), 1)
    } else {
        base.to_string()
    }
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
        assert!(
            network("Offline")
                .expect_err("case")
                .contains("online, fallback or offline")
        );
        assert!(log_level("loud").is_err() && log_level("stoa_fetch=debug,info").is_ok());
    }
}

//! Shares.

use std::{fmt, str::FromStr};

/// A whole number of percent, 0 to 100: `50%`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Percent(u8);

impl Percent {
    /// `None` for more than 100.
    pub const fn new(percent: u8) -> Option<Self> {
        if percent <= 100 { Some(Self(percent)) } else { None }
    }

    /// The number.
    pub fn get(self) -> u8 {
        self.0
    }
}

impl FromStr for Percent {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = text.strip_suffix('%').and_then(|n| n.parse().ok());
        number
            .and_then(Self::new)
            .ok_or_else(|| format!("bad percentage {text:?}: write a whole number from 0 to 100 and %"))
    }
}

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}%", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_read_and_written() {
        let percent: Percent = "50%".parse().expect("percent");
        assert_eq!((percent.get(), percent.to_string().as_str()), (50, "50%"));
    }

    #[test]
    fn bad_texts_are_refused() {
        for text in ["50", "101%", "-1%", "%"] {
            assert!(text.parse::<Percent>().is_err(), "{text}");
        }
    }
}

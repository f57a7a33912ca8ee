//! How many requests run at once.

use std::{fmt, num::NonZeroUsize, str::FromStr};

/// How many requests run at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Concurrency {
    /// Always as many.
    Fixed(NonZeroUsize),
    /// Measured: it grows by one while the server keeps up, and shrinks by a tenth when it slows down or drops requests.
    Auto {
        /// Never fewer.
        min: NonZeroUsize,
        /// Never more.
        max: NonZeroUsize,
    },
}

impl Concurrency {
    /// The limit to begin with.
    pub(crate) fn initial(self) -> usize {
        match self {
            Self::Fixed(limit) => limit.get(),
            Self::Auto { min, max } => min.get().max(max.get().min(8)),
        }
    }
}

/// The largest limit that [`Concurrency`]'s text form may ask for, and the one that a bare `auto` means.
const MAX_CONCURRENCY: usize = 10_000;
const AUTO_MAX: usize = 256;

/// `32`, `auto` (1 to 256) or `auto:2-64`.
impl FromStr for Concurrency {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let bad = || format!("bad concurrency {text:?}: write a number from 1 to 10000, auto, or auto:2-64");
        let number = |text: &str| {
            let number = text.parse::<NonZeroUsize>().ok();
            number.filter(|n| n.get() <= MAX_CONCURRENCY).ok_or_else(bad)
        };
        match text.strip_prefix("auto") {
            None => number(text).map(Self::Fixed),
            Some("") => Ok(Self::Auto {
                min: NonZeroUsize::MIN,
                max: NonZeroUsize::new(AUTO_MAX).unwrap_or(NonZeroUsize::MIN),
            }),
            Some(range) => {
                let (min, max) = range
                    .strip_prefix(':')
                    .and_then(|r| r.split_once('-'))
                    .ok_or_else(bad)?;
                let (min, max) = (number(min)?, number(max)?);
                if min > max {
                    return Err(bad());
                }
                Ok(Self::Auto { min, max })
            }
        }
    }
}

impl fmt::Display for Concurrency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fixed(limit) => write!(f, "{limit}"),
            Self::Auto { min, max } => write!(f, "auto:{min}-{max}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_read_and_written() {
        for text in ["32", "auto:2-64"] {
            assert_eq!(text.parse::<Concurrency>().expect(text).to_string(), text);
        }
        assert_eq!(
            "auto".parse::<Concurrency>().expect("auto").to_string(),
            "auto:1-256"
        );
    }

    #[test]
    fn bad_texts_are_refused() {
        for text in ["0", "", "automatic", "auto:4-2", "auto:0-4", "10001"] {
            assert!(text.parse::<Concurrency>().is_err(), "{text}");
        }
    }
}

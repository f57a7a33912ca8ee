//! What a lane is held to.

use std::{fmt, num::NonZeroU32, num::NonZeroUsize, str::FromStr, time::Duration};

/// Everything that shapes one lane. Each field can be changed while the lane is in use.
#[derive(Clone, Debug, PartialEq)]
pub struct LaneSettings {
    /// Requests that may run at once; a response counts until its body has ended.
    pub concurrency: Concurrency,
    /// Requests that may wait for their turn. One more is refused, or with `send` waits for room.
    pub queue: usize,
    /// Attempts per time; `None` for no limit.
    pub rate: Option<Rate>,
    /// Attempts that may start at once after a pause.
    pub burst: NonZeroU32,
    /// The longest wait for a turn, for the rate or for a sleeping lane.
    pub wait: Duration,
    /// From the start of one attempt to the head of its response.
    pub attempt: Duration,
    /// Between two pieces of a body.
    pub idle: Duration,
    /// From admission to the last byte of the body, for every request that has no deadline of its own.
    pub deadline: Duration,
    /// When to stop asking.
    pub breaker: BreakerSettings,
    /// When to ask again.
    pub retry: RetrySettings,
    /// The longest sleep that a server may order with `Retry-After` and the like.
    pub max_sleep: Duration,
}

impl Default for LaneSettings {
    fn default() -> Self {
        Self {
            concurrency: Concurrency::Fixed(NonZeroUsize::new(16).unwrap_or(NonZeroUsize::MIN)),
            queue: 256,
            rate: None,
            burst: NonZeroU32::MIN,
            wait: Duration::from_secs(30),
            attempt: Duration::from_secs(60),
            idle: Duration::from_secs(30),
            deadline: Duration::from_secs(15 * 60),
            breaker: BreakerSettings::default(),
            retry: RetrySettings::default(),
            max_sleep: Duration::from_secs(60 * 60),
        }
    }
}

/// How many requests run at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Concurrency {
    /// Always as many.
    Fixed(NonZeroUsize),
    /// Found out: grows by one while the server keeps up, shrinks by a tenth when it slows down or drops requests.
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

/// So many attempts in so much time: `20/s`, `600/m`, `1000/h`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    count: NonZeroU32,
    per: Per,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Per {
    Second,
    Minute,
    Hour,
}

impl Rate {
    /// So many per second.
    pub fn per_second(count: NonZeroU32) -> Self {
        let per = Per::Second;
        Self { count, per }
    }

    /// The time from one attempt to the next at this rate, at least a nanosecond.
    pub fn interval(self) -> Duration {
        let per = Duration::from_secs(match self.per {
            Per::Second => 1,
            Per::Minute => 60,
            Per::Hour => 3600,
        });
        (per / self.count.get()).max(Duration::from_nanos(1))
    }
}

impl FromStr for Rate {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let bad = || format!("bad rate {text:?}: write a number and /s, /m or /h, such as 20/s");
        let (count, per) = text.split_once('/').ok_or_else(bad)?;
        let per = match per {
            "s" => Per::Second,
            "m" => Per::Minute,
            "h" => Per::Hour,
            _ => return Err(bad()),
        };
        let count = count.parse().map_err(|_| bad())?;
        Ok(Self { count, per })
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let per = match self.per {
            Per::Second => 's',
            Per::Minute => 'm',
            Per::Hour => 'h',
        };
        write!(f, "{}/{per}", self.count)
    }
}

/// A whole number of percent, 0 to 100: `50%`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
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

/// When the breaker of a lane opens, and for how long.
#[derive(Clone, Debug, PartialEq)]
pub struct BreakerSettings {
    /// Whether it acts.
    pub mode: BreakerMode,
    /// Failures in a row that open it; 0 switches this rule off.
    pub consecutive: u32,
    /// Share of failures within the window that opens it; 0 switches this rule off.
    pub failure_rate: Percent,
    /// The time over which the share is taken.
    pub window: Duration,
    /// Requests that the window must have seen before the share counts.
    pub min_samples: u32,
    /// How long it stays open the first time. Doubles each time that a probe fails.
    pub open: Duration,
    /// It never stays open for longer.
    pub open_max: Duration,
}

impl Default for BreakerSettings {
    fn default() -> Self {
        Self {
            mode: BreakerMode::Active,
            consecutive: 10,
            failure_rate: Percent(50),
            window: Duration::from_secs(30),
            min_samples: 20,
            open: Duration::from_secs(1),
            open_max: Duration::from_secs(60),
        }
    }
}

/// Whether a breaker acts on what it sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BreakerMode {
    /// It opens and closes by itself.
    Active,
    /// It reports what it would do, and refuses nothing.
    Observe,
    /// It neither looks nor acts: everything passes.
    Disabled,
    /// Everything is refused until somebody changes this.
    ForcedOpen,
}

impl BreakerMode {
    /// The name: `active`, `observe`, `disabled`, `forced_open`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Observe => "observe",
            Self::Disabled => "disabled",
            Self::ForcedOpen => "forced_open",
        }
    }
}

impl FromStr for BreakerMode {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let all = [Self::Active, Self::Observe, Self::Disabled, Self::ForcedOpen];
        let found = all.into_iter().find(|mode| mode.as_str() == text);
        found.ok_or_else(|| {
            format!("bad breaker mode {text:?}: write active, observe, disabled or forced_open")
        })
    }
}

/// When a failed attempt is repeated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RetrySettings {
    /// Repeats of one request; 0 for none.
    pub max: u32,
    /// Repeats of a whole lane, as a share of its requests in the last ten seconds.
    pub budget: Percent,
    /// Repeats per second that a lane may always make.
    pub floor: u32,
    /// The longest pause before the first repeat; the pause is drawn between nothing and this, which doubles.
    pub backoff: Duration,
    /// The longest pause at all.
    pub backoff_max: Duration,
}

impl Default for RetrySettings {
    fn default() -> Self {
        Self {
            max: 2,
            budget: Percent(20),
            floor: 1,
            backoff: Duration::from_millis(200),
            backoff_max: Duration::from_secs(5),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_read_and_written() {
        for text in ["20/s", "600/m", "1/h"] {
            assert_eq!(text.parse::<Rate>().expect(text).to_string(), text);
        }
        assert_eq!(
            "600/m".parse::<Rate>().expect("rate").interval(),
            Duration::from_millis(100)
        );
        for text in ["32", "auto:2-64"] {
            assert_eq!(text.parse::<Concurrency>().expect(text).to_string(), text);
        }
        assert_eq!(
            "auto".parse::<Concurrency>().expect("auto").to_string(),
            "auto:1-256"
        );
        assert_eq!("50%".parse::<Percent>().expect("percent").get(), 50);
        assert_eq!("observe".parse::<BreakerMode>(), Ok(BreakerMode::Observe));
    }

    #[test]
    fn bad_texts_are_refused() {
        for text in ["", "0/s", "20", "20/d", "-1/s", "1.5/s", "/s"] {
            assert!(text.parse::<Rate>().is_err(), "{text}");
        }
        for text in ["0", "", "automatic", "auto:4-2", "auto:0-4", "10001"] {
            assert!(text.parse::<Concurrency>().is_err(), "{text}");
        }
        for text in ["50", "101%", "-1%", "%"] {
            assert!(text.parse::<Percent>().is_err(), "{text}");
        }
    }
}

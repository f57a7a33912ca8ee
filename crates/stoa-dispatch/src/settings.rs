//! The settings of a lane.

use std::{
    num::{NonZeroU32, NonZeroUsize},
    str::FromStr,
    time::Duration,
};

use crate::{Concurrency, Percent, Rate};

/// Everything that shapes one lane. Each field can be changed while the lane is in use.
#[derive(Clone, Debug, PartialEq)]
pub struct LaneSettings {
    /// Requests that may run at once; a response counts until its body has ended.
    pub concurrency: Concurrency,
    /// Requests that may wait for a permit. One more is refused, or with `send` waits for room.
    pub queue: usize,
    /// Attempts per time; `None` for no limit.
    pub rate: Option<Rate>,
    /// Attempts that may start at once after a pause.
    pub burst: NonZeroU32,
    /// The longest wait for a permit, for the rate or for the end of a pause.
    pub wait: Duration,
    /// From the start of one attempt to the head of its response.
    pub attempt: Duration,
    /// Between two pieces of a body.
    pub idle: Duration,
    /// From admission to the last byte of the body, for every request that has no deadline of its own.
    pub deadline: Duration,
    /// How long a request that nobody waits for any more may still wait for the head of its response.
    pub abandoned: Duration,
    /// When to stop asking the server.
    pub breaker: BreakerSettings,
    /// When to try a failed attempt again.
    pub retry: RetrySettings,
    /// The longest pause that a server gets by `Retry-After` and the like. Where it asked for more, one request tries then,
    /// and again after each such pause, until one is answered.
    pub max_throttle: Duration,
}

impl Default for LaneSettings {
    fn default() -> Self {
        Self {
            concurrency: Concurrency::Fixed(NonZeroUsize::new(20).unwrap_or(NonZeroUsize::MIN)),
            queue: 256,
            rate: None,
            burst: NonZeroU32::MIN,
            wait: Duration::from_secs(30),
            attempt: Duration::from_secs(60),
            idle: Duration::from_secs(30),
            deadline: Duration::from_secs(15 * 60),
            abandoned: Duration::from_secs(5),
            breaker: BreakerSettings::default(),
            retry: RetrySettings::default(),
            max_throttle: Duration::from_secs(2 * 60),
        }
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
            failure_rate: Percent::new(50).unwrap_or_default(),
            window: Duration::from_secs(30),
            min_samples: 20,
            open: Duration::from_secs(1),
            open_max: Duration::from_secs(60),
        }
    }
}

/// Whether a breaker acts on what it counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BreakerMode {
    /// It opens and closes by itself.
    Active,
    /// It reports what it would do, and refuses nothing.
    Observe,
    /// It neither counts nor acts: everything passes.
    Disabled,
    /// Everything is refused until an operator changes this.
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

/// When a failed attempt is tried again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RetrySettings {
    /// Retries of one request; 0 for none.
    pub max: u32,
    /// Retries of a whole lane, as a share of its requests in the last ten seconds.
    pub budget: Percent,
    /// Retries per second that a lane may always make.
    pub floor: u32,
    /// The longest pause before the first retry. The pause is drawn between zero and this, and this doubles with each retry.
    pub backoff: Duration,
    /// The longest pause at all.
    pub backoff_max: Duration,
}

impl Default for RetrySettings {
    fn default() -> Self {
        Self {
            max: 2,
            budget: Percent::new(20).unwrap_or_default(),
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
    fn breaker_modes_are_read_and_written() {
        for text in ["active", "observe", "disabled", "forced_open"] {
            assert_eq!(text.parse::<BreakerMode>().expect(text).as_str(), text);
        }
        assert_eq!("observe".parse::<BreakerMode>(), Ok(BreakerMode::Observe));
        assert!("open".parse::<BreakerMode>().is_err());
    }
}

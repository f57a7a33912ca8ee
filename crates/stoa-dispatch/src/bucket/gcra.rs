//! When the next token is due.

use std::time::Duration;

use tokio::time::Instant;

use crate::Rate;

/// A timer may ring late by so much; the time that is lost by it is made up for. Without this a lane of 200/s would
/// reach 170/s on timers of a millisecond.
const TIMER_SLACK: Duration = Duration::from_millis(5);

/// The generic cell rate algorithm: it remembers only when the bucket is full again. And the pause that a server ordered.
#[derive(Debug)]
pub(super) struct Gcra {
    interval: Option<Duration>,
    burst: u32,
    /// When the bucket is full again.
    full_at: Instant,
    throttled_until: Option<Instant>,
    /// The server asked for a longer pause than it gets.
    trial: Option<Trial>,
}

/// After a pause that was cut short, one request goes out to see whether the server still wants it, and all others wait.
#[derive(Clone, Copy, Debug)]
struct Trial {
    /// The end of the pause that was asked for.
    asked: Instant,
    /// How long the others wait for the outcome, and for the next one.
    pause: Duration,
    /// One is out.
    out: bool,
}

/// The token would be there too late.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TokenWaitError {
    pub(crate) free_at: Instant,
    /// It is the pause of the server that takes too long, not the rate.
    pub(crate) throttled: bool,
}

impl Gcra {
    pub(super) fn new(rate: Option<Rate>, burst: u32, now: Instant) -> Self {
        Self {
            interval: rate.map(Rate::interval),
            burst: burst.max(1),
            full_at: now,
            throttled_until: None,
            trial: None,
        }
    }

    /// Changes the rate. What has been spent stays spent, measured in tokens.
    pub(super) fn set_rate(&mut self, rate: Option<Rate>, burst: u32, now: Instant) {
        let debt = self.full_at.saturating_duration_since(now);
        let tokens = self
            .interval
            .map_or(0.0, |old| debt.as_secs_f64() / old.as_secs_f64());
        self.interval = rate.map(Rate::interval);
        self.burst = burst.max(1);
        let debt = |new: Duration| new.mul_f64(tokens.min(f64::from(self.burst)));
        self.full_at = now + self.interval.map_or(Duration::ZERO, debt);
    }

    /// Lets nothing pass before `until`, and one request at a time before `asked`. A pause is never cut short by a shorter
    /// one.
    pub(super) fn throttle(&mut self, until: Instant, asked: Instant, now: Instant) {
        self.throttled_until = self.throttled_until.max(Some(until));
        let earlier = self.trial.take().map(|trial| trial.asked);
        let asked = earlier.max(Some(asked)).filter(|asked| *asked > until);
        self.trial = asked.map(|asked| Trial {
            asked,
            pause: until.saturating_duration_since(now),
            out: false,
        });
    }

    pub(super) fn end_throttle(&mut self) {
        self.throttled_until = None;
        self.trial = None;
    }

    /// Whether a request is out that is to show whether the server still wants its pause.
    pub(super) fn is_on_trial(&self, now: Instant) -> bool {
        self.trial.is_some_and(|trial| trial.out && trial.asked > now)
    }

    /// When the pause ends, if there is one.
    pub(super) fn throttled_until(&self, now: Instant) -> Option<Instant> {
        self.throttled_until.filter(|until| *until > now)
    }

    /// Whether there is neither rate nor pause.
    pub(super) fn is_free(&self, now: Instant) -> bool {
        self.interval.is_none() && self.throttled_until(now).is_none() && self.trial_of(now).is_none()
    }

    /// When the token is there for a request with so many others ahead, if that is not after `latest`.
    pub(super) fn due(&self, latest: Instant, ahead: usize, now: Instant) -> Result<Instant, TokenWaitError> {
        let throttled_until = self.throttled_until.unwrap_or(now);
        let others = u32::try_from(ahead).unwrap_or(u32::MAX);
        let line = self
            .interval
            .map_or(Duration::ZERO, |interval| interval.saturating_mul(others));
        let free_at = self.token_at(now).max(throttled_until).max(now);
        let free_at = free_at.checked_add(line).unwrap_or(free_at);
        if free_at > latest {
            return Err(TokenWaitError {
                free_at,
                // The wait may be over already, and the pause long before it.
                throttled: self.throttled_until(now).is_some_and(|until| until > latest),
            });
        }
        Ok(free_at)
    }

    /// When the next token is there by the rate alone.
    fn token_at(&self, now: Instant) -> Instant {
        let Some(interval) = self.interval else { return now };
        let saved = interval.saturating_mul(self.burst - 1);
        self.full_at.checked_sub(saved).unwrap_or(now)
    }

    /// Spends a token.
    pub(super) fn take(&mut self, now: Instant) {
        if let Some(interval) = self.interval {
            let slack = TIMER_SLACK.min(interval);
            let since = now.checked_sub(slack).unwrap_or(now);
            self.full_at = self.full_at.max(since) + interval;
        }
        self.throttled_until = self.throttled_until(now);
        self.trial = self.trial_of(now);
        if let Some(trial) = &mut self.trial {
            trial.out = true;
            self.throttled_until = Some((now + trial.pause).min(trial.asked));
        }
    }

    fn trial_of(&self, now: Instant) -> Option<Trial> {
        self.trial.filter(|trial| trial.asked > now)
    }
}

//! The state machine of a breaker, without a lock and without a clock.

use std::{sync::Arc, time::Duration};

use tokio::time::Instant;

use super::window::Window;
use crate::{BreakerSettings, BreakerState, BreakerVerdict, Transition, deadline::after};

/// What a breaker has seen, and what follows from it.
#[derive(Debug)]
pub(super) struct Circuit {
    settings: BreakerSettings,
    state: State,
    /// Grows with each change of state.
    epoch: u64,
    /// Failures in a row.
    row: u32,
    window: Window,
    /// How many times it has opened without having been closed in between.
    openings: u32,
    last_failure: Option<Arc<str>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Closed,
    Open { until: Instant },
    Probing,
}

impl Circuit {
    pub(super) fn new(settings: BreakerSettings, now: Instant) -> Self {
        Self {
            window: Window::new(settings.window, now),
            settings,
            state: State::Closed,
            epoch: 0,
            row: 0,
            openings: 0,
            last_failure: None,
        }
    }

    pub(super) fn settings(&self) -> &BreakerSettings {
        &self.settings
    }

    /// Replaces the settings. The state stays.
    pub(super) fn set(&mut self, settings: BreakerSettings, now: Instant) {
        if settings.window != self.settings.window {
            self.window = Window::new(settings.window, now);
        }
        self.settings = settings;
    }

    pub(super) fn epoch(&self) -> u64 {
        self.epoch
    }

    pub(super) fn last_failure(&self) -> Option<Arc<str>> {
        self.last_failure.clone()
    }

    pub(super) fn is_probing(&self) -> bool {
        self.state == State::Probing
    }

    /// What it shows.
    pub(super) fn shown(&self, now: Instant) -> BreakerState {
        match self.state {
            State::Closed => BreakerState::Closed,
            State::Open { until } if until > now => BreakerState::Open {
                remaining: until.duration_since(now),
            },
            State::Open { .. } | State::Probing => BreakerState::HalfOpen,
        }
    }

    /// An attempt passes. If the circuit is open, the attempt is the probe.
    pub(super) fn pass(&mut self) {
        if matches!(self.state, State::Open { .. }) {
            self.state = State::Probing;
            self.epoch += 1;
        }
    }

    /// Closed, as if nothing had happened.
    pub(super) fn reset(&mut self) {
        self.close();
        self.last_failure = None;
    }

    /// For how long the state lets nothing pass; `None` if it lets the next attempt pass.
    pub(super) fn refused(&self, now: Instant) -> Option<Duration> {
        match self.state {
            State::Closed => None,
            State::Open { until } => {
                Some(until.saturating_duration_since(now)).filter(|left| !left.is_zero())
            }
            // How long the probe takes is not known; the first opening is as good a guess as any.
            State::Probing => Some(self.settings.open),
        }
    }

    /// Whether an attempt has succeeded within the window.
    pub(super) fn has_successes(&mut self, now: Instant) -> bool {
        let (samples, failures) = self.window.counts(now);
        samples > failures
    }

    fn close(&mut self) {
        if self.state != State::Closed {
            self.epoch += 1;
        }
        self.state = State::Closed;
        self.row = 0;
        self.openings = 0;
        self.window.clear();
    }

    fn open(&mut self, now: Instant, jitter: f64) {
        let doubled = self
            .settings
            .open
            .saturating_mul(1_u32.checked_shl(self.openings).unwrap_or(u32::MAX));
        let open = doubled.min(self.settings.open_max);
        // A quarter more or less, so that many lanes that opened together do not probe together.
        let spread = Duration::try_from_secs_f64(open.as_secs_f64() * (0.75 + jitter / 2.0));
        let open = spread.unwrap_or(open).min(self.settings.open_max);
        self.openings = self.openings.saturating_add(1);
        self.state = State::Open {
            until: after(now, open),
        };
        self.epoch += 1;
        self.row = 0;
        self.window.clear();
    }

    /// What the verdict of an attempt of this epoch changes. `jitter` is drawn from 0 to 1.
    pub(super) fn judge(&mut self, verdict: BreakerVerdict, now: Instant, jitter: f64) -> Option<Transition> {
        if let BreakerVerdict::Failure(text) = &verdict {
            self.last_failure = Some(text.as_str().into());
        }
        match (self.state, verdict) {
            (State::Probing, BreakerVerdict::Success) => {
                self.close();
                Some(Transition::Closed)
            }
            (State::Probing, BreakerVerdict::Failure(_)) => {
                self.open(now, jitter);
                Some(Transition::ProbeFailed)
            }
            (State::Probing, BreakerVerdict::Limited | BreakerVerdict::Ignored) => {
                // No verdict: the next one is the probe.
                self.state = State::Open { until: now };
                self.epoch += 1;
                None
            }
            (State::Closed, BreakerVerdict::Success) => {
                self.row = 0;
                self.window.add(false, now);
                None
            }
            (State::Closed, BreakerVerdict::Failure(_)) => {
                self.row = self.row.saturating_add(1);
                self.window.add(true, now);
                self.trip(now, jitter)
            }
            (State::Closed, BreakerVerdict::Limited) => {
                self.window.add(true, now);
                self.trip(now, jitter)
            }
            (State::Closed, BreakerVerdict::Ignored) | (State::Open { .. }, _) => None,
        }
    }

    fn trip(&mut self, now: Instant, jitter: f64) -> Option<Transition> {
        let settings = &self.settings;
        let in_a_row = settings.consecutive > 0 && self.row >= settings.consecutive;
        let (samples, failures) = self.window.counts(now);
        let share = u64::from(settings.failure_rate.get());
        let too_many = share > 0
            && samples >= u64::from(settings.min_samples.max(1))
            && failures * 100 >= samples * share;
        if !in_a_row && !too_many {
            return None;
        }
        self.open(now, jitter);
        Some(Transition::Tripped)
    }
}

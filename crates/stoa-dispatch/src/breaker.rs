//! When to stop asking a server, and when to try again.

use std::{sync::Arc, time::Duration};

use parking_lot::Mutex;
use tokio::{sync::Notify, time::Instant};

use crate::{BreakerMode, BreakerSettings, shared::after};

mod window;

use window::Window;

/// What an attempt says about the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It answered as it should.
    Success,
    /// It failed: no connection, no answer in time, or a 5xx. The text says how.
    Failure(String),
    /// It limits us. Counts as a failure for the rate, not for the row, and does not end a row.
    Limited,
    /// It says nothing: cancelled, refused before it left, or the server asked for a pause.
    Ignored,
}

/// What a breaker shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BreakerState {
    /// Everything passes.
    Closed,
    /// Nothing passes for so much longer.
    Open {
        /// Until a probe may pass.
        remaining: Duration,
    },
    /// The next request is the probe, or the probe is under way.
    HalfOpen,
}

impl BreakerState {
    /// The name: `closed`, `open`, `half_open`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open { .. } => "open",
            Self::HalfOpen => "half_open",
        }
    }
}

/// A change of state, for events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transition {
    /// Closed to open: it has failed too often.
    Tripped,
    /// The probe failed: open again, for longer.
    ProbeFailed,
    /// The probe succeeded.
    Closed,
}

/// A circuit breaker. Failures in a row, or a share of failures, open it; after a while it lets exactly one probe
/// through, whose success closes it.
///
/// Only verdicts of the time that they were permitted in count: an attempt that began before the breaker opened says
/// nothing about the server of now.
#[derive(Debug)]
pub(crate) struct Breaker {
    inner: Mutex<Inner>,
    /// Rings when it opens, for those who wait in line.
    opened: Notify,
}

#[derive(Debug)]
struct Inner {
    settings: BreakerSettings,
    state: State,
    /// Grows with each change of state.
    epoch: u64,
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

/// The right to make one attempt. A verdict ends it; dropping it is [`Verdict::Ignored`].
#[derive(Debug)]
pub(crate) struct BreakerPermit {
    breaker: Arc<Breaker>,
    epoch: u64,
    /// It passed only because the breaker does not act.
    ghost: bool,
    done: bool,
}

/// The breaker is open.
#[derive(Clone, Debug)]
pub(crate) struct Refusal {
    pub(crate) retry_after: Option<Duration>,
    pub(crate) cause: Option<Arc<str>>,
}

impl Breaker {
    pub(crate) fn new(settings: BreakerSettings) -> Arc<Self> {
        let window = Window::new(settings.window, Instant::now());
        Arc::new(Self {
            inner: Mutex::new(Inner {
                settings,
                state: State::Closed,
                epoch: 0,
                row: 0,
                window,
                openings: 0,
                last_failure: None,
            }),
            opened: Notify::new(),
        })
    }

    /// Permission for one attempt.
    pub(crate) fn permit(self: &Arc<Self>) -> Result<BreakerPermit, Refusal> {
        let now = Instant::now();
        let mut inner = self.inner.lock();
        let refused = inner.refused(now);
        let mode = inner.settings.mode;
        let ghost = match (mode, &refused) {
            (BreakerMode::ForcedOpen, _) | (BreakerMode::Active, Some(_)) => {
                return Err(Refusal {
                    retry_after: if mode == BreakerMode::ForcedOpen {
                        None
                    } else {
                        refused
                    },
                    cause: inner.last_failure.clone(),
                });
            }
            (BreakerMode::Disabled, _) | (BreakerMode::Observe, Some(_)) => true,
            (BreakerMode::Active | BreakerMode::Observe, None) => false,
        };
        if !ghost && matches!(inner.state, State::Open { .. }) {
            inner.state = State::Probing;
            inner.epoch += 1;
        }
        Ok(BreakerPermit {
            breaker: Arc::clone(self),
            epoch: inner.epoch,
            ghost,
            done: false,
        })
    }

    /// Resolves once the breaker refuses. Looks before it waits, and misses nothing in between.
    pub(crate) async fn refusing(&self) -> Refusal {
        loop {
            let mut opened = std::pin::pin!(self.opened.notified());
            opened.as_mut().enable();
            if let Some(refusal) = self.refusal() {
                return refusal;
            }
            opened.await;
        }
    }

    /// What somebody would be told now, were the answer no.
    pub(crate) fn refusal(&self) -> Option<Refusal> {
        let inner = self.inner.lock();
        let refused = inner.refused(Instant::now());
        let retry_after = match inner.settings.mode {
            BreakerMode::ForcedOpen => None,
            BreakerMode::Active => Some(refused?),
            BreakerMode::Disabled | BreakerMode::Observe => return None,
        };
        Some(Refusal {
            retry_after,
            cause: inner.last_failure.clone(),
        })
    }

    /// Replaces the settings. The state stays, unless the breaker is switched off or forced.
    pub(crate) fn set(&self, settings: BreakerSettings) {
        let mut inner = self.inner.lock();
        if settings.window != inner.settings.window {
            inner.window = Window::new(settings.window, Instant::now());
        }
        inner.settings = settings;
        drop(inner);
        self.opened.notify_waiters();
    }

    /// Closed, as if nothing had happened.
    pub(crate) fn reset(&self) {
        let mut inner = self.inner.lock();
        inner.close();
        inner.last_failure = None;
    }

    pub(crate) fn state(&self) -> (BreakerMode, BreakerState) {
        let inner = self.inner.lock();
        let now = Instant::now();
        let state = match inner.state {
            State::Closed => BreakerState::Closed,
            State::Open { until } if until > now => BreakerState::Open {
                remaining: until.duration_since(now),
            },
            State::Open { .. } | State::Probing => BreakerState::HalfOpen,
        };
        (inner.settings.mode, state)
    }

    pub(crate) fn last_failure(&self) -> Option<Arc<str>> {
        self.inner.lock().last_failure.clone()
    }
}

impl Inner {
    /// For how long the state lets nobody pass.
    fn refused(&self, now: Instant) -> Option<Duration> {
        match self.state {
            State::Closed => None,
            State::Open { until } => {
                Some(until.saturating_duration_since(now)).filter(|left| !left.is_zero())
            }
            // Nobody knows how long the probe takes; the first opening is as good a guess as any.
            State::Probing => Some(self.settings.open),
        }
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

    fn judge(&mut self, verdict: Verdict, now: Instant, jitter: f64) -> Option<Transition> {
        if let Verdict::Failure(text) = &verdict {
            self.last_failure = Some(text.as_str().into());
        }
        match (self.state, verdict) {
            (State::Probing, Verdict::Success) => {
                self.close();
                Some(Transition::Closed)
            }
            (State::Probing, Verdict::Failure(_)) => {
                self.open(now, jitter);
                Some(Transition::ProbeFailed)
            }
            (State::Probing, Verdict::Limited | Verdict::Ignored) => {
                // No verdict: the next one is the probe.
                self.state = State::Open { until: now };
                self.epoch += 1;
                None
            }
            (State::Closed, Verdict::Success) => {
                self.row = 0;
                self.window.add(false, now);
                None
            }
            (State::Closed, Verdict::Failure(_)) => {
                self.row = self.row.saturating_add(1);
                self.window.add(true, now);
                self.trip(now, jitter)
            }
            (State::Closed, Verdict::Limited) => {
                self.window.add(true, now);
                self.trip(now, jitter)
            }
            (State::Closed, Verdict::Ignored) | (State::Open { .. }, _) => None,
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

impl BreakerPermit {
    /// Whether what it was given for still holds.
    pub(crate) fn holds(&self) -> bool {
        self.ghost || self.breaker.inner.lock().epoch == self.epoch
    }

    /// Whether this is the probe.
    pub(crate) fn is_probe(&self) -> bool {
        let inner = self.breaker.inner.lock();
        !self.ghost && inner.epoch == self.epoch && inner.state == State::Probing
    }

    /// Ends the attempt. `jitter` is drawn from 0 to 1.
    pub(crate) fn end(mut self, verdict: Verdict, jitter: f64) -> Option<Transition> {
        self.finish(verdict, jitter)
    }

    fn finish(&mut self, verdict: Verdict, jitter: f64) -> Option<Transition> {
        self.done = true;
        if self.ghost {
            return None;
        }
        let transition = {
            let mut inner = self.breaker.inner.lock();
            if inner.epoch != self.epoch {
                return None;
            }
            inner.judge(verdict, Instant::now(), jitter)
        };
        if matches!(transition, Some(Transition::Tripped | Transition::ProbeFailed)) {
            self.breaker.opened.notify_waiters();
        }
        transition
    }
}

impl Drop for BreakerPermit {
    fn drop(&mut self) {
        if !self.done {
            self.finish(Verdict::Ignored, 0.0);
        }
    }
}

#[cfg(test)]
mod tests;

//! What goes into a breaker, and what it shows.

use std::time::Duration;

/// What an attempt says about the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BreakerVerdict {
    /// The server answered as it should.
    Success,
    /// The server failed: no connection, no answer in time, or a 5xx. The text says how.
    Failure(String),
    /// The server limits us. It counts as a failure for the rate, but neither lengthens nor ends a row of failures.
    Limited,
    /// The attempt says nothing: it was cancelled, or refused before it was sent, or the server asked for a pause.
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
    /// The next request is the probe, or the probe is in flight.
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
    /// Closed to open: the server has failed too often.
    Tripped,
    /// The probe failed: open again, for longer.
    ProbeFailed,
    /// The probe succeeded.
    Closed,
}

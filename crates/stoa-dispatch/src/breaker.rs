//! When to stop asking a server, and when to try again.

use std::{sync::Arc, time::Duration};

use parking_lot::Mutex;
use tokio::{sync::Notify, time::Instant};

use crate::{BreakerMode, BreakerSettings, BreakerState, BreakerVerdict, Transition};

mod circuit;
mod window;

use circuit::Circuit;

/// A circuit breaker. Failures in a row, or a share of failures, open it; after a while it lets exactly one probe
/// through, whose success closes it.
///
/// Only verdicts of the time that they were permitted in count: an attempt that began before the breaker opened says
/// nothing about the server of now.
#[derive(Debug)]
pub(crate) struct Breaker {
    circuit: Mutex<Circuit>,
    /// Rings when it opens, for the tasks in the queue.
    opened: Notify,
}

/// The right to make one attempt. A verdict ends it; dropping it is [`BreakerVerdict::Ignored`].
#[derive(Debug)]
pub(crate) struct BreakerPermit {
    breaker: Arc<Breaker>,
    epoch: u64,
    /// The attempt passed only because of the breaker's mode: its verdict does not count.
    bypassed: bool,
    done: bool,
}

/// The breaker is open.
#[derive(Clone, Debug)]
pub(crate) struct BreakerOpenError {
    pub(crate) retry_after: Option<Duration>,
    pub(crate) cause: Option<Arc<str>>,
}

impl Breaker {
    pub(crate) fn new(settings: BreakerSettings) -> Arc<Self> {
        Arc::new(Self {
            circuit: Mutex::new(Circuit::new(settings, Instant::now())),
            opened: Notify::new(),
        })
    }

    /// Permission for one attempt.
    pub(crate) fn permit(self: &Arc<Self>) -> Result<BreakerPermit, BreakerOpenError> {
        let mut circuit = self.circuit.lock();
        if let Some(error) = refusal(&circuit) {
            return Err(error);
        }
        let bypassed = match circuit.settings().mode {
            BreakerMode::Disabled => true,
            BreakerMode::Observe => circuit.refused(Instant::now()).is_some(),
            BreakerMode::Active | BreakerMode::ForcedOpen => false,
        };
        if !bypassed {
            circuit.pass();
        }
        Ok(BreakerPermit {
            breaker: Arc::clone(self),
            epoch: circuit.epoch(),
            bypassed,
            done: false,
        })
    }

    /// Resolves once the breaker refuses. It looks before it waits, and misses nothing in between.
    pub(crate) async fn refusing(&self) -> BreakerOpenError {
        loop {
            let mut opened = std::pin::pin!(self.opened.notified());
            opened.as_mut().enable();
            if let Some(error) = refusal(&self.circuit.lock()) {
                return error;
            }
            opened.await;
        }
    }

    /// Replaces the settings. The state stays.
    pub(crate) fn set(&self, settings: BreakerSettings) {
        self.circuit.lock().set(settings, Instant::now());
        // It may refuse now because it was forced open.
        self.opened.notify_waiters();
    }

    /// Closed, as if nothing had happened.
    pub(crate) fn reset(&self) {
        self.circuit.lock().reset();
    }

    pub(crate) fn state(&self) -> (BreakerMode, BreakerState) {
        let circuit = self.circuit.lock();
        (circuit.settings().mode, circuit.shown(Instant::now()))
    }

    pub(crate) fn last_failure(&self) -> Option<Arc<str>> {
        self.circuit.lock().last_failure()
    }
}

/// The error for an attempt of now, if it may not be made.
fn refusal(circuit: &Circuit) -> Option<BreakerOpenError> {
    let retry_after = match circuit.settings().mode {
        BreakerMode::ForcedOpen => None,
        BreakerMode::Active => Some(circuit.refused(Instant::now())?),
        BreakerMode::Disabled | BreakerMode::Observe => return None,
    };
    Some(BreakerOpenError {
        retry_after,
        cause: circuit.last_failure(),
    })
}

impl BreakerPermit {
    /// Whether what it was given for still holds.
    pub(crate) fn holds(&self) -> bool {
        self.bypassed || self.breaker.circuit.lock().epoch() == self.epoch
    }

    /// Whether this is the probe.
    pub(crate) fn is_probe(&self) -> bool {
        let circuit = self.breaker.circuit.lock();
        !self.bypassed && circuit.epoch() == self.epoch && circuit.is_probing()
    }

    /// Ends the attempt. `jitter` is drawn from 0 to 1.
    pub(crate) fn end(mut self, verdict: BreakerVerdict, jitter: f64) -> Option<Transition> {
        self.finish(verdict, jitter)
    }

    fn finish(&mut self, verdict: BreakerVerdict, jitter: f64) -> Option<Transition> {
        self.done = true;
        if self.bypassed {
            return None;
        }
        let transition = {
            let mut circuit = self.breaker.circuit.lock();
            if circuit.epoch() != self.epoch {
                return None;
            }
            circuit.judge(verdict, Instant::now(), jitter)
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
            self.finish(BreakerVerdict::Ignored, 0.0);
        }
    }
}

#[cfg(test)]
mod tests;

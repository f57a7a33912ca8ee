//! When to stop asking a server, and when to try again.

use std::{sync::Arc, time::Duration};

use parking_lot::Mutex;
use tokio::{sync::Notify, time::Instant};

use crate::{BreakerMode, BreakerSettings, BreakerState, BreakerVerdict, Share, Transition};

mod circuit;
mod circuits;
mod window;

use circuits::{Circuits, Epochs};

/// A circuit breaker. Failures in a row, or a share of failures, open it; after a while it lets exactly one probe
/// through, whose success closes it.
///
/// A [`Share`] for which alone the server fails is refused alone.
///
/// Only verdicts of the time that they were permitted in count: an attempt that began before the breaker opened says
/// nothing about the server of now.
#[derive(Debug)]
pub(crate) struct Breaker {
    circuits: Mutex<Circuits>,
    /// Rings when it opens, for the tasks in the queue.
    opened: Notify,
}

/// The right to make one attempt. A verdict ends it; dropping it is [`BreakerVerdict::Ignored`].
#[derive(Debug)]
pub(crate) struct BreakerPermit {
    breaker: Arc<Breaker>,
    share: Share,
    epochs: Epochs,
    /// The attempt passed only because of the breaker's mode: its verdict does not count.
    bypassed: bool,
    /// It repeats one whose failure was counted: see [`Task::again`](crate::Task::again).
    pub(crate) again: bool,
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
            circuits: Mutex::new(Circuits::new(settings, Instant::now())),
            opened: Notify::new(),
        })
    }

    /// Permission for one attempt of this share.
    pub(crate) fn permit(self: &Arc<Self>, share: &Share) -> Result<BreakerPermit, BreakerOpenError> {
        let mut circuits = self.circuits.lock();
        if let Some(error) = refusal(&circuits, share) {
            return Err(error);
        }
        let bypassed = match circuits.settings().mode {
            BreakerMode::Disabled => true,
            BreakerMode::Observe => circuits.refusing(share, Instant::now()).is_some(),
            BreakerMode::Active | BreakerMode::ForcedOpen => false,
        };
        if !bypassed {
            circuits.pass(share);
        }
        Ok(BreakerPermit {
            breaker: Arc::clone(self),
            share: share.clone(),
            epochs: circuits.epochs(share),
            bypassed,
            again: false,
            done: false,
        })
    }

    /// Resolves once the breaker refuses what this share asks. It looks before it waits, and misses nothing in between.
    pub(crate) async fn refusing(&self, share: &Share) -> BreakerOpenError {
        loop {
            let mut opened = std::pin::pin!(self.opened.notified());
            opened.as_mut().enable();
            if let Some(error) = refusal(&self.circuits.lock(), share) {
                return error;
            }
            opened.await;
        }
    }

    /// Replaces the settings. The state stays.
    pub(crate) fn set(&self, settings: &BreakerSettings) {
        self.circuits.lock().set(settings, Instant::now());
        // It may refuse now because it was forced open.
        self.opened.notify_waiters();
    }

    /// Closed, as if nothing had happened.
    pub(crate) fn reset(&self) {
        self.circuits.lock().reset();
    }

    pub(crate) fn state(&self) -> (BreakerMode, BreakerState) {
        let mut circuits = self.circuits.lock();
        let shown = circuits.shown(Instant::now());
        (circuits.settings().mode, shown)
    }

    /// How many shares it refuses although it lets others pass.
    pub(crate) fn open_shares(&self) -> usize {
        self.circuits.lock().open_shares(Instant::now())
    }

    pub(crate) fn last_failure(&self) -> Option<Arc<str>> {
        self.circuits.lock().last_failure()
    }
}

/// The error for an attempt of now, if it may not be made.
fn refusal(circuits: &Circuits, share: &Share) -> Option<BreakerOpenError> {
    let now = Instant::now();
    let refusing = circuits.refusing(share, now);
    let retry_after = match circuits.settings().mode {
        BreakerMode::ForcedOpen => None,
        BreakerMode::Active => Some(refusing?.refused(now)?),
        BreakerMode::Disabled | BreakerMode::Observe => return None,
    };
    let cause = refusing.and_then(circuit::Circuit::last_failure);
    Some(BreakerOpenError {
        retry_after,
        cause: cause.or_else(|| circuits.last_failure()),
    })
}

impl BreakerPermit {
    /// Whether what it was given for still holds.
    pub(crate) fn holds(&self) -> bool {
        self.bypassed || self.breaker.circuits.lock().epochs(&self.share) == self.epochs
    }

    /// Whether this is the probe.
    pub(crate) fn is_probe(&self) -> bool {
        let circuits = self.breaker.circuits.lock();
        !self.bypassed && circuits.epochs(&self.share) == self.epochs && circuits.is_probing(&self.share)
    }

    /// Ends the attempt. A failure `of_server` has nothing to do with what was asked for. `jitter` is drawn from 0 to 1.
    pub(crate) fn end(mut self, verdict: BreakerVerdict, of_server: bool, jitter: f64) -> Option<Transition> {
        self.finish(verdict, of_server, jitter)
    }

    fn finish(&mut self, verdict: BreakerVerdict, of_server: bool, jitter: f64) -> Option<Transition> {
        self.done = true;
        if self.bypassed {
            return None;
        }
        let transition = {
            let mut circuits = self.breaker.circuits.lock();
            let is_known = self.again
                && matches!(verdict, BreakerVerdict::Failure(_))
                && !circuits.is_probing(&self.share);
            let verdict = if is_known {
                BreakerVerdict::Ignored
            } else {
                verdict
            };
            circuits.judge(
                &self.share,
                self.epochs,
                verdict,
                of_server,
                Instant::now(),
                jitter,
            )
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
            self.finish(BreakerVerdict::Ignored, false, 0.0);
        }
    }
}

#[cfg(test)]
mod tests;

//! The circuit of a server, and those of shares that fail there.

use std::{collections::HashMap, sync::Arc};

use tokio::time::Instant;

use super::{circuit::Circuit, window::Window};
use crate::{BreakerSettings, BreakerState, BreakerVerdict, Share, Transition};

/// Shares that have failed of late. For one more, one that fails no longer is forgotten; where there is none, its failures
/// count for the server only.
const MAX_SHARES: usize = 256;
/// The part of the failures which open the circuit that one share may contribute to that of the server.
const PART: u32 = 3;

/// One circuit for the server, and one for each share that has failed of late.
///
/// What fails for one share may be its own fault: a module that the server cannot get, a path that it answers with 500 or
/// 429. That opens the share's circuit, and contributes to that of the server no more than a third of what opens it.
/// A server that cannot be reached, and work without a share, concern the server's circuit alone.
#[derive(Debug)]
pub(super) struct Circuits {
    server: Circuit,
    shares: HashMap<Share, OfShare>,
    /// Attempts that have succeeded, of whatever share.
    successes: u64,
}

#[derive(Debug)]
struct OfShare {
    circuit: Circuit,
    contributed: Contribution,
    failed_at: Instant,
}

/// What a share has contributed to the circuit of the server: within a window of time, and since the last success.
#[derive(Debug)]
struct Contribution {
    of_late: Window,
    in_a_row: u32,
    /// How many had succeeded before these.
    successes: u64,
}

/// When circuits permitted an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Epochs {
    server: u64,
    share: u64,
}

impl Circuits {
    pub(super) fn new(settings: BreakerSettings, now: Instant) -> Self {
        Self {
            server: Circuit::new(settings, now),
            shares: HashMap::new(),
            successes: 0,
        }
    }

    pub(super) fn settings(&self) -> &BreakerSettings {
        self.server.settings()
    }

    /// Replaces the settings. The states stay.
    pub(super) fn set(&mut self, settings: &BreakerSettings, now: Instant) {
        self.server.set(settings.clone(), now);
        for share in self.shares.values_mut() {
            share.circuit.set(settings.clone(), now);
        }
    }

    /// All closed, as if nothing had happened.
    pub(super) fn reset(&mut self) {
        self.server.reset();
        self.shares.clear();
    }

    /// The circuit that lets no attempt of this share pass now, if there is one.
    pub(super) fn refusing(&self, share: &Share, now: Instant) -> Option<&Circuit> {
        let own = self.shares.get(share).map(|share| &share.circuit);
        std::iter::once(&self.server)
            .chain(own)
            .find(|circuit| circuit.refused(now).is_some())
    }

    /// An attempt of this share passes.
    pub(super) fn pass(&mut self, share: &Share) {
        self.server.pass();
        if let Some(own) = self.shares.get_mut(share) {
            own.circuit.pass();
        }
    }

    pub(super) fn epochs(&self, share: &Share) -> Epochs {
        Epochs {
            server: self.server.epoch(),
            share: self.shares.get(share).map_or(0, |share| share.circuit.epoch()),
        }
    }

    /// Whether an attempt of this share is the probe of a circuit.
    pub(super) fn is_probing(&self, share: &Share) -> bool {
        let own = self.shares.get(share).map(|share| &share.circuit);
        self.server.is_probing() || own.is_some_and(Circuit::is_probing)
    }

    /// What the verdict of an attempt changes that these epochs permitted. A failure that is not `of_server` may be due to
    /// what was asked for. `jitter` is drawn from 0 to 1.
    pub(super) fn judge(
        &mut self,
        share: &Share,
        epochs: Epochs,
        verdict: BreakerVerdict,
        of_server: bool,
        now: Instant,
        jitter: f64,
    ) -> Option<Transition> {
        let failed = matches!(verdict, BreakerVerdict::Failure(_) | BreakerVerdict::Limited);
        if failed && !of_server && !share.is_none() {
            self.make_own(share, now);
        }
        self.successes += u64::from(verdict == BreakerVerdict::Success);
        let mut for_server = verdict.clone();
        let mut changed = None;
        if let Some(own) = self.shares.get_mut(share) {
            if own.circuit.epoch() == epochs.share {
                let unfit = failed && of_server;
                let verdict = if unfit { BreakerVerdict::Ignored } else { verdict };
                changed = own.circuit.judge(verdict, now, jitter);
            }
            if failed && !of_server {
                own.failed_at = now;
                let most = part(self.server.settings());
                if !own.contributed.one_more(most, self.successes, now) {
                    for_server = BreakerVerdict::Ignored;
                }
            }
        }
        if self.server.epoch() == epochs.server {
            changed = self.server.judge(for_server, now, jitter).or(changed);
        }
        changed
    }

    /// Sees to it that the share has a circuit, if there is room for one.
    fn make_own(&mut self, share: &Share, now: Instant) {
        if self.shares.contains_key(share) {
            return;
        }
        let settings = self.server.settings();
        if self.shares.len() >= MAX_SHARES {
            let window = settings.window;
            self.shares.retain(|_, share| {
                share.circuit.shown(now) != BreakerState::Closed
                    || now.duration_since(share.failed_at) < window
            });
            if self.shares.len() >= MAX_SHARES {
                return;
            }
        }
        let own = OfShare {
            circuit: Circuit::new(settings.clone(), now),
            contributed: Contribution {
                of_late: Window::new(settings.window, now),
                in_a_row: 0,
                successes: self.successes,
            },
            failed_at: now,
        };
        self.shares.insert(share.clone(), own);
    }

    /// What is shown for the whole: the circuit of the server; while that is closed and nothing has succeeded within the
    /// window, that of a share that does not get through.
    pub(super) fn shown(&mut self, now: Instant) -> BreakerState {
        let server = self.server.shown(now);
        if server != BreakerState::Closed || self.server.has_successes(now) {
            return server;
        }
        let shares = self.shares.values().map(|share| share.circuit.shown(now));
        shares.max_by_key(|state| rank(*state)).unwrap_or(server)
    }

    /// How many shares do not get through although the server may be asked.
    pub(super) fn open_shares(&self, now: Instant) -> usize {
        let open = |share: &&OfShare| share.circuit.refused(now).is_some();
        self.shares.values().filter(open).count()
    }

    /// How many shares have a circuit.
    #[cfg(test)]
    pub(super) fn tracked(&self) -> usize {
        self.shares.len()
    }

    pub(super) fn last_failure(&self) -> Option<Arc<str>> {
        self.server.last_failure().or_else(|| {
            let last = self.shares.values().max_by_key(|share| share.failed_at)?;
            last.circuit.last_failure()
        })
    }
}

impl Contribution {
    /// Counts one more, if that is not more than `most`.
    fn one_more(&mut self, most: u32, successes: u64, now: Instant) -> bool {
        if self.successes != successes {
            (self.successes, self.in_a_row) = (successes, 0);
        }
        let (of_late, _) = self.of_late.counts(now);
        let counts = self.in_a_row < most && of_late < u64::from(most);
        if counts {
            self.in_a_row += 1;
            self.of_late.add(true, now);
        }
        counts
    }
}

/// How many failures one share may contribute within a window, and in a row.
fn part(settings: &BreakerSettings) -> u32 {
    let opens = match settings.consecutive {
        0 => settings.min_samples,
        consecutive => consecutive,
    };
    opens.div_ceil(PART).max(1)
}

fn rank(state: BreakerState) -> u8 {
    match state {
        BreakerState::Closed => 0,
        BreakerState::HalfOpen => 1,
        BreakerState::Open { .. } => 2,
    }
}

//! What a lane shows, and what can be changed.

use std::{num::NonZeroU32, sync::Arc, time::Duration};

use crate::{BreakerMode, BreakerState, Concurrency, LaneCounts, LaneKey, LaneSettings, Rate};

/// A lane at one moment.
#[derive(Clone, Debug)]
pub struct LaneStatus {
    /// Its name.
    pub lane: LaneKey,
    /// What it is held to.
    pub settings: Arc<LaneSettings>,
    /// Whether somebody changed that by hand.
    pub by_hand: bool,
    /// When it goes back to the rules by itself.
    pub reverts_in: Option<Duration>,
    /// Turns there are now; moves where the concurrency is found out.
    pub limit: usize,
    /// Turns taken.
    pub running: usize,
    /// Requests that wait for a turn.
    pub waiting: usize,
    /// How much longer it sleeps because the server asked for it.
    pub asleep: Option<Duration>,
    /// Whether the breaker acts.
    pub mode: BreakerMode,
    /// What the breaker is.
    pub breaker: BreakerState,
    /// The last failure that the breaker saw.
    pub last_failure: Option<Arc<str>>,
    /// Since its last use.
    pub idle: Duration,
    /// What has happened in it.
    pub counts: LaneCounts,
}

/// A change of a lane by hand. `None` leaves a thing as it is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LaneUpdate {
    /// Requests that run at once.
    pub concurrency: Option<Concurrency>,
    /// Requests that may wait.
    pub queue: Option<usize>,
    /// Attempts per time; `Some(None)` takes the limit away.
    pub rate: Option<Option<Rate>>,
    /// Attempts that may start at once after a pause.
    pub burst: Option<NonZeroU32>,
    /// Whether the breaker acts. `Active` also closes it and forgets what it has seen.
    pub breaker: Option<BreakerMode>,
    /// For how long; afterwards the lane goes back to the rules. `None` is until it is changed again.
    pub lasting: Option<Duration>,
}

impl LaneUpdate {
    pub(crate) fn apply(&self, settings: &mut LaneSettings) {
        if let Some(concurrency) = self.concurrency {
            settings.concurrency = concurrency;
        }
        if let Some(queue) = self.queue {
            settings.queue = queue;
        }
        if let Some(rate) = self.rate {
            settings.rate = rate;
        }
        if let Some(burst) = self.burst {
            settings.burst = burst;
        }
        if let Some(mode) = self.breaker {
            settings.breaker.mode = mode;
        }
    }
}

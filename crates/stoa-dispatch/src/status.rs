//! What a lane shows, and what an operator can override.

use std::{num::NonZeroU32, sync::Arc, time::Duration};

use crate::{BreakerMode, BreakerState, Concurrency, LaneCounts, LaneKey, LaneSettings, Rate};

/// A lane at one moment.
#[derive(Clone, Debug)]
pub struct LaneStatus {
    /// Its name.
    pub lane: LaneKey,
    /// The settings in force.
    pub settings: Arc<LaneSettings>,
    /// Whether an operator has overridden some of them.
    pub overridden: bool,
    /// When the override ends by itself.
    pub reverts_in: Option<Duration>,
    /// Permits there are now; the number moves where the concurrency is adaptive.
    pub limit: usize,
    /// Permits held.
    pub running: usize,
    /// Requests that wait for a permit.
    pub waiting: usize,
    /// For how much longer the lane is throttled because the server asked for a pause.
    pub throttled: Option<Duration>,
    /// Whether the breaker acts.
    pub mode: BreakerMode,
    /// What the breaker is.
    pub breaker: BreakerState,
    /// Shares of requests that the breaker refuses although it lets others pass: the server fails for them alone.
    pub open_shares: usize,
    /// Whether the pool was told of its server, so that it never makes room for another.
    pub named: bool,
    /// The last failure that the breaker saw.
    pub last_failure: Option<Arc<str>>,
    /// Since its last use.
    pub idle: Duration,
    /// What has happened in it.
    pub counts: LaneCounts,
}

/// An override of some settings of a lane. `None` leaves a setting as it is.
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
    /// Whether the breaker acts. `Active` also closes it and forgets what it has counted.
    pub breaker: Option<BreakerMode>,
    /// For how long; afterwards the lane goes back to the rules. With `None`, until the lane is reset.
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

//! Where an aggregation stands among the others.

use crate::{Aggregation, AggregationKey, AggregationSettings, StateName, Timestamp};

/// The way of an aggregation of weight 1 for each job that starts.
const STRIDE: i64 = 1 << 20;

/// Where an aggregation stands: how many jobs it has, and when its next turn is.
///
/// Turns follow stride scheduling. An aggregation moves on by `STRIDE / weight` with each start, and the one that is the
/// least far gets the next turn. How far the last turn was is the *tide* of a kind; what has fallen behind it, as it had
/// nothing to start or was not allowed to, counts from the tide on: it gets a turn at once, but does not catch up.
#[derive(Clone, Debug, PartialEq)]
pub struct Standing {
    /// Its limits.
    pub settings: AggregationSettings,
    /// Whether an operator set them.
    pub pinned: bool,
    /// Jobs that could start.
    pub ready: u64,
    /// Jobs that run.
    pub running: u64,
    /// Jobs that wait for a moment.
    pub scheduled: u64,
    /// Jobs that wait for their children.
    pub blocked: u64,
    /// How far it has come.
    pub pass: i64,
    /// The moment that is kept of its rate, in microseconds.
    pub rate_moment: u64,
    /// When its rate allows the next start, if that was asked for and is not now.
    pub held_until: Option<Timestamp>,
}

impl Standing {
    /// A new aggregation.
    pub fn new(settings: AggregationSettings) -> Self {
        Self {
            settings,
            pinned: false,
            ready: 0,
            running: 0,
            scheduled: 0,
            blocked: 0,
            pass: 0,
            rate_moment: 0,
            held_until: None,
        }
    }

    /// Whether one of its jobs may start.
    pub fn is_open(&self) -> bool {
        self.ready > 0
            && !self.settings.paused
            && self.running < u64::from(self.settings.concurrency.get())
            && self.held_until.is_none()
    }

    /// A job has come from one state into another; none is before its submission.
    pub fn moved(&mut self, from: Option<StateName>, to: StateName) {
        if let Some(count) = from.and_then(|from| self.count(from)) {
            *count = count.saturating_sub(1);
        }
        if let Some(count) = self.count(to) {
            *count += 1;
        }
    }

    /// Takes a start off the rate. Returns whether it was allowed; if not, the aggregation is held until it is.
    pub fn take_start(&mut self, now: Timestamp) -> bool {
        let Some(rate) = self.settings.rate else {
            return true;
        };
        match rate.take(self.rate_moment, now) {
            Ok(moment) => self.rate_moment = moment,
            Err(wait) => {
                // Rounded up: a moment of the store is a whole millisecond.
                self.held_until = Some(now.plus(wait).plus(std::time::Duration::from_millis(1)));
                return false;
            }
        }
        true
    }

    /// Moves on by one start from the tide, which is `tide` now.
    pub fn step(&mut self, tide: i64) {
        let stride = (STRIDE / i64::from(self.settings.weight.get())).max(1);
        self.pass = self.pass.max(tide).saturating_add(stride);
    }

    /// When an aggregation that has no live jobs can be forgotten: as soon as a new one of its name could not start jobs
    /// faster than its rate allows. None if it stays.
    pub fn idle_from(&self) -> Option<Timestamp> {
        let has_jobs = self.ready + self.running + self.scheduled + self.blocked > 0;
        if self.pinned || has_jobs {
            return None;
        }
        let moment = if self.settings.rate.is_some() {
            self.rate_moment.div_ceil(1_000)
        } else {
            0
        };
        Some(Timestamp::from_millis(moment))
    }

    /// How it is shown.
    pub fn show(&self, key: AggregationKey, oldest_ready: Option<Timestamp>) -> Aggregation {
        Aggregation {
            key,
            settings: self.settings.clone(),
            pinned: self.pinned,
            ready: self.ready,
            running: self.running,
            scheduled: self.scheduled,
            oldest_ready,
        }
    }

    fn count(&mut self, state: StateName) -> Option<&mut u64> {
        match state {
            StateName::Ready => Some(&mut self.ready),
            StateName::Running => Some(&mut self.running),
            StateName::Scheduled => Some(&mut self.scheduled),
            StateName::Blocked => Some(&mut self.blocked),
            StateName::Ok | StateName::Dead | StateName::Cancelled => None,
        }
    }
}

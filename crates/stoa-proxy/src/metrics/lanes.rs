//! What the lanes of the dispatcher show, for Prometheus.

use std::{fmt, time::Duration};

use stoa_dispatch::{BreakerState, LaneCounts, LaneStatus, Pool};
use stoa_telemetry::{Collect, Samples};

/// The label of the sum of what evicted lanes had counted. No host has this name.
const GONE: &str = "(gone)";

/// Shows the lanes of a dispatcher. It reads them at each scrape, so that nothing is counted twice.
#[derive(Debug)]
pub struct LaneMetrics {
    dispatcher: Pool,
}

type Gauge = (&'static str, &'static str, fn(&LaneStatus) -> f64);
type Counter = (&'static str, &'static str, fn(&LaneCounts) -> u64);
type Seconds = (&'static str, &'static str, fn(&LaneCounts) -> Duration);

const GAUGES: &[Gauge] = &[
    (
        "dispatch_running",
        "Requests that have a permit, by lane",
        |lane| number(lane.running),
    ),
    (
        "dispatch_waiting",
        "Requests that wait for a permit, by lane",
        |lane| number(lane.waiting),
    ),
    ("dispatch_limit", "Permits that a lane has", |lane| {
        number(lane.limit)
    }),
    (
        "dispatch_breaker_state",
        "0 closed, 1 half open, 2 open, by lane",
        |lane| match lane.breaker {
            BreakerState::Closed => 0.0,
            BreakerState::HalfOpen => 1.0,
            BreakerState::Open { .. } => 2.0,
        },
    ),
    (
        "dispatch_throttled_seconds",
        "How much longer a lane is throttled because its host asked for a pause",
        |lane| lane.throttled.map_or(0.0, |left| left.as_secs_f64()),
    ),
];

const COUNTERS: &[Counter] = &[
    ("dispatch_queued", "Requests taken, by lane", |c| c.queued),
    ("dispatch_rejected", "Requests not taken, by lane", |c| c.rejected),
    ("dispatch_started", "Requests that got a permit, by lane", |c| {
        c.started
    }),
    (
        "dispatch_abandoned",
        "Requests that left the queue without a permit, by lane",
        |c| c.abandoned,
    ),
    (
        "dispatch_succeeded",
        "Requests that ended with a status below 500, by lane",
        |c| c.succeeded,
    ),
    (
        "dispatch_refused",
        "Requests that filter, breaker or rate refused after they had got a permit, by lane",
        |c| c.refused,
    ),
    (
        "dispatch_failed",
        "Requests that ended otherwise after they had got a permit, by lane",
        |c| c.failed,
    ),
    ("dispatch_attempts", "Attempts sent, by lane", |c| c.attempts),
    (
        "dispatch_retries",
        "Attempts that retried another, by lane",
        |c| c.retries,
    ),
    (
        "dispatch_throttles",
        "Pauses that hosts asked for, by lane",
        |c| c.throttles,
    ),
    (
        "dispatch_breaker_openings",
        "Times that a breaker opened, by lane",
        |c| c.openings,
    ),
    (
        "dispatch_drained_bytes",
        "Bytes read only to keep a connection, by lane",
        |c| c.drained,
    ),
];

const SECONDS: &[Seconds] = &[
    (
        "dispatch_waited_seconds",
        "Time spent waiting for permits, by lane",
        |c| c.waited,
    ),
    (
        "dispatch_busy_seconds",
        "Time from permits to the ends of bodies, by lane",
        |c| c.busy,
    ),
];

impl LaneMetrics {
    /// Shows the lanes of `dispatcher`.
    pub fn new(dispatcher: Pool) -> Self {
        Self { dispatcher }
    }
}

impl Collect for LaneMetrics {
    fn collect(&self, samples: &mut Samples<'_>) -> fmt::Result {
        let (lanes, gone) = self.dispatcher.totals();
        for (name, help, value) in GAUGES {
            let mut family = samples.gauge(name, help)?;
            for lane in &lanes {
                family.sample(&[("lane", lane.lane.as_str())], value(lane))?;
            }
        }
        let counts = || {
            let lanes = lanes.iter().map(|lane| (lane.lane.as_str(), &lane.counts));
            lanes.chain([(GONE, &gone)])
        };
        for (name, help, value) in COUNTERS {
            let mut family = samples.counter(name, help)?;
            for (lane, counts) in counts() {
                family.sample(&[("lane", lane)], value(counts))?;
            }
        }
        for (name, help, value) in SECONDS {
            let mut family = samples.counter(name, help)?;
            for (lane, counts) in counts() {
                family.sample(&[("lane", lane)], value(counts).as_secs_f64())?;
            }
        }
        Ok(())
    }
}

fn number(number: usize) -> f64 {
    f64::from(u32::try_from(number).unwrap_or(u32::MAX))
}

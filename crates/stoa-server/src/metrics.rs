//! Counts for Prometheus.

use std::{
    fmt,
    sync::atomic::AtomicU64,
    time::{Duration, Instant},
};

use parking_lot::Mutex;
use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{
        counter::Counter,
        family::Family,
        gauge::Gauge,
        histogram::{Histogram, exponential_buckets},
    },
    registry::Registry,
};
use stoa_dispatch::Pool;

use crate::{
    lane_metrics::LaneMetrics,
    sum_metrics::SumMetrics,
    vcs_metrics::{VcsCounts, VcsMetrics},
};

/// Everything that is counted. Names begin with `stoa_`.
pub struct Metrics {
    registry: Mutex<Registry>,
    requests: Family<RequestLabels, Counter>,
    sent: Family<ResultLabels, Counter>,
    duration: Family<ResultLabels, Histogram>,
    fetches: Family<FetchLabels, Counter>,
    fetch_duration: Family<KindLabels, Histogram>,
    connections: Gauge,
    open: Gauge,
    log_lines_dropped: Gauge<u64, AtomicU64>,
    sums: SumMetrics,
}

/// One request's kind and end.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct RequestLabels {
    pub(crate) resource: &'static str,
    pub(crate) result: &'static str,
    pub(crate) status: u32,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ResultLabels {
    resource: &'static str,
    result: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct FetchLabels {
    resource: &'static str,
    result: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct KindLabels {
    resource: &'static str,
}

/// From 50 us, where hits are, to 100 s, where large cold zips are.
fn request_buckets() -> Histogram {
    Histogram::new(exponential_buckets(0.000_05, 4.0, 12))
}

/// From 1 ms to 260 s.
fn fetch_buckets() -> Histogram {
    Histogram::new(exponential_buckets(0.001, 4.0, 10))
}

impl Metrics {
    /// All counts at zero.
    pub fn new() -> Self {
        let metrics = Self {
            registry: Mutex::new(Registry::with_prefix("stoa")),
            requests: Family::default(),
            sent: Family::default(),
            duration: Family::new_with_constructor(request_buckets),
            fetches: Family::default(),
            fetch_duration: Family::new_with_constructor(fetch_buckets),
            connections: Gauge::default(),
            open: Gauge::default(),
            log_lines_dropped: Gauge::default(),
            sums: SumMetrics::default(),
        };
        let mut registry = metrics.registry.lock();
        registry.register(
            "requests",
            "Requests by kind, result and status",
            metrics.requests.clone(),
        );
        registry.register("response_bytes", "Bytes of response bodies", metrics.sent.clone());
        let help = "Seconds from the head of a request to the end of its response body";
        registry.register("request_duration_seconds", help, metrics.duration.clone());
        registry.register(
            "fetches",
            "Questions asked of sources, by kind and result",
            metrics.fetches.clone(),
        );
        let help = "Seconds until a source has answered, body not included";
        registry.register("fetch_duration_seconds", help, metrics.fetch_duration.clone());
        registry.register(
            "connections",
            "Open client connections",
            metrics.connections.clone(),
        );
        let help = "Requests whose answer is being looked for outside of memory";
        registry.register("requests_open", help, metrics.open.clone());
        let help = "Log lines lost because the log output was too slow";
        registry.register("log_lines_dropped", help, metrics.log_lines_dropped.clone());
        metrics.sums.register(&mut registry);
        drop(registry);
        metrics
    }

    pub(crate) fn sums(&self) -> &SumMetrics {
        &self.sums
    }

    /// Shows what is run for repositories too.
    pub fn show_vcs(&self, counts: VcsCounts) {
        self.registry
            .lock()
            .register_collector(Box::new(VcsMetrics(counts)));
    }

    /// Shows the lanes of `dispatcher` too.
    pub fn show_lanes(&self, dispatcher: Pool) {
        let lanes = Box::new(LaneMetrics(dispatcher));
        self.registry.lock().register_collector(lanes);
    }

    pub(crate) fn request(&self, labels: &RequestLabels, bytes: u64, duration: Duration) {
        self.requests.get_or_create(labels).inc();
        let labels = ResultLabels {
            resource: labels.resource,
            result: labels.result,
        };
        self.sent.get_or_create(&labels).inc_by(bytes);
        self.duration
            .get_or_create(&labels)
            .observe(duration.as_secs_f64());
    }

    /// The counts of hits on one kind, found once for many.
    pub(crate) fn hits(&self, resource: &'static str) -> HitMeter {
        let labels = ResultLabels {
            resource,
            result: "hit",
        };
        HitMeter {
            requests: self.requests.get_or_create_owned(&RequestLabels {
                resource,
                result: "hit",
                status: 200,
            }),
            sent: self.sent.get_or_create_owned(&labels),
            duration: self.duration.get_or_create_owned(&labels),
        }
    }

    pub(crate) fn fetch(&self, resource: &'static str, result: &'static str, started: Instant) {
        self.fetches
            .get_or_create(&FetchLabels { resource, result })
            .inc();
        self.fetch_duration
            .get_or_create(&KindLabels { resource })
            .observe(started.elapsed().as_secs_f64());
    }

    /// Counts a connection until the guard is dropped.
    pub(crate) fn connection(&self) -> GaugeGuard {
        self.connections.inc();
        GaugeGuard(self.connections.clone())
    }

    /// Counts a request that memory could not answer until the guard is dropped.
    pub(crate) fn open_request(&self) -> GaugeGuard {
        self.open.inc();
        GaugeGuard(self.open.clone())
    }

    /// The exposition text, in `OpenMetrics` form.
    pub(crate) fn text(&self, log_lines_dropped: u64) -> String {
        self.log_lines_dropped.set(log_lines_dropped);
        let mut text = String::new();
        match encode(&mut text, &self.registry.lock()) {
            Ok(()) => text,
            Err(fmt::Error) => String::new(),
        }
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Metrics")
    }
}

/// Counts whole answers from memory. Looking them up by label for each hit would cost as much as the rest of
/// the bookkeeping.
#[derive(Clone, Debug)]
pub(crate) struct HitMeter {
    requests: Counter,
    sent: Counter,
    duration: Histogram,
}

impl HitMeter {
    pub(crate) fn record(&self, bytes: u64, duration: Duration) {
        self.requests.inc();
        self.sent.inc_by(bytes);
        self.duration.observe(duration.as_secs_f64());
    }
}

/// One open connection or request.
#[derive(Debug)]
pub(crate) struct GaugeGuard(Gauge);

impl Drop for GaugeGuard {
    fn drop(&mut self) {
        self.0.dec();
    }
}

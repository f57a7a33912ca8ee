//! What the edge shows to Prometheus.

use std::time::Duration;

use stoa_telemetry::{Counter, EncodeLabelSet, Family, Gauge, Histogram, Part, exponential_buckets};

/// What is counted of requests and connections.
#[derive(Clone, Debug)]
pub struct EdgeMetrics {
    requests: Family<RequestLabels, Counter>,
    sent: Family<ResultLabels, Counter>,
    duration: Family<ResultLabels, Histogram>,
    connections: Gauge,
    refused: Counter,
    open: Gauge,
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

/// From 50 us, where hits are, to 100 s, where large cold zips are.
fn buckets() -> Histogram {
    Histogram::new(exponential_buckets(0.000_05, 4.0, 12))
}

impl EdgeMetrics {
    /// Registers the metrics of an edge in `part`.
    pub fn new(part: &Part) -> Self {
        let help = "Seconds from the head of a request to the end of its response body";
        let duration = part.histograms("request_duration_seconds", help, buckets);
        let help = "Requests whose answer is being looked for outside of memory";
        let open = part.gauge("requests_open", help);
        Self {
            requests: part.counters("requests", "Requests by kind, result and status"),
            sent: part.counters("response_bytes", "Bytes of response bodies"),
            duration,
            connections: part.gauge("connections", "Open client connections"),
            refused: part.counter(
                "connections_refused",
                "Connections closed because their address has its share",
            ),
            open,
        }
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

    /// Counts a connection until the guard is dropped.
    pub(crate) fn connection(&self) -> GaugeGuard {
        self.connections.inc();
        GaugeGuard(self.connections.clone())
    }

    /// Counts a connection that was closed because its address has its share.
    pub(crate) fn connection_refused(&self) {
        self.refused.inc();
    }

    /// Counts a request that memory could not answer until the guard is dropped.
    pub(crate) fn open_request(&self) -> GaugeGuard {
        self.open.inc();
        GaugeGuard(self.open.clone())
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

//! Counts what is asked of sources.

use std::{fmt, sync::Arc, time::Instant};

use async_trait::async_trait;
use stoa_fetch::{FetchError, Fetched, Fetcher, Question};
use stoa_telemetry::{Counter, EncodeLabelSet, Family, Histogram, Part, exponential_buckets, span};
use tracing::Instrument;

/// Counts and times every question to the sources behind it, and opens the span `fetch` for it. Outermost of the fetchers.
#[derive(Debug)]
pub struct Metered {
    inner: Arc<dyn Fetcher>,
    metrics: FetchMetrics,
}

/// What is counted of questions to sources.
#[derive(Clone, Debug)]
pub struct FetchMetrics {
    fetches: Family<FetchLabels, Counter>,
    duration: Family<KindLabels, Histogram>,
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

/// From 1 ms to 260 s.
fn buckets() -> Histogram {
    Histogram::new(exponential_buckets(0.001, 4.0, 10))
}

impl FetchMetrics {
    /// Registers the metrics of fetches in `part`.
    pub fn new(part: &Part) -> Self {
        let help = "Questions asked of sources, by kind and result";
        let fetches = part.counters("fetches", help);
        let help = "Seconds until a source has answered, body not included";
        let duration = part.histograms("fetch_duration_seconds", help, buckets);
        Self { fetches, duration }
    }

    fn count(&self, resource: &'static str, result: &'static str, started: Instant) {
        self.fetches
            .get_or_create(&FetchLabels { resource, result })
            .inc();
        self.duration
            .get_or_create(&KindLabels { resource })
            .observe(started.elapsed().as_secs_f64());
    }
}

impl Metered {
    /// Counts in `metrics`.
    pub fn new(inner: Arc<dyn Fetcher>, metrics: FetchMetrics) -> Self {
        Self { inner, metrics }
    }
}

impl fmt::Display for Metered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "metered > {}", self.inner)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Fetcher for Metered {
    async fn fetch(&self, question: &Question) -> Result<Fetched, FetchError> {
        let started = Instant::now();
        let span = span::fetch(question);
        let fetched = self.inner.fetch(question).instrument(span.clone()).await;
        let result = match &fetched {
            Ok(_) => "ok",
            Err(FetchError::NotFound(_)) => "not_found",
            Err(FetchError::Refused { .. }) => "refused",
            Err(FetchError::Unreachable { .. }) => "unreachable",
            Err(FetchError::Broken { .. }) => "broken",
            Err(FetchError::Unreadable { .. }) => "unreadable",
            Err(FetchError::Status { .. }) => "status",
            Err(FetchError::Timeout { .. }) => "timeout",
            Err(FetchError::Invalid { .. } | FetchError::Condemned { .. }) => "invalid",
            Err(FetchError::Overloaded { .. }) => "overloaded",
            Err(FetchError::Local { .. }) => "local",
            Err(FetchError::Unsupported { .. }) => "unsupported",
        };
        self.metrics.count(question.resource.kind(), result, started);
        span.in_scope(|| tracing::debug!(result, "a source has answered"));
        fetched
    }
}

//! What is counted of release archives.

use stoa_fetch::FetchError;
use stoa_telemetry::{Counter, EncodeLabelSet, Family, Part};

use crate::ProxyError;

/// What is asked of the server of release archives, by kind and result.
#[derive(Clone, Debug)]
pub struct ReleaseMetrics(Family<ReleaseLabels, Counter>);

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ReleaseLabels {
    resource: &'static str,
    result: &'static str,
}

impl ReleaseMetrics {
    /// Registers the metrics in `part`.
    pub fn new(part: &Part) -> Self {
        let help = "What was brought in of release archives, by kind and result";
        Self(part.counters("release_fetches", help))
    }

    /// Something was asked for, and this came of it.
    pub(super) fn fetched<T>(&self, resource: &'static str, result: &Result<T, ProxyError>) {
        let result = match result {
            Ok(_) => "ok",
            Err(error) if error.is_not_found() => "not_found",
            Err(_) => "error",
        };
        self.0.get_or_create(&ReleaseLabels { resource, result }).inc();
    }

    /// The same, of an answer of the server.
    pub(super) fn answered<T>(&self, resource: &'static str, result: &Result<T, FetchError>) {
        let result = match result {
            Ok(_) => "ok",
            Err(FetchError::NotFound(_)) => "not_found",
            Err(_) => "error",
        };
        self.0.get_or_create(&ReleaseLabels { resource, result }).inc();
    }
}

//! Counts what is asked of sources.

use std::{fmt, sync::Arc, time::Instant};

use async_trait::async_trait;
use stoa_fetch::{FetchError, Fetched, Fetcher, Question};

use crate::Metrics;

/// Counts and times every question to the sources behind it. Outermost of the fetchers.
#[derive(Debug)]
pub struct Metered {
    inner: Arc<dyn Fetcher>,
    metrics: Arc<Metrics>,
}

impl Metered {
    /// Counts in `metrics`.
    pub fn new(inner: Arc<dyn Fetcher>, metrics: Arc<Metrics>) -> Self {
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
        let fetched = self.inner.fetch(question).await;
        let result = match &fetched {
            Ok(_) => "ok",
            Err(FetchError::NotFound(_)) => "not_found",
            Err(FetchError::Refused { .. }) => "refused",
            Err(FetchError::Unreachable { .. }) => "unreachable",
            Err(FetchError::Status { .. }) => "status",
            Err(FetchError::Timeout { .. }) => "timeout",
            Err(FetchError::Invalid { .. }) => "invalid",
            Err(FetchError::Overloaded { .. }) => "overloaded",
            Err(FetchError::Unsupported { .. }) => "unsupported",
        };
        self.metrics.fetch(question.resource.kind(), result, started);
        fetched
    }
}

//! Answers of a database from memory: its latest head, and what it does not have.

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use parking_lot::Mutex;
use stoa_cache::{Cache, CacheOptions};
use stoa_sumdb::RemotePath;
use tokio::time::Instant;

use super::{ChecksumDatabase, SumAnswer};
use crate::{Outcome, ProxyError, weights};

/// How long answers are believed.
#[derive(Clone, Debug)]
pub struct SumMemoryOptions {
    /// The latest head is fresh for so long.
    pub latest_ttl: Duration,
    /// "There is no such thing" is believed for so long.
    pub negative_ttl: Duration,
    /// Memory for the latter, in bytes.
    pub capacity: u64,
}

/// Remembers what may change: the latest head, and lookups of what is not there. Everything else is cached by the
/// innermost layer, which verifies it.
#[derive(Debug)]
pub struct SumMemory {
    inner: Arc<dyn ChecksumDatabase>,
    options: SumMemoryOptions,
    latest: Mutex<Option<(Instant, SumAnswer)>>,
    missing: Cache<RemotePath, ProxyError>,
}

impl SumMemory {
    /// Remembers what `inner` answers.
    pub fn new(inner: Arc<dyn ChecksumDatabase>, options: SumMemoryOptions) -> Self {
        let cache = CacheOptions::new(options.capacity).max_age(options.negative_ttl);
        let weigh =
            |path: &RemotePath, error: &ProxyError| weights::of_remote_path(path) + weights::of_error(error);
        Self {
            inner,
            latest: Mutex::default(),
            missing: Cache::weighed_by(cache, weigh),
            options,
        }
    }

    /// The head, unless it is too old.
    fn remembered_head(&self) -> Option<SumAnswer> {
        let latest = self.latest.lock();
        let (since, answer) = latest.as_ref()?;
        let fresh_for = self.options.latest_ttl.checked_sub(since.elapsed())?;
        let outcome = if answer.outcome == Outcome::Stale {
            Outcome::Stale
        } else {
            Outcome::Hit
        };
        Some(SumAnswer {
            outcome,
            fresh_for: Some(fresh_for),
            ..answer.clone()
        })
    }

    async fn latest(&self) -> Result<SumAnswer, ProxyError> {
        if let Some(answer) = self.remembered_head() {
            return Ok(answer);
        }
        let answer = self.inner.get(&RemotePath::Latest).await?;
        *self.latest.lock() = Some((Instant::now(), answer.clone()));
        Ok(SumAnswer {
            fresh_for: Some(self.options.latest_ttl),
            ..answer
        })
    }
}

impl fmt::Display for SumMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sum_memory > {}", self.inner)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl ChecksumDatabase for SumMemory {
    async fn get(&self, path: &RemotePath) -> Result<SumAnswer, ProxyError> {
        if *path == RemotePath::Latest {
            return self.latest().await;
        }
        if let Some(missing) = self.missing.get(path) {
            return Err(missing.value);
        }
        let answer = self.inner.get(path).await;
        // A tile that is not there yet may be there with the next lookup.
        if let Err(error) = answer.as_ref()
            && error.is_not_found()
            && matches!(path, RemotePath::Lookup(_))
        {
            self.missing.put(path.clone(), error.clone().remembered());
        }
        answer
    }
}

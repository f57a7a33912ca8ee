//! Answers of a database from memory: its latest head, and what it does not have.

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use parking_lot::Mutex;
use quick_cache::{Weighter, sync::Cache};
use stoa_sumdb::RemotePath;
use tokio::time::Instant;

use super::{ChecksumDatabase, SumAnswer};
use crate::{Outcome, ProxyError};

/// What one remembered "not found" costs beside its text, in bytes: key, bookkeeping.
const OVERHEAD: u64 = 512;

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

/// Remembers what may change: the latest head, and lookups of what is not there. Everything else is cached by the innermost layer, which
/// verifies it.
#[derive(Debug)]
pub struct SumMemory {
    inner: Arc<dyn ChecksumDatabase>,
    options: SumMemoryOptions,
    latest: Mutex<Option<(Instant, SumAnswer)>>,
    missing: Cache<RemotePath, (Instant, ProxyError), ByWeight>,
}

#[derive(Clone, Debug)]
struct ByWeight;

impl Weighter<RemotePath, (Instant, ProxyError)> for ByWeight {
    fn weight(&self, _: &RemotePath, (_, error): &(Instant, ProxyError)) -> u64 {
        OVERHEAD + error.reply().map_or(0, |reply| reply.body.len() as u64)
    }
}

impl SumMemory {
    /// Remembers what `inner` answers.
    pub fn new(inner: Arc<dyn ChecksumDatabase>, options: SumMemoryOptions) -> Self {
        let expected = usize::try_from(options.capacity / (4 * OVERHEAD)).unwrap_or(usize::MAX);
        Self {
            inner,
            latest: Mutex::default(),
            missing: Cache::with_weighter(expected, options.capacity, ByWeight),
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
impl ChecksumDatabase for SumMemory {
    async fn get(&self, path: &RemotePath) -> Result<SumAnswer, ProxyError> {
        if *path == RemotePath::Latest {
            return self.latest().await;
        }
        if let Some((since, error)) = self.missing.get(path) {
            if since.elapsed() < self.options.negative_ttl {
                return Err(error);
            }
            self.missing.remove(path);
        }
        let answer = self.inner.get(path).await;
        // A tile that is not there yet may be there with the next lookup.
        if let Err(error) = answer.as_ref()
            && error.is_not_found()
            && matches!(path, RemotePath::Lookup(_))
        {
            self.missing
                .insert(path.clone(), (Instant::now(), error.clone().remembered()));
        }
        answer
    }
}

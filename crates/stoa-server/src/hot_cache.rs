//! GOPROXY files in memory, ready to be sent.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::HeaderValue;
use quick_cache::{Weighter, sync::Cache};

use crate::{metrics::HitMeter, subject::Subject};

/// Larger files are read from storage each time, in bytes.
pub(crate) const MAX_FILE: u64 = 2 << 20;

/// How long a fixed file is sent from memory before storage is asked again, so that a repair made by another process
/// is seen.
const FIXED_TTL: Duration = Duration::from_secs(60);

/// What one entry costs beside its content, in bytes.
const OVERHEAD: u64 = 512;

/// Answers by request path, each with its headers made.
#[derive(Debug)]
pub(crate) struct HotCache {
    entries: Cache<Box<str>, Arc<Hot>, BySize>,
}

/// One answer in memory.
#[derive(Debug)]
pub(crate) struct Hot {
    pub(crate) subject: Subject,
    pub(crate) content: Bytes,
    /// With its quotes.
    pub(crate) etag: HeaderValue,
    pub(crate) meter: HitMeter,
    pub(crate) expires: Instant,
}

impl Hot {
    /// When an answer of now must be asked for again. `fresh_for` bounds it for what may change.
    pub(crate) fn expiry(fresh_for: Option<Duration>) -> Instant {
        Instant::now() + fresh_for.map_or(FIXED_TTL, |fresh| fresh.min(FIXED_TTL))
    }
}

#[derive(Clone, Debug)]
struct BySize;

impl Weighter<Box<str>, Arc<Hot>> for BySize {
    fn weight(&self, path: &Box<str>, hot: &Arc<Hot>) -> u64 {
        // What a module path costs is bounded by the path of the request.
        OVERHEAD + 3 * path.len() as u64 + hot.content.len() as u64
    }
}

impl HotCache {
    /// A cache of `capacity` bytes.
    pub(crate) fn new(capacity: u64) -> Self {
        let expected = usize::try_from(capacity / 16_384).unwrap_or(usize::MAX).max(16);
        Self {
            entries: Cache::with_weighter(expected, capacity, BySize),
        }
    }

    /// How many bytes fit.
    pub(crate) fn capacity(&self) -> u64 {
        self.entries.capacity()
    }

    /// The answer to a request for `path`, if it may still be used.
    pub(crate) fn get(&self, path: &str) -> Option<Arc<Hot>> {
        let hot = self.entries.get(path)?;
        if hot.expires <= Instant::now() {
            self.entries.remove(path);
            return None;
        }
        Some(hot)
    }

    /// Remembers an answer.
    pub(crate) fn put(&self, path: &str, hot: Hot) {
        self.entries.insert(path.into(), Arc::new(hot));
    }
}

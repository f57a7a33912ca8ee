//! GOPROXY files in memory, ready to be sent.

use std::{collections::HashSet, sync::Arc, time::Duration};

use bytes::Bytes;
use http::HeaderValue;
use stoa_cache::{Cache, CacheOptions};
use stoa_module::ModuleVersion;
use stoa_proxy::{Forget, file_key};
use tokio::time::Instant;

use crate::{metrics::HitMeter, subject::Subject};

/// Larger files are read from storage each time, in bytes.
pub(crate) const MAX_FILE: u64 = 2 << 20;

/// How long a fixed file is sent from memory before storage is asked again, so that a repair made by another process
/// is seen.
const FIXED_TTL: Duration = Duration::from_secs(60);

/// What a hot answer costs beside its content and path, in bytes: tag, meter, the counters of what is shared, and what the
/// allocator adds to a dozen small blocks. Measured by the soak of `crates/stoa/tests/endurance`.
const ANSWER: usize = 512;
/// The heaviest entry: the largest file, and what comes with it.
const LARGEST: u64 = MAX_FILE + (8 << 10);

/// Answers by request path, each with its headers made.
#[derive(Debug)]
pub(crate) struct HotCache {
    entries: Cache<Box<str>, Arc<Hot>>,
}

/// One answer in memory.
#[derive(Debug)]
pub(crate) struct Hot {
    pub(crate) subject: Subject,
    pub(crate) content: Bytes,
    /// With its quotes.
    pub(crate) etag: HeaderValue,
    pub(crate) meter: HitMeter,
    /// Of what may change: when its source was asked.
    pub(crate) asked: Option<Instant>,
}

impl HotCache {
    /// A cache of `capacity` bytes.
    pub(crate) fn new(capacity: u64) -> Self {
        // What a module path costs is bounded by the path of the request; the subject has it once more, parsed.
        Self {
            entries: Cache::weighed_by(CacheOptions::new(capacity).largest(LARGEST), |path, hot| {
                3 * path.len() + ANSWER + hot.content.len()
            }),
        }
    }

    /// How many bytes fit.
    pub(crate) fn capacity(&self) -> u64 {
        self.entries.capacity()
    }

    /// The answer to a request for `path`, if it may still be used.
    pub(crate) fn get(&self, path: &str) -> Option<Arc<Hot>> {
        self.entries.get(path).map(|found| found.value)
    }

    /// Remembers an answer. One that may change is believed for `fresh_for` at most.
    pub(crate) fn put(&self, path: &str, hot: Hot, fresh_for: Option<Duration>) {
        let lifetime = fresh_for.map_or(FIXED_TTL, |fresh| fresh.min(FIXED_TTL));
        self.entries.put_for(path.into(), Arc::new(hot), lifetime);
    }
}

impl Forget for HotCache {
    fn forget(&self, versions: &HashSet<ModuleVersion>) {
        self.entries.retain(|_, hot| match &hot.subject {
            Subject::Module(resource) => file_key(resource).is_none_or(|key| !versions.contains(&key.target)),
            _ => true,
        });
    }
}

//! Remembered answers, bounded by their size.

use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;
use stoa_cache::{Cache, CacheOptions};

use tokio::time::{Duration, Instant};

use crate::{ProxyError, weights};
use stoa_module::Resource;

/// The largest answer that is remembered, in bytes: the list of a module with some hundred thousand versions.
const LARGEST: u64 = 2 << 20;

/// Remembers answers until others need their room. How old one may be depends on what it is, so that its age is judged
/// where it is used.
#[derive(Debug)]
pub(crate) struct AnswerCache {
    entries: Cache<Resource, Arc<Entry>>,
}

/// A remembered answer.
#[derive(Debug)]
pub(crate) struct Entry {
    /// The content, or the not-found that a source answered.
    pub(crate) result: Result<Bytes, ProxyError>,
    /// It only stands in for a source that failed.
    pub(crate) stands_in: bool,
    /// When it was asked for.
    pub(crate) asked: Instant,
    fetched: Instant,
    refresh: Mutex<Refresh>,
}

#[derive(Debug, Default)]
struct Refresh {
    running: bool,
    /// When the last refresh failed, and until when none is tried.
    rest: Option<(Instant, Instant)>,
}

/// The right to refresh an entry; given back on drop.
#[derive(Debug)]
pub(crate) struct RefreshPermit(Arc<Entry>);

impl Drop for RefreshPermit {
    fn drop(&mut self) {
        self.0.refresh.lock().running = false;
    }
}

impl AnswerCache {
    /// A cache of `capacity` bytes.
    pub(crate) fn new(capacity: u64) -> Self {
        let weigh = |resource: &Resource, entry: &Arc<Entry>| {
            let content = match &entry.result {
                Ok(bytes) => bytes.len(),
                Err(error) => weights::of_error(error),
            };
            weights::of_resource(resource) + size_of::<Entry>() + content
        };
        Self {
            entries: Cache::weighed_by(CacheOptions::new(capacity).largest(LARGEST), weigh),
        }
    }

    pub(crate) fn get(&self, resource: &Resource) -> Option<Arc<Entry>> {
        self.entries.get(resource).map(|found| found.value)
    }

    /// Remembers an answer to a question that was asked at `asked`; as it is remembered.
    pub(crate) fn put(
        &self,
        resource: &Resource,
        result: Result<Bytes, ProxyError>,
        stands_in: bool,
        asked: Instant,
    ) -> Arc<Entry> {
        let entry = Arc::new(Entry {
            result,
            stands_in,
            asked,
            fetched: Instant::now(),
            refresh: Mutex::default(),
        });
        self.entries.put(resource.clone(), Arc::clone(&entry));
        entry
    }

    pub(crate) fn forget(&self, resource: &Resource) {
        self.entries.remove(resource);
    }
}

impl Entry {
    pub(crate) fn age(&self) -> Duration {
        self.fetched.elapsed()
    }

    /// Whether the last refresh failed so recently that none should be tried, and not before `since`.
    pub(crate) fn is_resting(&self, since: Option<Instant>) -> bool {
        let rest = self.refresh.lock().rest;
        rest.is_some_and(|(failed, until)| Instant::now() < until && since.is_none_or(|since| failed > since))
    }

    /// Remembers that a refresh failed; none is tried for `pause`.
    pub(crate) fn rest(&self, pause: Duration) {
        let now = Instant::now();
        self.refresh.lock().rest = Some((now, now + pause));
    }

    /// The right to refresh, unless somebody has it.
    pub(crate) fn refresh_permit(self: &Arc<Self>) -> Option<RefreshPermit> {
        let mut refresh = self.refresh.lock();
        if refresh.running {
            return None;
        }
        refresh.running = true;
        drop(refresh);
        Some(RefreshPermit(Arc::clone(self)))
    }
}

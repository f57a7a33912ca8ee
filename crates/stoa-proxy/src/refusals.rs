//! What was refused a moment ago.

use std::time::Duration;

use quick_cache::sync::Cache;

use tokio::time::Instant;

use crate::ProxyError;
use stoa_module::Resource;

/// So many are remembered; one is a path, two hashes and a sentence.
const REMEMBERED: usize = 1024;

/// Remembers files whose content was refused after all of it had come.
///
/// A large zip is refused when most of it has been handed out, and all that its clients see is a connection that was
/// cut. Who asks again is told why, at once, and does not cost another transfer.
#[derive(Debug)]
pub(crate) struct Refusals {
    entries: Cache<Resource, (Instant, ProxyError)>,
    ttl: Duration,
}

impl Refusals {
    /// Remembers for `ttl`.
    pub(crate) fn new(ttl: Duration) -> Self {
        Self {
            entries: Cache::new(REMEMBERED),
            ttl,
        }
    }

    /// Why it was refused, if that was a moment ago.
    pub(crate) fn get(&self, resource: &Resource) -> Option<ProxyError> {
        let (since, error) = self.entries.get(resource)?;
        if since.elapsed() < self.ttl {
            return Some(error.remembered());
        }
        self.entries.remove(resource);
        None
    }

    pub(crate) fn remember(&self, resource: &Resource, error: &ProxyError) {
        self.entries
            .insert(resource.clone(), (Instant::now(), error.clone()));
    }
}

//! What was refused a moment ago.

use std::time::Duration;

use stoa_cache::{Cache, CacheOptions};
use stoa_module::Resource;

use crate::{ProxyError, weights};

/// Memory for refusals, in bytes; one is a path, two hashes and a sentence.
const CAPACITY: u64 = 1 << 20;

/// Remembers files whose content was refused after all of it had come.
///
/// A large zip is refused when most of it has been handed out, and all that its clients see is a connection that was
/// cut. A client that asks again is told why, at once, and does not cost another transfer.
#[derive(Debug)]
pub(crate) struct Refusals {
    entries: Cache<Resource, ProxyError>,
}

impl Refusals {
    /// Remembers for `ttl`.
    pub(crate) fn new(ttl: Duration) -> Self {
        let weigh = |resource: &Resource, error: &ProxyError| {
            weights::of_resource(resource) + weights::of_error(error)
        };
        Self {
            entries: Cache::weighed_by(CacheOptions::new(CAPACITY).max_age(ttl), weigh),
        }
    }

    /// Why it was refused, if that was a moment ago.
    pub(crate) fn get(&self, resource: &Resource) -> Option<ProxyError> {
        let refusal = self.entries.get(resource)?;
        Some(refusal.value.remembered())
    }

    pub(crate) fn remember(&self, resource: &Resource, error: &ProxyError) {
        self.entries.put(resource.clone(), error.clone());
    }
}

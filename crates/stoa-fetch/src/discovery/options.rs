//! What discovery is told.

use std::time::Duration;

use super::{address::UrlGuard, mapping::Mappings, policy::VcsPolicy, rewrite::Rewrites};

/// What decides where modules come from.
#[derive(Clone, Debug)]
pub struct DiscoveryOptions {
    /// Which systems may be used for which paths.
    pub policy: VcsPolicy,
    /// Repositories named by hand.
    pub mappings: Mappings,
    /// For every URL that is asked for.
    pub rewrites: Rewrites,
    /// Which hosts strangers may name. Those of mappings and rewrites are added to it.
    pub guard: UrlGuard,
    /// Pages with tags, and which URLs answer, are believed for so long. Failures are not remembered.
    pub ttl: Duration,
    /// Memory for them, in bytes.
    pub capacity: usize,
}

/// As the go command decides with nothing set, with public hosts only, and a memory of one minute.
impl Default for DiscoveryOptions {
    fn default() -> Self {
        Self {
            policy: VcsPolicy::default(),
            mappings: Mappings::default(),
            rewrites: Rewrites::default(),
            guard: UrlGuard::default(),
            ttl: Duration::from_secs(60),
            capacity: 4 << 20,
        }
    }
}

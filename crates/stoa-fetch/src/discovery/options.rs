//! Options of discovery.

use std::time::Duration;

use super::{mapping::Mappings, policy::VcsPolicy};
use crate::outbound::{NamedModules, Rewrites, UrlGuard};

/// Options of discovery: they decide where modules come from.
#[derive(Clone, Debug)]
pub struct DiscoveryOptions {
    /// Which systems may be used for which paths.
    pub policy: VcsPolicy,
    /// Repositories that the configuration names.
    pub mappings: Mappings,
    /// For every URL that is asked for.
    pub rewrites: Rewrites,
    /// The modules that the configuration names by pattern. Those of mappings are named, too.
    pub modules: NamedModules,
    /// Which hosts strangers may name. For modules that the configuration names, those of mappings and rewrites are added
    /// to it.
    pub guard: UrlGuard,
    /// Pages with tags, and which URLs answer, are remembered for so long. Failures are not.
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
            modules: NamedModules::default(),
            guard: UrlGuard::default(),
            ttl: Duration::from_secs(60),
            capacity: 4 << 20,
        }
    }
}

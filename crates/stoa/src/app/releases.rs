//! Release archives of Go.

use std::sync::Arc;

use stoa_fetch::{HttpClient, ReleaseServer, outbound::RedirectHosts};
use stoa_proxy::{BreakMetrics, IndexOptions, NetworkMode, ReleaseMetrics, Releases};
use stoa_storage::Storage;
use stoa_telemetry::Part;
use tokio_util::task::TaskTracker;

use crate::config::{Config, ToolchainsConfig};

/// What answers below `/dl/`, if the configuration says where it comes from.
pub(super) fn build(
    config: &Config,
    client: &HttpClient,
    storage: &Arc<dyn Storage>,
    (metrics, breaks): (&Part, BreakMetrics),
    tasks: &TaskTracker,
) -> Option<Arc<Releases>> {
    let toolchains = &config.toolchains;
    let base = toolchains.upstream.clone()?;
    let server = match config.upstream.network {
        NetworkMode::Offline => None,
        NetworkMode::Online | NetworkMode::Fallback => {
            let hosts = RedirectHosts::new(toolchains.hosts.clone(), ToolchainsConfig::HOSTS);
            Some(Arc::new(ReleaseServer::new(base, client.clone(), hosts)))
        }
    };
    let options = IndexOptions {
        ttl: toolchains.index_ttl,
        rest: config.cache.revalidation.negative_ttl,
    };
    let metrics = (breaks, ReleaseMetrics::new(metrics));
    Some(Arc::new(Releases::new(server, storage, options, metrics, tasks)))
}

//! What the pipelines of a node in a cluster have.

use std::sync::Arc;

use stoa_proxy::{BreakMetrics, ClusterOptions, NetworkMode, PeerMetrics, PeersSlot};
use stoa_telemetry::Part;

use crate::config::Config;

/// What the pipelines of a node in a cluster have.
#[derive(Clone, Debug)]
pub(crate) struct ClusterCore {
    /// The other nodes, once they are known.
    pub(crate) slot: PeersSlot,
    pub(crate) metrics: PeerMetrics,
}

impl ClusterCore {
    /// What a node in a cluster has; nothing for one by itself, and for one that asks nobody.
    pub(super) fn of(config: &Config, metrics: &Part) -> Option<Self> {
        let online = config.upstream.network != NetworkMode::Offline;
        (config.registry.is_on() && online).then(|| Self {
            slot: PeersSlot::default(),
            metrics: PeerMetrics::new(metrics),
        })
    }

    pub(super) fn options(&self, config: &Config, breaks: BreakMetrics) -> ClusterOptions {
        ClusterOptions {
            peers: Arc::new(self.slot.clone()),
            metrics: self.metrics.clone(),
            breaks,
            limits: config.fetch.limits.clone(),
            total: config.fetch.deadlines.total,
        }
    }
}

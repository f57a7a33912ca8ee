//! What a node of a cluster is made of.

use std::sync::Arc;

use stoa_proxy::{ClusterPeers, Member, PeerClient, PeerOptions};
use stoa_registry::{InstanceId, Registry, View, ViewOptions};

use super::{
    members::validate,
    node::Me,
    services::{MAX_STALE, Registered},
};
use crate::{app::Core, config::Config};

/// How the other nodes are asked.
pub(super) fn peers(
    config: &Config,
    core: &Core,
    me: &Me,
    node: &stoa_peer::Node,
    secrets: &stoa_peer::Secrets,
) -> ClusterPeers {
    let options = Arc::new(PeerOptions {
        me: node.clone(),
        secrets: secrets.clone(),
        silence: config.peer.silence,
        patience: config.peer.patience,
        total: config.fetch.deadlines.total,
        limits: config.fetch.limits.clone(),
    });
    let pool = core.dispatcher.clone();
    let make = move |member: &Member| -> Arc<dyn stoa_proxy::Peer> {
        Arc::new(PeerClient::new(
            member.clone(),
            pool.clone(),
            Arc::clone(&options),
        ))
    };
    let id = me.id.as_str().into();
    ClusterPeers::new(id, config.peer.has_one_storage, Box::new(make))
}

/// Upstream servers that the registry names, seen by a view of their own: what is known of them may not be as old.
pub(super) fn upstreams(
    config: &Config,
    registry: &Arc<dyn Registry>,
    instance: InstanceId,
    services: Vec<String>,
) -> Arc<Registered> {
    let options = ViewOptions {
        max_stale: Some(MAX_STALE),
        ..view_options(config, instance)
    };
    let view = View::new(Arc::clone(registry), options);
    Arc::new(Registered::new(view, services))
}

/// What shapes the view of the nodes.
pub(super) fn view_options(config: &Config, instance: InstanceId) -> ViewOptions {
    let seed = instance.to_bytes();
    ViewOptions {
        guard_window: config.registry.ttl,
        initial_wait: config.registry.initial_wait,
        read_timeout: config.registry.timeout,
        refresh: config.registry.ttl / 3,
        snapshots: config.registry.snapshot.clone().or_else(|| {
            let own = config.storage.own.clone();
            own.map(|own| own.join("registry"))
        }),
        validate: validate(),
        seed: u64::from_be_bytes([
            seed[0], seed[1], seed[2], seed[3], seed[4], seed[5], seed[6], seed[7],
        ]),
        ..ViewOptions::default()
    }
}

//! What a node of a cluster is made of.

use std::{sync::Arc, time::Duration};

use stoa_proxy::{ClusterPeers, Member, Peer, PeerClient, PeerOptions};
use stoa_registry::{InstanceId, Registry, View, ViewOptions};

use super::{
    members::validate,
    node::Me,
    services::{MAX_STALE, Registered},
};
use crate::{
    app::Core,
    config::{Config, RegistryBackend},
};

/// A file is looked at again so soon after something was wrong with it.
const FILE_PAUSE: Duration = Duration::from_millis(500);

/// How the other nodes are asked, and this one by itself.
pub(super) fn peers(
    config: &Config,
    core: &Core,
    me: &Me,
    node: &stoa_peer::Node,
    secrets: &stoa_peer::Secrets,
) -> (ClusterPeers, Arc<dyn Peer>) {
    let options = Arc::new(PeerOptions {
        me: node.clone(),
        secrets: secrets.clone(),
        silence: config.peer.silence,
        patience: config.peer.patience,
        total: config.fetch.deadlines.total,
        limits: config.fetch.limits.clone(),
    });
    let pool = core.dispatcher.clone();
    let make = move |member: &Member| -> Arc<dyn Peer> {
        Arc::new(PeerClient::new(
            member.clone(),
            pool.clone(),
            Arc::clone(&options),
        ))
    };
    let id: Arc<str> = me.id.as_str().into();
    let own = Member {
        id: Arc::clone(&id),
        address: me.address.as_str().into(),
        weight: me.weight,
        is_owner: false,
        instance: None,
    };
    let own = make(&own);
    (
        ClusterPeers::new(id, config.peer.has_one_storage, Box::new(make)),
        own,
    )
}

/// Upstream servers that the registry names, seen by a view of their own: what is known of them may not be as old.
pub(super) fn upstreams(
    config: &Config,
    registry: &Arc<dyn Registry>,
    instance: InstanceId,
    services: Vec<String>,
) -> Arc<Registered> {
    let options = ViewOptions {
        // What stands in a file is what somebody has written, and does not grow old.
        max_stale: (!is_file(config)).then_some(MAX_STALE),
        ..view_options(config, instance)
    };
    let view = View::new(Arc::clone(registry), options);
    Arc::new(Registered::new(view, services))
}

/// What shapes the view of the nodes.
pub(super) fn view_options(config: &Config, instance: InstanceId) -> ViewOptions {
    let seed = instance.to_bytes();
    let default = ViewOptions::default();
    ViewOptions {
        backoff_max: if is_file(config) {
            FILE_PAUSE
        } else {
            default.backoff_max
        },
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
        ..default
    }
}

fn is_file(config: &Config) -> bool {
    matches!(config.registry.backend, RegistryBackend::File(_))
}

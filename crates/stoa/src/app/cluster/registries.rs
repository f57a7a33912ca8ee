//! The registry that the configuration names.

use std::{sync::Arc, time::Duration};

use stoa_registry::{
    DnsRegistry, FileRegistry, InstanceId, Registration, Registry, StaticRegistry, SystemResolver,
};

use super::node::Me;
use crate::{
    app::Core,
    command_error::CommandError,
    config::{Config, RegistryBackend},
};

/// How often a file of nodes is looked at.
const LOOK: Duration = Duration::from_secs(1);

/// Makes the registry. Nothing is asked yet.
pub(super) fn open(config: &Config, _core: &Core, me: &Me) -> Result<Arc<dyn Registry>, CommandError> {
    let registry = &config.registry;
    Ok(match &registry.backend {
        RegistryBackend::Static(nodes) => {
            if !nodes
                .iter()
                .any(|node| node.id == me.id && node.address == me.address)
            {
                let fault = format!(
                    "this node, {}={}, is not among them (peer.id, peer.advertise)",
                    me.id, me.address
                );
                return Err(config.fault("registry.nodes", fault).into());
            }
            let nodes = nodes.iter().map(|node| {
                // Nobody says which life of the node it is.
                let instance = InstanceId::from_number(0);
                Registration::new(
                    me.service.clone(),
                    node.id.clone(),
                    node.address.clone(),
                    instance,
                )
            });
            Arc::new(StaticRegistry::new(nodes))
        }
        RegistryBackend::File(file) => Arc::new(FileRegistry::new(file.clone(), LOOK)),
        RegistryBackend::Dns { host, port } => Arc::new(DnsRegistry::new(
            me.service.clone(),
            host.clone(),
            *port,
            me.address.starts_with("https:"),
            Arc::new(SystemResolver),
        )),
        RegistryBackend::None | RegistryBackend::Etcd(_) | RegistryBackend::Redis(_) => {
            return Err(CommandError::new("not yet"));
        }
    })
}

//! This node, as others are to see it.

use std::net::IpAddr;

use stoa_peer::Secrets;
use stoa_registry::{DnsRegistry, InstanceId, NodeId, Registration, ServiceName};
use url::{Host, Url};

use crate::{
    app::VERSION,
    command_error::CommandError,
    config::{Config, PeerConfig, RegistryBackend},
};

/// The label under which a node says how it is asked. One that is asked in another way is left out.
pub(super) const PROTOCOL_LABEL: &str = "peer";
/// The way.
pub(super) const PROTOCOL: &str = "1";
/// The label of the share of keys.
pub(super) const WEIGHT_LABEL: &str = "weight";

/// This node.
#[derive(Clone, Debug)]
pub(super) struct Me {
    pub(super) service: ServiceName,
    pub(super) id: NodeId,
    pub(super) address: String,
    pub(super) instance: InstanceId,
    pub(super) weight: f64,
}

impl Me {
    /// The node that the configuration makes.
    pub(super) fn of(config: &Config) -> Result<Self, CommandError> {
        let (registry, peer) = (&config.registry, &config.peer);
        let address = match (&peer.advertise, registry.is_on()) {
            (Some(address), _) => address.clone(),
            (None, false) => String::new(),
            (None, true) => {
                let fault = "the other nodes have to know where this one is: write the URL at which they reach it, such as http://10.0.0.5:3000";
                return Err(config.fault("peer.advertise", fault).into());
            }
        };
        let id = match (&peer.id, &registry.backend) {
            (Some(id), RegistryBackend::Dns { .. }) if by_address(&address)?.as_ref() != Some(id) => {
                let fault = "nodes that are found by DNS are named by their addresses: leave it out";
                return Err(config.fault("peer.id", fault).into());
            }
            (Some(id), _) => id.clone(),
            (None, RegistryBackend::Dns { .. }) => by_address(&address)?.ok_or_else(|| {
                let fault = "a node that is found by DNS is known by its address: write an address, such as http://10.0.0.5:3000";
                CommandError::from(config.fault("peer.advertise", fault))
            })?,
            (None, _) => {
                let name = rustix::system::uname().nodename().to_string_lossy().into_owned();
                name.parse().map_err(|error| {
                    let fault = format!("the name of the machine cannot be that of a node: {error}");
                    CommandError::from(config.fault("peer.id", fault))
                })?
            }
        };
        Ok(Self {
            service: registry.service.clone(),
            id,
            address,
            instance: InstanceId::random(),
            weight: peer.weight,
        })
    }

    /// What the nodes of the cluster know.
    pub(super) fn secrets(config: &Config) -> Result<Secrets, CommandError> {
        let Some(file) = &config.peer.secret_file else {
            let fault = "the nodes of a cluster know one another by a secret: write the file that has it, the same one on every node (umask 077; openssl rand -hex 32 > FILE)";
            return Err(config.fault("peer.secret_file", fault).into());
        };
        PeerConfig::read_secrets(file).map_err(|error| config.fault("peer.secret_file", error).into())
    }

    /// What is announced of it.
    pub(super) fn registration(&self) -> Registration {
        let mut registration = Registration::new(
            self.service.clone(),
            self.id.clone(),
            self.address.clone(),
            self.instance,
        );
        VERSION.clone_into(&mut registration.version);
        let labels = &mut registration.node.metadata;
        labels.insert(PROTOCOL_LABEL.to_owned(), PROTOCOL.to_owned());
        labels.insert(WEIGHT_LABEL.to_owned(), self.weight.to_string());
        registration
    }
}

/// The id of a node that is found by its address.
fn by_address(address: &str) -> Result<Option<NodeId>, CommandError> {
    let url: Url = address.parse().map_err(CommandError::new)?;
    let address: IpAddr = match url.host() {
        Some(Host::Ipv4(address)) => address.into(),
        Some(Host::Ipv6(address)) => address.into(),
        _ => return Ok(None),
    };
    let id = DnsRegistry::node_id(address);
    id.parse().map(Some).map_err(CommandError::new)
}

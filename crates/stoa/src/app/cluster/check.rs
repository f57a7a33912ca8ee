//! What is wrong with the settings of a cluster.

use stoa_registry::{FileRegistry, NodeState, Registration, Validate};

use super::{
    node::{Me, WEIGHT_LABEL},
    registries::credentials,
    services::{self, PRIORITY_LABEL},
};
use crate::{
    command_error::CommandError,
    config::{Config, RegistryBackend},
};

/// The most that a node may weigh, as `peer.weight`.
const HEAVIEST: f64 = 1000.0;

/// Whether a server may start: everything for which it would end, all at once. `config check` asks the same.
pub(super) fn started(config: &Config) -> Result<(), CommandError> {
    one_fault(faults(config)).map_or(Ok(()), Err)
}

/// What is wrong with the settings of the cluster, a line each: what a server would end with, and what it starts without, though
/// it cannot be meant: a file of nodes that is not there, or that is not taken over.
pub(crate) fn check_settings(config: &Config) -> Result<(), CommandError> {
    let mut all = faults(config);
    if let RegistryBackend::File(file) = &config.registry.backend
        && let Err(fault) = FileRegistry::read(file, &judge())
    {
        all.push(config.fault("registry.file", fault).into());
    }
    one_fault(all).map_or(Ok(()), Err)
}

/// All of these as one.
fn one_fault(faults: Vec<CommandError>) -> Option<CommandError> {
    let code = faults.first()?.code;
    let texts: Vec<_> = faults.into_iter().map(|fault| fault.text).collect();
    Some(CommandError {
        text: texts.join("\n"),
        code,
    })
}

fn faults(config: &Config) -> Vec<CommandError> {
    let mut faults = Vec::new();
    if !config.registry.is_on() {
        if let Some(service) = services::named(config).first() {
            let fault = format!(
                "registry:{service} is named as a source, and there is no registry: write [registry] with its backend"
            );
            faults.push(config.fault("registry.backend", fault).into());
        }
        return faults;
    }
    faults.extend(Me::secrets(config).err());
    faults.extend(credentials(config).err());
    match Me::of(config) {
        Ok(me) => faults.extend(place(config, &me)),
        Err(fault) => faults.push(fault),
    }
    faults
}

/// Whether a list or a file of nodes has this node at another address, or a list does not have it.
fn place(config: &Config, me: &Me) -> Option<CommandError> {
    match &config.registry.backend {
        RegistryBackend::Static(nodes) => {
            let is_there = nodes
                .iter()
                .any(|node| node.id == me.id && node.address == me.address);
            let fault = format!(
                "this node, {}={}, is not among them (peer.id, peer.advertise)",
                me.id, me.address
            );
            (!is_there).then(|| config.fault("registry.nodes", fault).into())
        }
        RegistryBackend::File(file) => {
            // What is wrong with the file itself is told by who reads it later.
            let nodes = FileRegistry::read(file, &judge()).ok()?;
            let elsewhere = nodes.iter().find(|node| {
                node.service == me.service && node.node.id == me.id && node.node.address != me.address
            })?;
            let fault = format!(
                "{} has this node, {}, at {}, and peer.advertise is {}: correct one of them",
                file.display(),
                me.id,
                elsewhere.node.address,
                me.address
            );
            Some(config.fault("registry.file", fault).into())
        }
        _ => None,
    }
}

/// Judges a node that somebody has written into a file.
pub(super) fn judge() -> Validate {
    let address = super::members::validate();
    Validate::by(move |node: &Registration| {
        address.check(node)?;
        let label = |name: &str| node.node.metadata.get(name);
        if let Some(weight) = label(WEIGHT_LABEL) {
            let parsed = weight.parse::<f64>();
            if !parsed.is_ok_and(|weight| (0.0..=HEAVIEST).contains(&weight)) {
                return Err(format!("the weight {weight:?} is no number from 0 to {HEAVIEST}"));
            }
        }
        if let Some(priority) = label(PRIORITY_LABEL)
            && priority.parse::<i64>().is_err()
        {
            return Err(format!("the priority {priority:?} is no whole number"));
        }
        match node.state {
            NodeState::Ready | NodeState::Draining => Ok(()),
            NodeState::Leaving | NodeState::Unknown => {
                Err("its state is neither ready nor draining".to_owned())
            }
        }
    })
}

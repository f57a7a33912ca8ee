//! The registry that the configuration names.

use std::{sync::Arc, time::Duration};

use stoa_registry::{
    DnsRegistry, FileRegistry, InstanceId, RedisRegistry, RedisRegistryOptions, Registration, Registry,
    StaticRegistry, SystemResolver, Validate,
    etcd::{Credentials, EtcdOptions, EtcdRegistry},
};

use super::{etcd_transport::EtcdTransport, node::Me};
use crate::{
    app::Core,
    command_error::CommandError,
    config::{Config, RegistryBackend},
};

/// How often a file of nodes is looked at.
const LOOK: Duration = Duration::from_secs(1);

/// Makes the registry. Nothing is asked yet.
pub(super) fn open(
    config: &Config,
    core: &Core,
    me: &Me,
    judge: Validate,
) -> Result<Arc<dyn Registry>, CommandError> {
    let registry = &config.registry;
    Ok(match &registry.backend {
        RegistryBackend::Static(nodes) => {
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
        RegistryBackend::File(file) => Arc::new(FileRegistry::new(file.clone(), LOOK).judged_by(judge)),
        RegistryBackend::Dns { host, port } => Arc::new(DnsRegistry::new(
            me.service.clone(),
            host.clone(),
            *port,
            me.address.starts_with("https:"),
            Arc::new(SystemResolver),
        )),
        RegistryBackend::Etcd(endpoints) => {
            let mut options = EtcdOptions::new(endpoints.clone());
            options.prefix.clone_from(&registry.prefix);
            options.timeout = registry.timeout;
            options.credentials = credentials(config)?;
            let transport = Arc::new(EtcdTransport::new(core.dispatcher.clone()));
            let etcd = EtcdRegistry::new(options, transport);
            Arc::new(etcd.map_err(|error| config.fault("registry.endpoints", error))?)
        }
        RegistryBackend::Redis(url) => {
            let redis = RedisRegistry::new(RedisRegistryOptions {
                url: url.clone(),
                password: password(config)?,
                prefix: registry.prefix.clone(),
                timeout: registry.timeout,
            });
            Arc::new(redis.map_err(|error| config.fault("registry.endpoints", error))?)
        }
        // Nobody asks: a node by itself has no registry.
        RegistryBackend::None => Arc::new(StaticRegistry::new([])),
    })
}

/// The password of the registry, if it has one.
fn password(config: &Config) -> Result<Option<String>, CommandError> {
    let Some(file) = &config.registry.password_file else {
        return Ok(None);
    };
    let read = std::fs::read_to_string(file);
    let read =
        read.map_err(|error| config.fault("registry.password_file", format!("{}: {error}", file.display())))?;
    Ok(Some(read.trim_end_matches(['\r', '\n']).to_owned()))
}

/// Who asks the registry: the user and the password of etcd, which go together. Redis has a password alone.
pub(super) fn credentials(config: &Config) -> Result<Option<Credentials>, CommandError> {
    let is_etcd = matches!(config.registry.backend, RegistryBackend::Etcd(_));
    match (&config.registry.username, password(config)?) {
        _ if !is_etcd => Ok(None),
        (Some(user), Some(password)) => Ok(Some(Credentials {
            user: user.clone(),
            password,
        })),
        (None, None) => Ok(None),
        (Some(_), None) => {
            let fault = "a user of etcd has a password: write the file that has it";
            Err(config.fault("registry.password_file", fault).into())
        }
        (None, Some(_)) => {
            let fault = "etcd wants to know whose password it is";
            Err(config.fault("registry.username", fault).into())
        }
    }
}

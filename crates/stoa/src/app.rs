//! The application: its parts, the order in which they start, and the order in which they end.

mod administration;
mod checksums;
mod cluster;
mod cluster_core;
mod core;
mod downloads;
pub(crate) mod import;
mod index;
mod job_store;
mod job_transport;
mod jobs;
mod kafka;
mod named_hosts;
mod outbound;
mod part;
mod parts;
mod places;
mod releases;
mod remote_storage;
mod role;
mod service;
mod sources;
mod storage;
#[cfg(test)]
mod tests;
mod upkeep;
mod upkeep_check;

use std::{sync::Arc, time::Duration};

use futures_util::future::join_all;
use stoa_proxy::{ChecksumDatabases, NoModules};
use stoa_server::{
    AccessLog, Edge, EdgeMetrics, EdgeOptions, EdgeParts, Listener, ServeOptions, Tls, TlsFiles, serve,
};
use stoa_telemetry::LogWriter;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use self::part::BuildPart;
pub(crate) use self::{
    cluster::check_settings as check_cluster, core::Core, part::Part, parts::PARTS, role::Role,
    storage::OpenStorage, upkeep_check::check as check_upkeep,
};
use crate::{command_error::CommandError, config::Config, descriptors::Connections};

/// A server that is about to serve, or a worker that is about to work: everything is built, and the server listens.
pub(crate) struct App {
    core: Core,
    parts: Vec<Arc<dyn Part>>,
    edge: Edge,
    /// None for one that only works.
    listener: Option<Listener>,
    options: ServeOptions,
    drain_notice: Duration,
    role: Role,
}

impl App {
    /// Starts in this order: certificates, storage, core, parts, edge, and the listener if the `role` has one. What fails ends the start, and nothing has
    /// been answered by then. Must be called within a runtime.
    pub(crate) async fn start(
        config: &Config,
        builders: &[BuildPart<'_>],
        role: Role,
        log: &LogWriter,
    ) -> Result<Self, CommandError> {
        let tls = config.tls.files.as_ref().map(TlsFiles::read).transpose();
        let tls: Option<Tls> = tls.map_err(CommandError::new)?;
        let core = Core::build(config, OpenStorage::of_server(config)?);
        core.registry.root().collector(log.clone());
        let parts = builders.iter().map(|build| build(config, &core));
        let parts = parts.collect::<Result<Vec<_>, _>>()?;
        for part in &parts {
            part.start(config).await?;
        }
        let access_log = config
            .log
            .access
            .then(|| AccessLog::new(log.clone(), config.log.format));
        let edge = EdgeParts {
            gate: None,
            external: upkeep::external(config, &core)?,
            mounts: parts.iter().flat_map(|part| part.mounts()).collect(),
            protocol: if role == Role::Server {
                Arc::clone(&core.protocol)
            } else {
                Arc::new(NoModules)
            },
            refreshes: Arc::clone(&core.refreshes),
            removals: Arc::clone(&core.removals),
            checksum_databases: if role == Role::Server {
                core.checksums.databases.clone()
            } else {
                ChecksumDatabases::default()
            },
            releases: core.releases.clone().filter(|_| role == Role::Server),
            access_log: access_log.map(Arc::new),
            metrics: EdgeMetrics::new(&core.registry.root()),
            links: core.links(config),
            places: places::of(config),
        };
        let options = EdgeOptions {
            prefix: config.edge.prefix.clone(),
            list_ttl: config.cache.revalidation.list_ttl,
            memory: config.cache.memory,
            read_ahead: config.edge.read_ahead,
        };
        let edge = Edge::new(options, edge).map_err(CommandError::new)?;
        tracing::info!(version = VERSION, protocol = %core.protocol, checksums = %core.checksums.databases, "starting");
        let listener = if role == (Role::Worker { listens: false }) {
            None
        } else {
            let bound = Listener::bind(&config.edge.listen).await;
            Some(bound.map_err(CommandError::new)?)
        };
        let connections =
            Connections::within_limit(config.pool.connections, config.pool.connections_per_address);
        Ok(Self {
            core,
            parts,
            edge,
            listener,
            options: ServeOptions {
                connections: connections.all,
                connections_per_address: connections.per_address,
                trusted_proxies: config.edge.trusted_proxies.clone(),
                allowed_hosts: config.edge.allowed_hosts.clone(),
                limits: config.edge.limits,
                tls,
                drain_timeout: config.drain.timeout,
            },
            drain_notice: config.drain.notice,
            role,
        })
    }

    /// Where it listens, if it does.
    pub(crate) fn listener(&self) -> Option<&Listener> {
        self.listener.as_ref()
    }

    /// Serves until `stop` resolves for the first time, and then ends, in this order:
    ///
    /// 1. Not ready: a balancer sends nothing more. Parts leave: registries, queues, whatever brings them work.
    /// 2. `drain.notice` passes, so that it is noticed; a second stop ends that wait.
    /// 3. No new connections. Streams of parts end, open requests end within `drain.timeout`; then they are cut.
    /// 4. What parts still do ends, then flights and transfers, within `drain.timeout` again.
    /// 5. The dispatcher, and with it every outbound connection. The storage has nothing open by then.
    /// 6. The log, last, by its owner: whatever ended before could still write to it.
    ///
    /// # Errors
    /// When a further stop cuts the third or the fourth step.
    pub(crate) async fn run(self, mut stop: impl AsyncFnMut() -> &'static str) -> Result<(), CommandError> {
        let (core, parts, within) = (self.core, self.parts, self.options.drain_timeout);
        let shutdown = CancellationToken::new();
        let server = async {
            if let Some(listener) = self.listener {
                serve(listener, self.edge, self.options, shutdown.clone()).await
            } else {
                shutdown.cancelled().await;
                0
            }
        };
        let role = self.role;
        // Parts enter when requests can be answered: others may come as soon as they see this node.
        let entering = async {
            let entered = join_all(parts.iter().map(|part| part.enter(role))).await;
            entered.into_iter().collect::<Result<(), _>>()?;
            std::future::pending().await
        };
        let leaving = async {
            let reason = stop().await;
            tracing::info!(signal = reason, "draining: not ready from now on");
            core.readiness.drain();
            join_all(parts.iter().map(|part| part.leave())).await;
            tokio::select! {
                () = sleep(self.drain_notice) => {}
                _ = stop() => {}
            }
            shutdown.cancel();
            // A further stop while requests are ending cuts them.
            stop().await;
        };
        let cut = tokio::select! {
            cut = server => cut,
            () = leaving => return Err(CommandError::new(AT_ONCE)),
            entered = entering => {
                // A person has to change something first.
                join_all(parts.iter().map(|part| part.leave())).await;
                return entered;
            }
        };
        let deadline = Instant::now() + within;
        let ended = async {
            // Parts before the core: what they still do goes through its dispatcher.
            let parts = join_all(parts.iter().map(|part| end(part.as_ref(), within))).await;
            (
                core.end(deadline.saturating_duration_since(Instant::now())).await,
                parts,
            )
        };
        let (finished, parts_ended) = tokio::select! {
            ended = ended => ended,
            _ = stop() => return Err(CommandError::new(AT_ONCE)),
        };
        let parts_ended = parts_ended.into_iter().all(|ended| ended);
        tracing::info!(
            connections_cut = cut,
            transfers_finished = finished,
            parts_ended,
            "stopped"
        );
        Ok(())
    }
}

/// Why a server ended before its time.
const AT_ONCE: &str = "stopped at once by a second signal";

/// The version of this program.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Ends a part. Whether it ended in its time.
async fn end(part: &dyn Part, within: Duration) -> bool {
    let ended = tokio::time::timeout(within, part.end()).await.is_ok();
    if !ended {
        tracing::warn!(part = part.name(), ?within, "a part did not end in its time");
    }
    ended
}

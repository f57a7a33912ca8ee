//! `stoa serve`.

use std::{
    io::{self, Write},
    sync::Arc,
    time::Duration,
};

use stoa_server::{
    AccessLog, AdminGuard, AdminToken, Edge, EdgeMetrics, EdgeOptions, EdgeParts, Guard, Listener, Mount,
    Readiness, ServeOptions, ServicePages, TlsFiles, api_mount, lanes_mount, serve,
};
use stoa_telemetry::{LogSink, Registry};
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    time::sleep,
};
use tokio_util::sync::CancellationToken;

use super::{Failure, open_storage, runtime};
use crate::{
    config::Config,
    logging,
    pipeline::{self, Pipelines},
};

const VERSION: &str = env!("CARGO_PKG_VERSION");

pub(super) fn run(config: Config) -> Result<(), Failure> {
    let admin = admin_guard(&config)?;
    let sink = logging::start(&config.log_level, config.log_format)?;
    let runtime = runtime(&config)?;
    let result = runtime.block_on(serve_until_signal(config, admin, &sink));
    // A blocking read that hangs on a dead disk must not keep the process.
    runtime.shutdown_timeout(Duration::from_secs(1));
    result
}

/// Builds, listens, serves; then drains, in this order: not ready, no new connections, open requests end, transfers
/// that nobody waits for any more end.
async fn serve_until_signal(config: Config, admin: AdminGuard, sink: &LogSink) -> Result<(), Failure> {
    let tls = config.tls.as_ref().map(TlsFiles::read).transpose();
    let tls = tls.map_err(Failure::new)?;
    let storage = open_storage(&config)?;
    let registry = Registry::new("stoa");
    registry.root().collector(sink.writer());
    let pipelines = pipeline::build(&config, Arc::clone(&storage), &registry.root());
    let (protocol, checksums) = (&pipelines.protocol, &pipelines.checksums.databases);
    tracing::info!(version = VERSION, %protocol, %checksums, "starting");

    let readiness = Arc::new(Readiness::new(storage));
    let access_log = config
        .access_log
        .then(|| Arc::new(AccessLog::new(sink.writer(), config.log_format)));
    let edge_options = EdgeOptions {
        prefix: config.prefix.clone(),
        list_ttl: config.revalidation.list_ttl,
        memory: config.memory,
    };
    let edge_parts = EdgeParts {
        gate: None,
        mounts: mounts(&config, admin, &pipelines, &readiness, &registry),
        protocol: Arc::clone(&pipelines.protocol),
        checksum_databases: pipelines.checksums.databases.clone(),
        access_log,
        metrics: EdgeMetrics::new(&registry.root()),
    };
    let edge = Edge::new(edge_options, edge_parts).map_err(Failure::new)?;
    let listener = Listener::bind(&config.listen).await.map_err(Failure::new)?;
    let mut signals = StopSignals::new()?;
    announce(&config, &listener)?;

    let shutdown = CancellationToken::new();
    let options = ServeOptions {
        connections: config.connections,
        tls,
        drain_timeout: config.drain_timeout,
    };
    let server = serve(listener, edge, options, shutdown.clone());
    let drain = async {
        let name = signals.recv().await;
        tracing::info!(signal = name, "draining: not ready from now on");
        readiness.drain();
        tokio::select! {
            () = sleep(config.drain_notice) => {}
            _ = signals.recv() => {}
        }
        shutdown.cancel();
        // A second signal while requests are ending cuts them.
        signals.recv().await;
    };
    let cut = tokio::select! {
        cut = server => cut,
        () = drain => return Err(Failure::new("stopped at once by a second signal")),
    };
    let finished = pipelines.finish(config.drain_timeout).await;
    tracing::info!(connections_cut = cut, transfers_finished = finished, "stopped");
    Ok(())
}

/// What answers below paths of its own.
fn mounts(
    config: &Config,
    admin: AdminGuard,
    pipelines: &Pipelines,
    readiness: &Arc<Readiness>,
    registry: &Registry,
) -> Vec<Mount> {
    let admin: Arc<dyn Guard> = Arc::new(admin);
    let pages = ServicePages {
        readiness: Arc::clone(readiness),
        registry: registry.clone(),
        prefix: config.prefix.clone(),
        secure: config.tls.is_some(),
        version: VERSION,
    };
    vec![
        lanes_mount(pipelines.dispatcher.clone(), Arc::clone(&admin)),
        api_mount(VERSION, admin),
        pages.mount(),
    ]
}

/// Who may use the API: who knows the token, if a file for one is configured.
fn admin_guard(config: &Config) -> Result<AdminGuard, Failure> {
    let token = config.admin_token.as_deref().map(AdminToken::read).transpose();
    let setting = "admin.token_file";
    let token = token.map_err(|error| config.fault(setting, error))?;
    Ok(AdminGuard::new(token, setting))
}

/// Says where the server listens, and the line that makes `go` use it.
fn announce(config: &Config, listener: &Listener) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    match listener.url(config.tls.is_some()) {
        Some(url) => {
            let prefix = &config.prefix;
            writeln!(stdout, "stoa {VERSION} listening on {url}{prefix}")?;
            writeln!(stdout, "export GOPROXY={url}{prefix}")?;
        }
        None => writeln!(stdout, "stoa {VERSION} listening on {}", config.listen)?,
    }
    writeln!(stdout, "storage: {}", config.storage)?;
    writeln!(stdout, "upstream: {}", config.upstream)?;
    stdout.flush()
}

/// The signals that ask the server to stop, listened for from before it says that it listens.
struct StopSignals {
    interrupt: Signal,
    terminate: Signal,
}

impl StopSignals {
    fn new() -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    async fn recv(&mut self) -> &'static str {
        tokio::select! {
            _ = self.interrupt.recv() => "SIGINT",
            _ = self.terminate.recv() => "SIGTERM",
        }
    }
}

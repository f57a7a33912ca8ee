//! `stoa serve`.

use std::{
    io::{self, Write},
    sync::Arc,
    time::Duration,
};

use stoa_server::{
    AccessLog, AdminGuard, AdminToken, Edge, EdgeOptions, EdgeParts, Listener, LogSink, Metrics, Readiness,
    ServeOptions, TlsFiles, serve,
};
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    time::sleep,
};
use tokio_util::sync::CancellationToken;

use crate::{
    app::App,
    command_error::CommandError,
    config::Config,
    logging,
    setup::{open_storage, runtime},
};

const VERSION: &str = env!("CARGO_PKG_VERSION");

pub(super) fn run(config: Config) -> Result<(), CommandError> {
    let admin = admin_guard(&config)?;
    let sink = logging::start(&config.log.level, config.log.format)?;
    let runtime = runtime(&config)?;
    let result = runtime.block_on(serve_until_signal(config, admin, &sink));
    // A blocking read that hangs on a dead disk must not keep the process.
    runtime.shutdown_timeout(Duration::from_secs(1));
    result
}

/// Builds, listens, serves; then drains, in this order: not ready, no new connections, open requests end, transfers
/// that nobody waits for any more end.
async fn serve_until_signal(config: Config, admin: AdminGuard, sink: &LogSink) -> Result<(), CommandError> {
    let tls = config.tls.files.as_ref().map(TlsFiles::read).transpose();
    let tls = tls.map_err(CommandError::new)?;
    let storage = open_storage(&config)?;
    let metrics = Arc::new(Metrics::new());
    let app = App::build(&config, Arc::clone(&storage), &metrics);
    let (protocol, checksums) = (&app.protocol, &app.checksums.databases);
    tracing::info!(version = VERSION, %protocol, %checksums, "starting");

    let readiness = Arc::new(Readiness::new(storage));
    let access_log = config
        .log
        .access
        .then(|| Arc::new(AccessLog::new(sink.writer(), config.log.format)));
    let edge_options = EdgeOptions {
        prefix: config.edge.prefix.clone(),
        list_ttl: config.cache.revalidation.list_ttl,
        memory: config.cache.memory,
        secure: config.tls.files.is_some(),
        version: VERSION,
    };
    let edge_parts = EdgeParts {
        protocol: Arc::clone(&app.protocol),
        checksum_databases: app.checksums.databases.clone(),
        readiness: Arc::clone(&readiness),
        metrics,
        access_log,
        admin,
        dispatcher: app.dispatcher.clone(),
        log: sink.writer(),
    };
    let listener = Listener::bind(&config.edge.listen)
        .await
        .map_err(CommandError::new)?;
    let mut signals = StopSignals::new()?;
    announce(&config, &listener)?;

    let shutdown = CancellationToken::new();
    let options = ServeOptions {
        connections: config.pool.connections,
        tls,
        drain_timeout: config.drain.timeout,
    };
    let server = serve(
        listener,
        Edge::new(edge_options, edge_parts),
        options,
        shutdown.clone(),
    );
    let drain = async {
        let name = signals.recv().await;
        tracing::info!(signal = name, "draining: not ready from now on");
        readiness.drain();
        tokio::select! {
            () = sleep(config.drain.notice) => {}
            _ = signals.recv() => {}
        }
        shutdown.cancel();
        // A second signal while requests are ending cuts them.
        signals.recv().await;
    };
    let cut = tokio::select! {
        cut = server => cut,
        () = drain => return Err(CommandError::new("stopped at once by a second signal")),
    };
    let finished = app.end(config.drain.timeout).await;
    tracing::info!(connections_cut = cut, transfers_finished = finished, "stopped");
    Ok(())
}

/// Who may use the API: who knows the token, if a file for one is configured.
fn admin_guard(config: &Config) -> Result<AdminGuard, CommandError> {
    let token = config
        .admin
        .token_file
        .as_deref()
        .map(AdminToken::read)
        .transpose();
    let token = token.map_err(|error| config.fault("admin.token_file", error))?;
    Ok(token.into())
}

/// Says where the server listens, and the line that makes `go` use it.
fn announce(config: &Config, listener: &Listener) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    match listener.url(config.tls.files.is_some()) {
        Some(url) => {
            let prefix = &config.edge.prefix;
            writeln!(stdout, "stoa {VERSION} listening on {url}{prefix}")?;
            writeln!(stdout, "export GOPROXY={url}{prefix}")?;
        }
        None => writeln!(stdout, "stoa {VERSION} listening on {}", config.edge.listen)?,
    }
    writeln!(stdout, "storage: {}", config.storage.url)?;
    writeln!(stdout, "upstream: {}", config.upstream.list)?;
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

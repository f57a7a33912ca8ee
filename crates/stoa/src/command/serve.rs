//! `stoa serve`.

use std::{
    io::{self, Write},
    time::Duration,
};

use stoa_server::Listener;
use stoa_telemetry::LogSink;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::{
    admin_token,
    app::{App, PARTS, Role, VERSION},
    command_error::CommandError,
    config::Config,
    descriptors, logging,
    setup::runtime,
    terminal::stdout,
};

pub(super) fn run(config: &Config) -> Result<(), CommandError> {
    let sink = logging::start(&config.log.level, config.log.format)?;
    descriptors::raise_limit(config.pool.connections);
    let runtime = runtime(config)?;
    let result = runtime.block_on(serve_until_signal(config, &sink));
    // A blocking read that hangs on a dead disk must not keep the process.
    runtime.shutdown_timeout(Duration::from_secs(1));
    result
}

async fn serve_until_signal(config: &Config, sink: &LogSink) -> Result<(), CommandError> {
    let app = App::start(config, PARTS, Role::Server, &sink.writer()).await?;
    let mut signals = StopSignals::new()?;
    if let Some(listener) = app.listener() {
        announce(config, listener)?;
    }
    app.run(async || signals.recv().await).await
}

/// Says where the server listens, and the line that makes `go` use it.
fn announce(config: &Config, listener: &Listener) -> io::Result<()> {
    let mut stdout = stdout();
    match listener.url(config.tls.files.is_some()) {
        Some(url) => {
            let prefix = &config.edge.prefix;
            writeln!(stdout, "stoa {VERSION} listening on {url}{prefix}")?;
            writeln!(stdout, "export GOPROXY={url}{prefix}")?;
            if !listener.is_loopback() {
                writeln!(
                    stdout,
                    "other machines reach it at {}; nobody is asked who he is",
                    config.edge.listen
                )?;
            }
        }
        None => writeln!(stdout, "stoa {VERSION} listening on {}", config.edge.listen)?,
    }
    writeln!(stdout, "storage: {}", config.storage.url)?;
    if let Some(file) = admin_token::made(config) {
        writeln!(stdout, "admin token: {}", file.display())?;
    }
    writeln!(stdout, "upstream: {}", config.upstream.list)?;
    stdout.flush()
}

/// The signals that ask a process to stop, listened for from before it says that it listens.
pub(super) struct StopSignals {
    interrupt: Signal,
    terminate: Signal,
}

impl StopSignals {
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    pub(super) async fn recv(&mut self) -> &'static str {
        tokio::select! {
            _ = self.interrupt.recv() => "SIGINT",
            _ = self.terminate.recv() => "SIGTERM",
        }
    }
}

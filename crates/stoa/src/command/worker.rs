//! `stoa worker`.

use std::{io::Write, time::Duration};

use super::serve::StopSignals;
use crate::{
    app::{App, PARTS, Role, VERSION},
    command_error::CommandError,
    config::{Config, JobStore},
    descriptors, logging,
    setup::runtime,
    terminal::stdout,
};

/// How many jobs of a kind run, where the configuration says that servers run none.
const WORKERS: usize = 16;

pub(super) fn run(mut config: Config, listens: bool, workers: Option<u32>) -> Result<(), CommandError> {
    if config.jobs.store == JobStore::Memory {
        let fault =
            "a worker runs the jobs of others, and nobody else finds those in memory: name a file or a Redis";
        return Err(config.fault("jobs.store", fault).into());
    }
    config.jobs.workers = match (workers, config.jobs.workers) {
        (Some(workers), _) => usize::try_from(workers).unwrap_or(WORKERS),
        (None, 0) => WORKERS,
        (None, workers) => workers,
    };
    let sink = logging::start(&config.log.level, config.log.format)?;
    descriptors::raise_limit(config.pool.connections);
    let runtime = runtime(&config)?;
    let result = runtime.block_on(async {
        let app = App::start(&config, PARTS, Role::Worker { listens }, &sink.writer()).await?;
        let mut signals = StopSignals::new()?;
        let mut stdout = stdout();
        writeln!(
            stdout,
            "stoa {VERSION} runs jobs, {} of a kind at a time",
            config.jobs.workers
        )?;
        if listens {
            writeln!(stdout, "listening on {}", config.edge.listen)?;
        }
        stdout.flush()?;
        app.run(async || signals.recv().await).await
    });
    // A blocking read that hangs on a dead disk must not keep the process.
    runtime.shutdown_timeout(Duration::from_secs(1));
    result
}

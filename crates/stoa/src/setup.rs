//! What commands begin with: configuration, runtime, storage.

use std::{
    io::{self, Write},
    sync::Arc,
};

use stoa_storage::{Storage, open_url};

use crate::{
    cli::Common,
    command_error::CommandError,
    config::{Config, load},
};

/// The configuration of a command, its warnings said.
pub(crate) fn configured(common: Common, listen: Option<String>) -> Result<Config, CommandError> {
    let config = load(&common.given(listen))?;
    let mut stderr = io::stderr().lock();
    for warning in &config.record.warnings {
        let _closed = writeln!(stderr, "stoa: warning: {warning}");
    }
    Ok(config)
}

/// Blocking threads that are left for reading stored files while every fetch is busy.
const READERS: usize = 32;

/// Events that a worker takes from the kernel when it has nothing to do. Its queue has 256 places, and what finds none goes
/// to a second queue that is looked at rarely: with a thousand clients, some waited for fifteen turns of the others. What a
/// worker does not take stays with the kernel, which hands events out in the order in which they came (ADR 0020).
const EVENTS: usize = 32;
/// Events that it takes while it has something to do, which it looks for every 61 tasks. One event may then wake seven
/// tasks, and the queue still gets shorter.
const EVENTS_WHEN_BUSY: usize = 8;

/// The runtime of a command.
pub(crate) fn runtime(config: &Config) -> Result<tokio::runtime::Runtime, CommandError> {
    // A fetch writes and checks at the same time, on two blocking threads. With these counted, a read of a stored file
    // never queues behind fetches.
    let blocking = 2 * config.pool.fetches + READERS;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .max_io_events_per_tick(EVENTS)
        .max_io_events_per_busy_tick(EVENTS_WHEN_BUSY)
        .max_blocking_threads(blocking)
        .build();
    runtime.map_err(|error| CommandError::new(format!("cannot start: {error}")))
}

/// The storage that the configuration names.
pub(crate) fn open_storage(config: &Config) -> Result<Arc<dyn Storage>, CommandError> {
    open_url(&config.storage.url).map_err(|error| CommandError::new(format!("storage: {}", error.report())))
}

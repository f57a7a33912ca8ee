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

/// The runtime of a command.
pub(crate) fn runtime(config: &Config) -> Result<tokio::runtime::Runtime, CommandError> {
    // A fetch writes and checks at the same time, on two blocking threads. With these counted, a read of a stored file
    // never queues behind fetches.
    let blocking = 2 * config.pool.fetches + READERS;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .max_blocking_threads(blocking)
        .build();
    runtime.map_err(|error| CommandError::new(format!("cannot start: {error}")))
}

/// The storage that the configuration names.
pub(crate) fn open_storage(config: &Config) -> Result<Arc<dyn Storage>, CommandError> {
    open_url(&config.storage.url).map_err(|error| CommandError::new(format!("storage: {}", error.report())))
}

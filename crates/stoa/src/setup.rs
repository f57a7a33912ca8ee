//! What commands begin with: configuration, runtime, storage.

use std::{
    io::{self, Write},
    sync::Arc,
};

use stoa_storage::{Storage, StorageError, open_existing_url, open_url};

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

/// The storage that the configuration names; made if it is not there.
pub(crate) fn open_storage(config: &Config) -> Result<Arc<dyn Storage>, CommandError> {
    opened(open_url(&config.storage.url))
}

/// The storage that the configuration names, for commands that only look at what is stored: a name that is mistyped must
/// not make a storage in which everything is well.
pub(crate) fn open_existing_storage(config: &Config) -> Result<Arc<dyn Storage>, CommandError> {
    opened(open_existing_url(&config.storage.url))
}

fn opened(storage: Result<Arc<dyn Storage>, StorageError>) -> Result<Arc<dyn Storage>, CommandError> {
    storage.map_err(|error| CommandError::new(format!("storage: {}", error.report())))
}

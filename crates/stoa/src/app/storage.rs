//! Opening the storage that the configuration names.

use std::sync::Arc;

use stoa_dispatch::Pool;
use stoa_storage::{DiskStorage, Storage, StorageError, TieredStorage};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{outbound, remote_storage, remote_storage::Remote};
use crate::{command_error::CommandError, config::Config, setup::warn_of_readers};

/// A storage, and the door that its requests leave by, which is the only one of the process.
#[derive(Debug)]
pub(crate) struct OpenStorage {
    pub(crate) storage: Arc<dyn Storage>,
    pub(crate) dispatcher: Pool,
    /// What the storage does beside requests.
    pub(crate) tasks: TaskTracker,
    /// Ends at once what of it can be gone on with by the next process.
    pub(crate) ending: CancellationToken,
    remote: Option<Remote>,
}

impl OpenStorage {
    /// The storage that the configuration names; what is of this machine is made if it is not there. What is elsewhere is not
    /// asked yet. Must be called within a runtime.
    pub(crate) fn open(config: &Config) -> Result<Self, CommandError> {
        let opened = Self::make(config);
        let opened = opened.map_err(|error| CommandError::new(format!("storage: {}", error.report())))?;
        warn_of_readers(config);
        Ok(opened)
    }

    /// The same, for a server, which finds out whether what is elsewhere can be used.
    pub(crate) fn of_server(config: &Config) -> Result<Self, CommandError> {
        let opened = Self::open(config)?;
        if let Some(remote) = &opened.remote {
            remote.probe(&opened.tasks, &opened.ending);
        }
        Ok(opened)
    }

    /// The same, for commands that only look at what is stored: a name that is mistyped must not make a storage in which
    /// everything is well.
    pub(crate) fn open_existing(config: &Config) -> Result<Self, CommandError> {
        let checked = config.storage.url.check_existing();
        checked.map_err(|error| CommandError::new(format!("storage: {}", error.report())))?;
        Self::open(config)
    }

    /// This storage.
    #[cfg(test)]
    pub(crate) fn given(config: &Config, storage: Arc<dyn Storage>) -> Self {
        Self {
            storage,
            dispatcher: outbound::dispatcher(config),
            tasks: TaskTracker::new(),
            ending: CancellationToken::new(),
            remote: None,
        }
    }

    fn make(config: &Config) -> Result<Self, StorageError> {
        let (dispatcher, tasks) = (outbound::dispatcher(config), TaskTracker::new());
        let (settings, ending) = (&config.storage, CancellationToken::new());
        if let Some(storage) = settings.url.place().open(settings.mode)? {
            return Ok(Self {
                storage,
                dispatcher,
                tasks,
                ending,
                remote: None,
            });
        }
        let remote = remote_storage::open(settings, &dispatcher, &tasks, &ending)?;
        let mut storage = remote.storage();
        if let Some((directory, max)) = settings.url.front() {
            let front = Arc::new(DiskStorage::open_as(directory, settings.mode)?);
            storage = Arc::new(TieredStorage::new(front, storage, max, tasks.clone()));
        }
        Ok(Self {
            storage,
            dispatcher,
            tasks,
            ending,
            remote: Some(remote),
        })
    }
}

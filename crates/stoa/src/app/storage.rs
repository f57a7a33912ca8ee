//! Opening the storage that the configuration names.

use std::sync::Arc;

use stoa_dispatch::Pool;
use stoa_storage::{DiskStorage, Storage, StorageError, StoragePlace, TieredStorage, object::ObjectStorage};
use tokio_util::task::TaskTracker;

use super::outbound;
use crate::{command_error::CommandError, config::Config, setup::warn_of_readers};

/// A storage, and the door that its requests leave by, which is the only one of the process.
#[derive(Debug)]
pub(crate) struct OpenStorage {
    pub(crate) storage: Arc<dyn Storage>,
    pub(crate) dispatcher: Pool,
    /// What the storage does beside requests.
    pub(crate) tasks: TaskTracker,
    bucket: Option<Arc<ObjectStorage>>,
}

impl OpenStorage {
    /// The storage that the configuration names; what is of this machine is made if it is not there. A bucket is not asked
    /// yet. Must be called within a runtime.
    pub(crate) fn open(config: &Config) -> Result<Self, CommandError> {
        let opened = Self::make(config);
        let opened = opened.map_err(|error| CommandError::new(format!("storage: {}", error.report())))?;
        warn_of_readers(config);
        Ok(opened)
    }

    /// The same, for a server, which finds out whether a bucket can be used.
    pub(crate) fn of_server(config: &Config) -> Result<Self, CommandError> {
        let opened = Self::open(config)?;
        opened.probe();
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
            bucket: None,
        }
    }

    fn make(config: &Config) -> Result<Self, StorageError> {
        let (dispatcher, tasks) = (outbound::dispatcher(config), TaskTracker::new());
        let settings = &config.storage;
        if let Some(storage) = settings.url.place().open(settings.mode)? {
            return Ok(Self {
                storage,
                dispatcher,
                tasks,
                bucket: None,
            });
        }
        let StoragePlace::Bucket(place) = settings.url.place() else {
            unreachable!("every other place has been opened")
        };
        let bucket = ObjectStorage::new(place, &settings.options, dispatcher.clone())?;
        let bucket = Arc::new(bucket);
        let mut storage: Arc<dyn Storage> = Arc::<ObjectStorage>::clone(&bucket);
        if let Some((directory, max)) = settings.url.front() {
            let front = Arc::new(DiskStorage::open_as(directory, settings.mode)?);
            storage = Arc::new(TieredStorage::new(front, storage, max, tasks.clone()));
        }
        Ok(Self {
            storage,
            dispatcher,
            tasks,
            bucket: Some(bucket),
        })
    }

    /// Looks in a task of its own whether a bucket can be used, and says what it finds. A bucket that is away is no reason
    /// not to start: the server is not ready until it is back.
    fn probe(&self) {
        let Some(bucket) = self.bucket.clone() else {
            return;
        };
        self.tasks.spawn(async move {
            match bucket.probe().await {
                Err(error) => {
                    tracing::warn!(error = %error.report(), "the storage cannot be used until this is mended");
                }
                Ok(()) if bucket.ignores_conditions() => tracing::warn!(
                    storage = %bucket,
                    "the service ignores conditions of writes: the first content is kept by a look before each write, and \
                     only one server, or a cluster with a registry, may write at a time"
                ),
                Ok(()) => tracing::debug!(storage = %bucket, "the bucket can be used"),
            }
        });
    }
}

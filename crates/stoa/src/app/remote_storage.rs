//! Storages that are elsewhere.

use std::{fs, sync::Arc, time::Duration};

use stoa_dispatch::Pool;
use stoa_storage::{
    DiskStorage, ExternalPlace, ExternalStorage, MongoPlace, Storage, StorageError, StoragePlace,
    external::{Authorization, ExternalOptions},
    object::ObjectStorage,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::config::StorageConfig;

/// Where, in stoa's own directory, files wait for an external storage.
const WAITING: &str = "external";

/// How long a database may take for one operation, the choice of its server included: a client waits.
#[cfg(feature = "mongodb")]
const DEADLINE: Duration = Duration::from_secs(10);

/// A storage that is elsewhere.
#[derive(Debug)]
pub(super) enum Remote {
    Bucket(Arc<ObjectStorage>),
    External(ExternalStorage),
    #[cfg(feature = "mongodb")]
    Mongo(stoa_storage::LateMongo),
}

/// Opens it. Nothing is asked yet.
pub(super) fn open(
    settings: &StorageConfig,
    dispatcher: &Pool,
    tasks: &TaskTracker,
    ending: &CancellationToken,
) -> Result<Remote, StorageError> {
    match settings.url.place() {
        StoragePlace::Bucket(place) => {
            let bucket = ObjectStorage::new(place, &settings.options, dispatcher.clone())?;
            Ok(Remote::Bucket(Arc::new(bucket)))
        }
        StoragePlace::External(place) => {
            external(settings, place, (dispatcher, tasks, ending)).map(Remote::External)
        }
        StoragePlace::Mongo(place) => mongo(settings, place),
        StoragePlace::Memory(_) | StoragePlace::Directory(_) => Err(unusable("it is on this machine")),
    }
}

fn unusable(reason: &str) -> StorageError {
    StorageError::InvalidUrl {
        reason: reason.to_owned(),
    }
}

/// The user and the secret of the settings. The secret may be there without a user.
fn login(settings: &StorageConfig) -> Result<(Option<String>, Option<String>), StorageError> {
    let options = &settings.options;
    let secret = options.secret_key_file.as_deref().map(|file| {
        let read = fs::read_to_string(file);
        let text = read.map_err(|error| StorageError::from_io("read", file, error))?;
        Ok::<_, StorageError>(text.trim().to_owned())
    });
    Ok((options.access_key_id.clone(), secret.transpose()?))
}

fn external(
    settings: &StorageConfig,
    place: &ExternalPlace,
    (dispatcher, tasks, ending): (&Pool, &TaskTracker, &CancellationToken),
) -> Result<ExternalStorage, StorageError> {
    let own = settings.own.as_ref();
    let own = own.ok_or_else(|| {
        unusable("files that wait for it need a place: set HOME, or put a directory before it")
    })?;
    let local = DiskStorage::open_as(own.join(WAITING), settings.mode)?;
    let mut options = ExternalOptions::of_place(place)?;
    options.authorization = match login(settings)? {
        (Some(user), password) => Some(Authorization::Basic {
            user,
            password: password.unwrap_or_default(),
        }),
        (None, Some(token)) => Some(Authorization::Bearer(token)),
        (None, None) => None,
    };
    let is_plain = place.base().starts_with("http://");
    if is_plain && options.authorization.is_some() && !settings.options.allow_http {
        return Err(unusable(
            "its token would cross the network in clear text: use https, or set storage_options.allow_http",
        ));
    }
    ExternalStorage::new(
        Arc::new(local),
        dispatcher.clone(),
        &options,
        tasks.clone(),
        ending.clone(),
    )
}

#[cfg(feature = "mongodb")]
fn mongo(settings: &StorageConfig, place: &MongoPlace) -> Result<Remote, StorageError> {
    use stoa_storage::{LateMongo, mongo::MongoOptions};

    let (user, password) = login(settings)?;
    let login = user
        .as_deref()
        .map(|user| (user, password.as_deref().unwrap_or_default()));
    let spool = &settings.options.staging;
    fs::create_dir_all(spool).map_err(|error| StorageError::from_io("make", spool, error))?;
    let mut options = MongoOptions::new(place.connection_string(login), spool.clone());
    place.database().clone_into(&mut options.database);
    options.deadline = DEADLINE;
    Ok(Remote::Mongo(LateMongo::new(options)))
}

#[cfg(not(feature = "mongodb"))]
fn mongo(_: &StorageConfig, _: &MongoPlace) -> Result<Remote, StorageError> {
    Err(unusable(
        "this binary was built without MongoDB: build it with --features mongodb",
    ))
}

impl Remote {
    pub(super) fn storage(&self) -> Arc<dyn Storage> {
        match self {
            Self::Bucket(bucket) => Arc::<ObjectStorage>::clone(bucket),
            Self::External(external) => Arc::new(external.clone()),
            #[cfg(feature = "mongodb")]
            Self::Mongo(mongo) => Arc::new(mongo.clone()),
        }
    }

    /// Has it list what another program has put there.
    #[cfg(feature = "mongodb")]
    pub(super) async fn settle(&self) -> Result<(), StorageError> {
        match self {
            Self::Mongo(mongo) => mongo.settle().await.map(drop),
            Self::Bucket(_) | Self::External(_) => Ok(()),
        }
    }

    /// Looks in a task of its own whether it can be used, and says what it finds. A storage that is away is no reason not to
    /// start: the server is not ready until it is back.
    pub(super) fn probe(&self, tasks: &TaskTracker, ending: &CancellationToken) {
        let ending = ending.clone();
        match self {
            Self::Bucket(bucket) => {
                let bucket = Arc::clone(bucket);
                tasks.spawn(async move {
                    ending.run_until_cancelled(probe_bucket(&bucket)).await;
                });
            }
            Self::External(external) => {
                let external = external.clone();
                tasks.spawn(async move {
                    match ending.run_until_cancelled(external.settle()).await {
                        Some(Ok(settled)) => tracing::debug!(?settled, "the external storage can be used"),
                        Some(Err(error)) => unusable_now(&error),
                        None => {}
                    }
                });
            }
            #[cfg(feature = "mongodb")]
            Self::Mongo(mongo) => {
                let mongo = mongo.clone();
                tasks.spawn(async move {
                    match ending.run_until_cancelled(mongo.settle()).await {
                        Some(Ok(settled)) => tracing::debug!(?settled, "the database can be used"),
                        Some(Err(error)) => unusable_now(&error),
                        None => {}
                    }
                });
            }
        }
    }
}

fn unusable_now(error: &StorageError) {
    tracing::warn!(error = %error.report(), "the storage cannot be used until this is mended");
}

async fn probe_bucket(bucket: &ObjectStorage) {
    match bucket.probe().await {
        Err(error) => unusable_now(&error),
        Ok(()) if bucket.ignores_conditions() => tracing::warn!(
            storage = %bucket,
            "the service ignores conditions of writes: the first content is kept by a look before each write, and \
             only one server, or a cluster with a registry, may write at a time"
        ),
        Ok(()) => tracing::debug!(storage = %bucket, "the bucket can be used"),
    }
}

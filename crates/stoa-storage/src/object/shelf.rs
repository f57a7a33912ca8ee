//! What all of an object storage shares.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use bytes::Bytes;
use object_store::path::Path;
use object_store::{Error, ObjectStore, ObjectStoreExt as _, PutMode, PutOptions, PutPayload, PutResult};
use stoa_dispatch::Pool;
use tokio::sync::{OnceCell, Semaphore};

use super::conditions::{Conditions, Update};
use super::failure::failure;
use super::http::ObjectHttp;
use super::keys::Keys;
use super::options::ObjectOptions;
use super::service::Service;
use crate::error::StorageError;
use crate::key::FileKey;
use crate::link::Link;
use crate::object_place::ObjectPlace;
use crate::put::Put;
use crate::remote_fault::RemoteFault;

/// A bucket, and what is known of it.
#[derive(Debug)]
pub(super) struct Shelf {
    pub(super) service: Service,
    pub(super) store: Arc<dyn ObjectStore>,
    pub(super) http: ObjectHttp,
    pub(super) keys: Keys,
    /// What the service heeds, once that is known.
    pub(super) found: OnceCell<Conditions>,
    /// Where files wait on their way.
    pub(super) staging: PathBuf,
    /// One swap of a record at a time, where the service does not heed conditions.
    pub(super) swaps: Semaphore,
    /// What the probes of this process are called.
    process: String,
    probes: AtomicU32,
}

impl Shelf {
    pub(super) fn new(
        place: &ObjectPlace,
        options: &ObjectOptions,
        pool: Pool,
    ) -> Result<Self, StorageError> {
        let staging = options.staging.clone();
        let made = std::fs::create_dir_all(&staging);
        // A file without a name is what each stage makes: where that cannot be, it is said now.
        let tried = made.and_then(|()| tempfile::tempfile_in(&staging));
        tried.map_err(|error| StorageError::from_io("write to", &staging, error))?;
        let http = ObjectHttp::new(pool);
        let service = Service::new(place, options, http.clone())?;
        let random = std::hash::BuildHasher::hash_one(&std::hash::RandomState::new(), std::process::id());
        Ok(Self {
            store: service.store(),
            service,
            http,
            keys: Keys::new(place),
            found: OnceCell::new_with(options.conditional.known()),
            staging,
            swaps: Semaphore::new(1),
            process: format!("{random:016x}"),
            probes: AtomicU32::new(0),
        })
    }

    /// What `error`, met when doing `action` to the object, means.
    pub(super) fn failure(&self, action: &'static str, path: &Path, error: &Error) -> StorageError {
        self.judged(failure(action, &self.keys.place(path), error))
    }

    /// What an error means, with what is known here: not every service says why it refuses credentials.
    pub(super) fn judged(&self, mut error: StorageError) -> StorageError {
        if let StorageError::Remote { fault, .. } = &mut error
            && matches!(fault, RemoteFault::Forbidden | RemoteFault::BadCredentials)
            && self.service.has_expired()
        {
            *fault = RemoteFault::ExpiredCredentials;
        }
        error
    }

    /// What writes may rely on. Who asks first tries it, and the others wait for that.
    pub(super) async fn conditions(&self) -> Result<Conditions, StorageError> {
        self.found
            .get_or_try_init(|| self.try_conditions())
            .await
            .copied()
    }

    /// Writes an object twice under the condition that there is none, and then under the condition that it is the one that
    /// was written.
    async fn try_conditions(&self) -> Result<Conditions, StorageError> {
        let path = self.keys.probe(&format!("{}-condition", self.process))?;
        // An earlier try of this process may have stopped half-way.
        self.remove(&path).await?;
        self.probe(&path, create()).await?;
        let create = self.probe(&path, create()).await?.is_none();
        let mut update = Update::Never;
        for way in [Update::Tag, Update::BareTag] {
            let Some(written) = self.probe(&path, PutOptions::default()).await? else {
                break;
            };
            let version = way.version(written.e_tag.as_deref(), written.version.as_deref());
            let replaces = version.map(|version| PutOptions::from(PutMode::Update(version)));
            let Some(again) = replaces else { break };
            // The second time it is another object. Who replaces that as well does not look.
            if self.probe(&path, again.clone()).await?.is_some() {
                if self.probe(&path, again).await?.is_none() {
                    update = way;
                }
                break;
            }
        }
        self.remove(&path).await?;
        Ok(Conditions { create, update })
    }

    /// Writes a few bytes that are different each time; `None` if a condition forbids it.
    async fn probe(&self, path: &Path, options: PutOptions) -> Result<Option<PutResult>, StorageError> {
        let count = self.probes.fetch_add(1, Ordering::Relaxed);
        let payload = PutPayload::from(format!("stoa {count}").into_bytes());
        match self.store.put_opts(path, payload, options).await {
            Ok(written) => Ok(Some(written)),
            Err(Error::AlreadyExists { .. } | Error::Precondition { .. }) => Ok(None),
            Err(error) => Err(self.failure("probe", path, &error)),
        }
    }

    /// Whether the bucket can be written right now.
    pub(super) async fn check(&self) -> Result<(), StorageError> {
        self.conditions().await?;
        let path = self.keys.probe(&self.process)?;
        let payload = PutPayload::from_static(b"stoa");
        let written = self.store.put(&path, payload).await;
        written
            .map(drop)
            .map_err(|error| self.failure("write", &path, &error))
    }

    pub(super) async fn put(&self, key: &FileKey, content: Bytes) -> Result<Put, StorageError> {
        self.put_at(&self.keys.file(key)?, content).await
    }

    /// Stores an object if there is none.
    pub(super) async fn put_at(&self, path: &Path, content: Bytes) -> Result<Put, StorageError> {
        let options = if self.conditions().await?.create {
            create()
        } else if self.exists(path).await? {
            return Ok(Put::Existed);
        } else {
            PutOptions::default()
        };
        match self.store.put_opts(path, content.into(), options).await {
            Ok(_) => Ok(Put::Stored),
            Err(Error::AlreadyExists { .. }) => Ok(Put::Existed),
            Err(error) => Err(self.failure("store", path, &error)),
        }
    }

    /// Whether there is such an object.
    pub(super) async fn exists(&self, path: &Path) -> Result<bool, StorageError> {
        match self.store.head(path).await {
            Ok(_) => Ok(true),
            Err(Error::NotFound { .. }) => Ok(false),
            Err(error) => Err(self.failure("look for", path, &error)),
        }
    }

    /// Removes an object if there is one.
    pub(super) async fn remove(&self, path: &Path) -> Result<(), StorageError> {
        match self.store.delete(path).await {
            Ok(()) | Err(Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(self.failure("remove", path, &error)),
        }
    }

    pub(super) async fn link(&self, key: &FileKey, lifetime: Duration) -> Result<Link, StorageError> {
        let path = self.keys.file(key)?;
        let url = self.service.link(&path, lifetime).await;
        url.map(Link::new)
            .map_err(|error| self.failure("sign a link to", &path, &error))
    }
}

/// Only if there is none.
pub(super) fn create() -> PutOptions {
    PutOptions::from(PutMode::Create)
}

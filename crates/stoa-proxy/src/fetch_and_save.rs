//! The innermost stasher: fetch, check, store.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use bytes::Bytes;
use stoa_fetch::{Fetched, Fetcher, Resource};
use stoa_module::{ModuleVersion, zip::ZipLimits};
use stoa_storage::{FileKey, Put, Storage};
use tokio_util::task::TaskTracker;

use crate::{Content, ProxyError, Stashed, Stasher, file_key, growing, info::check_info, pump::Pump};

/// Fetches an answer and stores it if it is immutable.
///
/// Whoever was just ahead may have stored it already, so storage is asked once more first. A small file is stored
/// before it is returned. A zip is returned as soon as its head has arrived; a task of the owner's goes on to check
/// and store it.
#[derive(Debug)]
pub struct FetchAndSave {
    fetcher: Arc<dyn Fetcher>,
    storage: Arc<dyn Storage>,
    zip_limits: ZipLimits,
    tasks: TaskTracker,
}

impl FetchAndSave {
    /// Fetches from `fetcher` into `storage`; transfers run on `tasks`.
    pub fn new(
        fetcher: Arc<dyn Fetcher>,
        storage: Arc<dyn Storage>,
        zip_limits: ZipLimits,
        tasks: TaskTracker,
    ) -> Self {
        Self {
            fetcher,
            storage,
            zip_limits,
            tasks,
        }
    }

    /// Fetches a small answer whole and checks it.
    async fn small(&self, resource: &Resource) -> Result<Bytes, ProxyError> {
        let fetched = self.fetcher.fetch(resource).await?;
        let source_name = fetched.source_name.clone();
        let bytes = fetched.bytes().await?;
        if matches!(
            resource,
            Resource::Latest(_) | Resource::Query(..) | Resource::Info(_)
        ) {
            check_info(resource, &bytes).map_err(|reason| ProxyError::invalid(&source_name, reason))?;
        }
        Ok(bytes)
    }

    async fn save_small(&self, resource: &Resource, key: &FileKey) -> Result<Content, ProxyError> {
        let bytes = self.small(resource).await?;
        match self.storage.put(key, bytes.clone()).await? {
            Put::Stored => Ok(Content::Bytes(bytes)),
            // Another process was first, and the first content wins.
            Put::Existed => match self.storage.open(key).await? {
                Some(blob) => Ok(Content::Stored(blob)),
                None => Ok(Content::Bytes(bytes)),
            },
        }
    }

    async fn save_zip(
        &self,
        resource: &Resource,
        target: &ModuleVersion,
        key: FileKey,
    ) -> Result<Content, ProxyError> {
        let fetched: Fetched = self.fetcher.fetch(resource).await?;
        let stage = self.storage.stage(&key).await?;
        let (writer, growing) = growing(fetched.len, stage.reader());
        let pump = Pump {
            storage: Arc::clone(&self.storage),
            target: target.clone(),
            limits: self.zip_limits.clone(),
            key,
        };
        self.tasks.spawn(pump.run(fetched, stage, writer));
        Ok(Content::Growing(growing))
    }
}

impl fmt::Display for FetchAndSave {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "fetch_and_save > {}", self.fetcher)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Stasher for FetchAndSave {
    async fn stash(&self, resource: &Resource) -> Result<Stashed, ProxyError> {
        let Some(key) = file_key(resource) else {
            return self
                .small(resource)
                .await
                .map(|bytes| Stashed::new(Content::Bytes(bytes)));
        };
        if let Some(blob) = self.storage.open(&key).await? {
            return Ok(Stashed::new(Content::Stored(blob)));
        }
        let content = match resource {
            Resource::Zip(target) => self.save_zip(resource, target, key).await?,
            _ => self.save_small(resource, &key).await?,
        };
        Ok(Stashed::new(content))
    }
}

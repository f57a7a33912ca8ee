//! Takes in files that somebody offers.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream::BoxStream;
use parking_lot::Mutex;
use stoa_fetch::{Context, FetchError, Fetched, Fetcher, Limits, Question, SourceName};
use stoa_module::Resource;
use stoa_storage::Storage;
use tokio_util::task::TaskTracker;

use crate::{Content, FetchAndSave, Ingest, ProxyError, Stasher};

/// Takes in files that somebody offers, by the same checks as what is fetched: each is fetched from whoever offers it.
#[derive(Clone, Debug)]
pub struct Intake {
    storage: Arc<dyn Storage>,
    ingest: Ingest,
    limits: Limits,
    tasks: TaskTracker,
}

/// The one file that is offered.
#[derive(Debug)]
struct Offer {
    source_name: SourceName,
    fetched: Mutex<Option<Fetched>>,
}

impl Intake {
    /// Into `storage`, what passes `ingest` and is no larger than `limits`; transfers run on `tasks`.
    pub fn new(storage: Arc<dyn Storage>, ingest: Ingest, limits: Limits, tasks: TaskTracker) -> Self {
        Self {
            storage,
            ingest,
            limits,
            tasks,
        }
    }

    /// Stores the file that answers `resource`, an `.info`, `.mod` or `.zip`, as `pieces` from `source_name` bring it. If it is
    /// stored already, that stays, and the pieces are not read.
    ///
    /// # Errors
    /// Why it is not stored.
    pub async fn take(
        &self,
        resource: Resource,
        source_name: SourceName,
        pieces: BoxStream<'static, Result<Bytes, FetchError>>,
    ) -> Result<(), ProxyError> {
        let limit = self.limits.for_resource(&resource);
        let fetched = Fetched::new(source_name, None, limit, pieces)?;
        self.take_fetched(resource, fetched).await
    }

    /// The same of an answer, whose length is known and held to the bound of its kind.
    ///
    /// # Errors
    /// Why it is not stored.
    pub async fn take_fetched(&self, resource: Resource, fetched: Fetched) -> Result<(), ProxyError> {
        let limit = self.limits.for_resource(&resource);
        let source_name = fetched.source_name.clone();
        if let Some(len) = fetched.len.filter(|len| *len > limit) {
            let reason = format!("it has {len} bytes, and {limit} are the most");
            return Err(ProxyError::invalid(&source_name, reason));
        }
        let offer = Offer {
            source_name,
            fetched: Mutex::new(Some(fetched)),
        };
        let (storage, ingest) = (Arc::clone(&self.storage), self.ingest.clone());
        let leaf = FetchAndSave::new(Arc::new(offer), storage, ingest, self.tasks.clone());
        let stashed = leaf
            .stash(&Question::new(resource, Context::background()))
            .await?;
        match stashed.content {
            Content::Growing(growing) => growing.ended().await,
            Content::Bytes(_) | Content::Stored(_) => Ok(()),
        }
    }
}

impl fmt::Display for Offer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "offer({})", self.source_name)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Fetcher for Offer {
    async fn fetch(&self, _: &Question) -> Result<Fetched, FetchError> {
        let fetched = self.fetched.lock().take();
        fetched.ok_or_else(|| FetchError::not_found("it was offered once"))
    }
}

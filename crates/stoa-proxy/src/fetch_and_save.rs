//! The innermost stasher: fetch, check, store.

use std::{fmt, pin::pin, sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::future::{Either, select};
use stoa_fetch::{Fetched, Fetcher, Question, SourceName};
use stoa_module::{
    Info, ModulePath, ModuleVersion, Resource,
    dirhash::{H1, go_mod_h1},
    modfile::check_go_mod,
    zip::ZipLimits,
};
use stoa_storage::{FileKey, Put, Storage};
use stoa_sumdb::SumFile;
use tokio::sync::oneshot;
use tokio_util::task::TaskTracker;
use tracing::Instrument;

use crate::{
    Content, IndexNotes, ProxyError, Source, Stashed, Stasher, Sums, file_key, growing, listing::Listing,
    pump::Pump, refusals::Refusals,
};

/// What is held against what is about to be stored.
#[derive(Clone, Debug)]
pub struct Ingest {
    /// The rules of module zips.
    pub zip_limits: ZipLimits,
    /// What was recorded of `.mod` and `.zip`.
    pub sums: Arc<dyn Sums>,
    /// How long content that is not what was recorded is refused without fetching it again.
    pub refusal_ttl: Duration,
    /// Takes down what is stored.
    pub notes: IndexNotes,
}

/// Fetches an answer, checks it, and stores it if it is immutable.
///
/// A version list is put together here with what is stored, once for all who wait for it.
///
/// Whoever was just ahead may have stored it already, so storage is asked once more first. What was recorded of a
/// `.mod` or `.zip` is looked up while it arrives; a `.mod` that nothing is recorded of must be one that dependents can
/// read. An `.info` must be one that the go command reads, of the version that was asked for. A small file is stored before it is returned. A zip is returned as
/// soon as its head has arrived and it is known what it will be held against; a task of the owner's goes on to check
/// and store it.
#[derive(Debug)]
pub struct FetchAndSave {
    fetcher: Arc<dyn Fetcher>,
    storage: Arc<dyn Storage>,
    listing: Listing,
    ingest: Ingest,
    refusals: Arc<Refusals>,
    tasks: TaskTracker,
}

impl FetchAndSave {
    /// Fetches from `fetcher` into `storage` what passes `ingest`; transfers run on `tasks`.
    pub fn new(
        fetcher: Arc<dyn Fetcher>,
        storage: Arc<dyn Storage>,
        ingest: Ingest,
        tasks: TaskTracker,
    ) -> Self {
        let refusals = Arc::new(Refusals::new(ingest.refusal_ttl));
        Self {
            fetcher,
            listing: Listing::new(Arc::clone(&storage)),
            storage,
            ingest,
            refusals,
            tasks,
        }
    }

    /// Fetches a small answer whole and checks it. Says who sent it, and whether that is a repository.
    async fn small(&self, question: &Question) -> Result<(Bytes, SourceName, bool), ProxyError> {
        let fetched = self.fetcher.fetch(question).await?;
        let resource = &question.resource;
        let source_name = fetched.source_name.clone();
        let of_repository = fetched.of_repository;
        let bytes = fetched.bytes().await?;
        if matches!(
            resource,
            Resource::Latest(_) | Resource::Query(..) | Resource::Info(_)
        ) {
            let read = Info::parse_answer(resource, &bytes);
            read.map_err(|error| ProxyError::invalid(&source_name, error))?;
        }
        Ok((bytes, source_name, of_repository))
    }

    /// Fetches a version list. Its slot is kept until the list is put together, so that what waits for that is bounded.
    async fn list(&self, question: &Question, path: &ModulePath) -> Result<Bytes, ProxyError> {
        let mut fetched = self.fetcher.fetch(question).await?;
        let slot = fetched.slot.take();
        let list = self.listing.with_stored(path, fetched.bytes().await?).await;
        drop(slot);
        list
    }

    async fn save_info(&self, question: &Question, key: &FileKey) -> Result<Content, ProxyError> {
        let (bytes, source_name, _) = self.small(question).await?;
        let source = Source {
            origin: Some(source_name),
            verified_by: None,
        };
        self.put(key, bytes, None, &source).await
    }

    async fn save_go_mod(
        &self,
        question: &Question,
        target: &ModuleVersion,
        key: &FileKey,
    ) -> Result<Content, ProxyError> {
        let expected = self.ingest.sums.expected(target);
        let ((bytes, source_name, of_repository), expected) =
            alongside(self.small(question), expected).await?;
        let h1 = go_mod_h1(&bytes);
        if let Err(error) = expected.check(SumFile::GoMod, h1, &source_name) {
            tracing::error!(file = %key, %error, "a go.mod was refused");
            self.refusals.remember(&question.resource, &error);
            let mut stage = self.storage.stage(key).await?;
            stage.write(bytes).await?;
            stage.reject().await?;
            return Err(error);
        }
        if !expected.is_known() && !of_repository {
            // Nobody vouches for it, so at least it has to be a go.mod: the first one stays for ever.
            let checked = check_go_mod(target.path(), &bytes);
            checked.map_err(|error| ProxyError::invalid(&source_name, error))?;
        }
        let source = Source {
            origin: Some(source_name),
            verified_by: expected.database().cloned(),
        };
        self.put(key, bytes, Some(h1), &source).await
    }

    async fn put(
        &self,
        key: &FileKey,
        bytes: Bytes,
        h1: Option<H1>,
        source: &Source,
    ) -> Result<Content, ProxyError> {
        match self.storage.put(key, bytes.clone()).await? {
            Put::Stored => {
                self.ingest.notes.stored(key, bytes.len() as u64, h1, source);
                Ok(Content::Bytes(bytes))
            }
            // Another process was first, and the first content wins.
            Put::Existed => match self.storage.open(key).await? {
                Some(blob) => Ok(Content::Stored(blob)),
                None => Ok(Content::Bytes(bytes)),
            },
        }
    }

    async fn save_zip(
        &self,
        question: &Question,
        target: &ModuleVersion,
        key: FileKey,
    ) -> Result<Content, ProxyError> {
        let fetched: Fetched = self.fetcher.fetch(question).await?;
        let stage = self.storage.stage(&key).await?;
        let (writer, growing) = growing(fetched.len, stage.reader());
        let pump = Pump {
            storage: Arc::clone(&self.storage),
            target: target.clone(),
            limits: self.ingest.zip_limits.clone(),
            key,
            sums: Arc::clone(&self.ingest.sums),
            refusals: Arc::clone(&self.refusals),
            notes: self.ingest.notes.clone(),
        };
        let (looked_up, is_looked_up) = oneshot::channel();
        let transfer = pump.run(fetched, stage, writer, looked_up);
        self.tasks.spawn(transfer.in_current_span());
        if is_looked_up.await.is_err() {
            // It has ended already; whatever the reason is, it can still be told with a status.
            growing.ended().await?;
        }
        Ok(Content::Growing(growing))
    }
}

/// Both, at the same time. Without the first there is no waiting for the second, and it is the first whose failure
/// counts: what is not there needs no checksum.
async fn alongside<A, B>(
    first: impl Future<Output = Result<A, ProxyError>>,
    second: impl Future<Output = Result<B, ProxyError>>,
) -> Result<(A, B), ProxyError> {
    match select(pin!(first), pin!(second)).await {
        Either::Left((first, second)) => Ok((first?, second.await?)),
        Either::Right((second, first)) => {
            let first = first.await?;
            Ok((first, second?))
        }
    }
}

impl fmt::Display for FetchAndSave {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "fetch_and_save({}) > {}", self.ingest.sums, self.fetcher)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Stasher for FetchAndSave {
    async fn stash(&self, question: &Question) -> Result<Stashed, ProxyError> {
        let resource = &question.resource;
        let Some(key) = file_key(resource) else {
            let bytes = match resource {
                Resource::List(path) => self.list(question, path).await?,
                _ => self.small(question).await?.0,
            };
            return Ok(Stashed::new(Content::Bytes(bytes)));
        };
        if let Some(blob) = self.storage.open(&key).await? {
            return Ok(Stashed::new(Content::Stored(blob)));
        }
        if let Some(refusal) = self.refusals.get(resource) {
            return Err(refusal);
        }
        let content = match resource {
            Resource::Zip(target) => self.save_zip(question, target, key).await?,
            Resource::Mod(target) => self.save_go_mod(question, target, &key).await?,
            _ => self.save_info(question, &key).await?,
        };
        Ok(Stashed::new(content))
    }
}

//! A module in a repository as a place that modules come from.

use std::{fmt, path::PathBuf, sync::Arc};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use stoa_code_repo::{CodeRepo, CodeRepoError};
use stoa_module::{Resource, Version};
use tokio::time::{Instant, timeout_at};

use crate::{FetchError, Fetched, Fetcher, Limits, Phase, Question, SourceName, repositories::attendance};

/// Answers questions about one module from its repository.
///
/// The `.info` of a version is [pinned](stoa_module::Info::pinned): it is kept for ever, so it says nothing of other tags.
/// Answers to queries say all that they depend on.
///
/// A deadline of the context bounds the work on the answer, which is given up then.
#[derive(Clone, Debug)]
pub struct DirectModule {
    repo: Arc<CodeRepo>,
    source_name: SourceName,
    limits: Limits,
    dir: PathBuf,
}

impl DirectModule {
    /// Answers from `repo`, with bodies up to `limits` and temporary files in `dir`.
    pub fn new(repo: Arc<CodeRepo>, limits: Limits, dir: PathBuf) -> Self {
        let source_name = SourceName::new(repo.repository().url());
        Self {
            repo,
            source_name,
            limits,
            dir,
        }
    }

    async fn answer(&self, resource: &Resource) -> Result<Fetched, FetchError> {
        let source_name = self.source_name.clone();
        let failed = move |error| FetchError::of_code_repo(&source_name, error);
        let (len, pieces) = if let Resource::Zip(target) = resource {
            let zip = self.repo.zip(target.version(), &self.dir).await;
            let zip = Arc::new(zip.map_err(&failed)?);
            let len = zip.bytes();
            (len, zip.pieces().map(move |piece| piece.map_err(&failed)).boxed())
        } else {
            let content = self.content(resource).await.map_err(failed)?;
            (content.len() as u64, stream::iter([Ok(content)]).boxed())
        };
        let limit = self.limits.for_resource(resource);
        let fetched = Fetched::new(self.source_name.clone(), Some(len), limit, pieces)?;
        Ok(Fetched {
            of_repository: true,
            ..fetched
        })
    }

    /// The answer to anything but a zip, which is streamed.
    async fn content(&self, resource: &Resource) -> Result<Bytes, CodeRepoError> {
        let repo = &self.repo;
        let info = match resource {
            Resource::List(_) => {
                let versions = repo.versions().await?;
                let line = |text, version: &Version| text + version.as_str() + "\n";
                return Ok(versions.list.iter().fold(String::new(), line).into());
            }
            Resource::Mod(target) => return repo.go_mod(target.version()).await,
            Resource::Latest(_) => repo.latest().await?.info,
            Resource::Query(_, revision) => repo.stat(revision.as_str()).await?.info,
            Resource::Info(target) | Resource::Zip(target) => repo.info(target.version()).await?,
        };
        Ok(info.to_json().into())
    }
}

/// Prints the module and where its repository is.
impl fmt::Display for DirectModule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "direct({})", self.repo)
    }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl Fetcher for DirectModule {
    async fn fetch(&self, question: &Question) -> Result<Fetched, FetchError> {
        let resource = &question.resource;
        if resource.module() != self.repo.module() {
            return Err(FetchError::Unsupported {
                reason: format!("{self} was asked for {resource}"),
            });
        }
        let work = attendance(&question.context).over(self.answer(resource));
        let began = Instant::now();
        let Some(deadline) = question.context.deadline else {
            return work.await;
        };
        timeout_at(deadline, work).await.unwrap_or_else(|_elapsed| {
            Err(FetchError::Timeout {
                source_name: self.source_name.clone(),
                phase: Phase::Response,
                after: began.elapsed(),
            })
        })
    }
}

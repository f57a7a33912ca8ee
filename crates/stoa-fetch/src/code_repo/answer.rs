//! A module in a repository as a place that modules come from.

use std::{fmt, path::PathBuf, sync::Arc};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::{StreamExt, stream};

use super::{
    CodeRepo,
    error::{CodeFault, CodeRepoError},
    pack::spool_fault,
};
use crate::{FetchError, Fetched, Fetcher, Limits, Question, SourceName};
use stoa_module::Resource;

/// Answers questions about one module from its repository.
///
/// The `.info` of a version is [pinned](super::Info::pinned): it is kept for ever, so it says nothing of other tags.
/// Answers to queries say all that they depend on.
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

    async fn answer(&self, resource: &Resource) -> Result<Fetched, CodeRepoError> {
        let repo = &self.repo;
        let text = match resource {
            Resource::List(_) => {
                let versions = repo.versions().await?;
                versions
                    .list
                    .iter()
                    .fold(String::new(), |text, version| text + version.as_str() + "\n")
            }
            Resource::Latest(_) => repo.latest().await?.to_json(),
            Resource::Query(_, revision) => repo.stat(revision.as_str()).await?.to_json(),
            Resource::Info(target) => {
                let asked = target.version();
                let info = repo.stat(asked.as_str()).await?;
                if info.version != *asked {
                    let fault = CodeFault::NotTag {
                        resolved: info.version.to_string(),
                        asked: asked.to_string(),
                    };
                    return Err(repo.at_query(asked.as_str(), fault));
                }
                info.pinned().to_json()
            }
            Resource::Mod(target) => return self.fetched(resource, repo.go_mod(target.version()).await?),
            Resource::Zip(target) => {
                let zip = Arc::new(repo.zip(target.version(), &self.dir).await?);
                let (module, version) = (repo.module().clone(), target.version().clone());
                let source_name = self.source_name.clone();
                let len = zip.bytes();
                let pieces = zip.pieces().map(move |piece| {
                    piece.map_err(|error| {
                        let fault = spool_fault(error);
                        CodeRepoError::of_content(module.clone(), version.as_str(), fault)
                            .into_fetch(&source_name)
                    })
                });
                let limit = self.limits.for_resource(resource);
                let fetched = Fetched::new(self.source_name.clone(), Some(len), limit, pieces.boxed());
                return fetched.map_err(|error| self.refused(resource, &error));
            }
        };
        self.fetched(resource, text.into())
    }

    fn fetched(&self, resource: &Resource, content: Bytes) -> Result<Fetched, CodeRepoError> {
        let (len, limit) = (content.len() as u64, self.limits.for_resource(resource));
        let pieces = stream::iter([Ok(content)]).boxed();
        let fetched = Fetched::new(self.source_name.clone(), Some(len), limit, pieces);
        fetched.map_err(|error| self.refused(resource, &error))
    }

    fn refused(&self, resource: &Resource, error: &FetchError) -> CodeRepoError {
        let version = resource.version().unwrap_or_default();
        self.repo
            .at_query(version, CodeFault::Internal(error.to_string()))
    }
}

/// Prints the module and where its repository is.
impl fmt::Display for DirectModule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "direct({})", self.repo)
    }
}

#[async_trait]
impl Fetcher for DirectModule {
    async fn fetch(&self, question: &Question) -> Result<Fetched, FetchError> {
        let resource = &question.resource;
        if resource.module() != self.repo.module() {
            return Err(FetchError::Unsupported {
                reason: format!("{self} was asked for {resource}"),
            });
        }
        let answer = self.answer(resource).await;
        answer.map_err(|error| error.into_fetch(&self.source_name))
    }
}

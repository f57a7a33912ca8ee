//! Which version a query is.

use std::sync::Arc;

use bytes::Bytes;
use stoa_module::{Info, Version};

use crate::{
    CodeRepo, CodeRepoError, CodeRepoReason, Resolved,
    answers::{Answer, Asked},
    convert::Conversion,
};

impl CodeRepo {
    /// The version that a query is: a version, `v1`, a tag, a branch, a hash, `HEAD`; or `latest`, which is the newest
    /// commit (`Stat` of cmd/go).
    pub async fn stat(&self, query: &str) -> Result<Resolved, CodeRepoError> {
        if query == "latest" {
            return self.newest_commit().await;
        }
        let asked = self.answers.ask(Asked::Query(query.to_owned()));
        if let Some(Answer::Query(known)) = self.answers.get(&asked) {
            return Ok(Resolved::clone(&known));
        }
        let revision = self.revision(query).await?;
        let resolved = Conversion::new(self, &revision, query).resolve().await?;
        self.answers.put(asked, Answer::Query(Arc::new(resolved.clone())));
        Ok(resolved)
    }

    /// The version of the newest commit of the default branch (`Latest` of cmd/go), which is what the go command asks
    /// for when a module has no versions.
    pub async fn newest_commit(&self) -> Result<Resolved, CodeRepoError> {
        let asked = self.answers.ask(Asked::Query("latest".to_owned()));
        if let Some(Answer::Query(known)) = self.answers.get(&asked) {
            return Ok(Resolved::clone(&known));
        }
        let head = self.source.head().await;
        let head = head.map_err(|error| CodeRepoError::of_module(self.module().clone(), error))?;
        let resolved = Conversion::new(self, &head, "").resolve().await?;
        self.answers.put(asked, Answer::Query(Arc::new(resolved.clone())));
        Ok(resolved)
    }

    /// What is kept of a version for ever: the answer to it, [pinned](Info::pinned), because the answer to a query may
    /// depend on tags that come later.
    ///
    /// # Errors
    ///
    /// Also when the text of the version names something else, a branch for instance.
    pub async fn info(&self, version: &Version) -> Result<Info, CodeRepoError> {
        let resolved = self.stat(version.as_str()).await?;
        if resolved.version() != version {
            let reason = CodeRepoReason::NotTag {
                resolved: resolved.version().to_string(),
                asked: version.to_string(),
            };
            return Err(self.at_query(version.as_str(), reason));
        }
        Ok(resolved.info.pinned())
    }

    /// The go.mod of a version, byte for byte, or the one that stands in where a module of old has none.
    pub async fn go_mod(&self, version: &Version) -> Result<Bytes, CodeRepoError> {
        self.validate(version).await?;
        self.tagged_go_mod(version).await
    }

    /// Refuses a version that is none: a pseudo-version that contradicts its commit, a version that is no tag.
    pub(crate) async fn validate(&self, version: &Version) -> Result<(), CodeRepoError> {
        let is_tag = !version.is_pseudo() && {
            let revision = self.revision(version.as_str()).await?;
            revision.version == self.layout.revision(version.as_str())
        };
        if !is_tag {
            self.stat(version.as_str()).await?;
        }
        Ok(())
    }
}

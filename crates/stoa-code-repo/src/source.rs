//! The repository, asked once for what is asked often.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use stoa_vcs::{Repository, Revision, RevisionId, Tags, VcsError};

use crate::memory::Memory;

/// What a go.mod may have to be remembered, in bytes; nearly all of them are smaller.
const SMALL: usize = 64 << 10;

/// The key of the default branch among revision strings: no revision has a NUL.
const HEAD: &str = "\0";

/// A repository and the last that it said. Failures are never remembered, so a tag that was just pushed is found.
#[derive(Debug)]
pub(crate) struct Source {
    pub(crate) code: Arc<dyn Repository>,
    revisions: Memory<String, Arc<Revision>>,
    tags: Memory<String, Arc<Tags>>,
    files: Memory<(RevisionId, String), Option<Bytes>>,
}

impl Source {
    pub(crate) fn new(code: Arc<dyn Repository>, remember: Duration) -> Self {
        Self {
            code,
            revisions: Memory::new(64, Some(remember)),
            tags: Memory::new(4, Some(remember)),
            // What a commit holds never changes.
            files: Memory::new(64, None),
        }
    }

    pub(crate) async fn stat(&self, revision: &str) -> Result<Arc<Revision>, VcsError> {
        if let Some(known) = self.revisions.get(revision) {
            return Ok(known);
        }
        let found = Arc::new(self.code.stat(revision).await?);
        self.revisions.put(revision.to_owned(), Arc::clone(&found));
        Ok(found)
    }

    pub(crate) async fn head(&self) -> Result<Arc<Revision>, VcsError> {
        if let Some(known) = self.revisions.get(HEAD) {
            return Ok(known);
        }
        let found = Arc::new(self.code.latest().await?);
        self.revisions.put(HEAD.to_owned(), Arc::clone(&found));
        Ok(found)
    }

    pub(crate) async fn tags(&self, prefix: &str) -> Result<Arc<Tags>, VcsError> {
        if let Some(known) = self.tags.get(prefix) {
            return Ok(known);
        }
        let found = Arc::new(self.code.tags(prefix).await?);
        self.tags.put(prefix.to_owned(), Arc::clone(&found));
        Ok(found)
    }

    pub(crate) async fn file(
        &self,
        at: &RevisionId,
        path: &str,
        limit: u64,
    ) -> Result<Option<Bytes>, VcsError> {
        let key = (at.clone(), path.to_owned());
        if let Some(known) = self.files.get(&key) {
            return Ok(known);
        }
        let content = self.code.read_file(at, path, limit).await?;
        if content.as_ref().is_none_or(|content| content.len() <= SMALL) {
            self.files.put(key, content.clone());
        }
        Ok(content)
    }
}

//! The port: each question is asked once more when the local copy turned out to be damaged.

use async_trait::async_trait;
use bytes::Bytes;

use super::GitRepository;
use super::blobs::NothingKnown;
use crate::{Archive, KnownContents, Repository, Revision, RevisionId, Tags, VcsError, VcsKind};

/// Asks a question. If it fails because the local copy is damaged, discards the copy and asks once more.
macro_rules! healed {
    ($self:ident, $ask:expr) => {
        match $ask.await {
            Ok(answer) => Ok(answer),
            Err(error) => {
                $self.heal(error).await?;
                $ask.await
            }
        }
    };
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl Repository for GitRepository {
    fn vcs(&self) -> VcsKind {
        VcsKind::Git
    }

    fn url(&self) -> &str {
        self.program.url.as_str()
    }

    async fn tags(&self, prefix: &str) -> Result<Tags, VcsError> {
        let (refs, prefix) = (self.refs().await?, prefix.to_owned());
        let things = refs.len();
        let list = move || refs.list(&prefix);
        Ok(self.program.options.refs.offload().run(things, list).await)
    }

    async fn stat(&self, revision: &str) -> Result<Revision, VcsError> {
        healed!(self, self.resolve(revision))
    }

    async fn latest(&self) -> Result<Revision, VcsError> {
        healed!(self, self.resolve_head())
    }

    async fn read_file(&self, at: &RevisionId, path: &str, limit: u64) -> Result<Option<Bytes>, VcsError> {
        healed!(self, self.read(at, path, limit))
    }

    async fn archive(&self, at: &RevisionId, subdir: &str, limit: u64) -> Result<Box<dyn Archive>, VcsError> {
        healed!(self, self.export(at, subdir, limit, &NothingKnown))
    }

    async fn archive_unless_known(
        &self,
        at: &RevisionId,
        subdir: &str,
        limit: u64,
        known: &dyn KnownContents,
    ) -> Result<Box<dyn Archive>, VcsError> {
        healed!(self, self.export(at, subdir, limit, known))
    }

    async fn recent_tag(
        &self,
        at: &RevisionId,
        prefix: &str,
        allowed: &(dyn for<'a> Fn(&'a str) -> bool + Send + Sync),
    ) -> Result<Option<String>, VcsError> {
        healed!(self, self.highest_tag(at, prefix, allowed))
    }

    async fn descends_from(&self, at: &RevisionId, tag: &str) -> Result<bool, VcsError> {
        healed!(self, self.is_descendant(at, tag))
    }
}

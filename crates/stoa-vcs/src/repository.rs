//! The port.

use std::fmt;

use async_trait::async_trait;
use bytes::Bytes;

use crate::{Archive, KnownContents, Revision, RevisionId, Tags, VcsError, VcsKind};

/// One repository (`codehost.Repo` of cmd/go).
///
/// # Contract
/// * Nothing is answered that the repository does not say now, but for commits: what a [`RevisionId`] names never
///   changes, and may come from an earlier fetch.
/// * Only commits that a branch, a tag or `HEAD` reaches are revisions.
/// * Every string that is passed in may be hostile; an adapter refuses what its program could take for an option.
/// * Dropping a future stops the programs that it runs.
#[async_trait]
pub trait Repository: fmt::Debug + Send + Sync + 'static {
    /// Which system.
    fn vcs(&self) -> VcsKind;

    /// Where it is, without credentials: the URL of `Origin`.
    fn url(&self) -> &str;

    /// The tags that begin with `prefix`.
    async fn tags(&self, prefix: &str) -> Result<Tags, VcsError>;

    /// What a revision string names: a tag, a branch, `HEAD`, the beginning of a hash, in this order.
    async fn stat(&self, revision: &str) -> Result<Revision, VcsError>;

    /// The newest commit of the default branch.
    async fn latest(&self) -> Result<Revision, VcsError>;

    /// The content of the file at `path`, as it is stored, converted by nothing; of a symbolic link, where it points to.
    /// `None` if there is no such file. More than `limit` bytes are [`VcsError::TooLarge`].
    async fn read_file(&self, at: &RevisionId, path: &str, limit: u64) -> Result<Option<Bytes>, VcsError>;

    /// All files below `subdir` (empty for the whole tree), at most `limit` bytes of content. A `subdir` that does not
    /// exist has no entries.
    async fn archive(&self, at: &RevisionId, subdir: &str, limit: u64) -> Result<Box<dyn Archive>, VcsError>;

    /// [`Self::archive`] for a caller that has some contents already: an entry whose content is `known` comes without it. A
    /// system without names for contents ignores `known`.
    async fn archive_unless_known(
        &self,
        at: &RevisionId,
        subdir: &str,
        limit: u64,
        known: &dyn KnownContents,
    ) -> Result<Box<dyn Archive>, VcsError> {
        let _ = known;
        self.archive(at, subdir, limit).await
    }

    /// The tag with the highest semantic version behind `prefix` among those that `allowed` lets pass (it gets the whole
    /// tag) and that name `at` or an ancestor of it; `None` if there is none, and where the system cannot tell.
    async fn recent_tag(
        &self,
        at: &RevisionId,
        prefix: &str,
        allowed: &(dyn for<'a> Fn(&'a str) -> bool + Send + Sync),
    ) -> Result<Option<String>, VcsError> {
        let _ = (at, prefix, allowed);
        Ok(None)
    }

    /// Whether `at` descends from what `tag` names, or is it; [`VcsError::Unsupported`] where the system cannot tell.
    async fn descends_from(&self, at: &RevisionId, tag: &str) -> Result<bool, VcsError> {
        let _ = (at, tag);
        Err(VcsError::Unsupported {
            vcs: self.vcs(),
            what: "whether a revision descends from a tag",
        })
    }
}

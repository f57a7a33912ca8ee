//! A repository that is somewhere else than it is said to be.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use stoa_vcs::{Archive, Entry, KnownContents, Repository, Revision, RevisionId, Tags, VcsError, VcsKind};

use crate::outbound::{Address, Alias};

/// Calls a repository, which a rewrite moved, by the address that was named, in its URL and in all errors: as git does
/// with `insteadOf`. Sits outside of the adapter that asks it.
#[derive(Debug)]
pub(crate) struct NamedRepository {
    inner: Arc<dyn Repository>,
    named: String,
    alias: Arc<Alias>,
}

impl NamedRepository {
    /// The repository under its name, if it has another one.
    pub(crate) fn of(inner: Arc<dyn Repository>, address: &Address) -> Arc<dyn Repository> {
        let Some(alias) = address.alias() else {
            return inner;
        };
        Arc::new(Self {
            inner,
            named: address.named.to_string(),
            alias: Arc::new(alias),
        })
    }

    fn shown<T>(&self, result: Result<T, VcsError>) -> Result<T, VcsError> {
        result.map_err(|error| shown(&self.alias, error))
    }

    fn archive_shown(
        &self,
        archive: Result<Box<dyn Archive>, VcsError>,
    ) -> Result<Box<dyn Archive>, VcsError> {
        let inner = self.shown(archive)?;
        let alias = Arc::clone(&self.alias);
        Ok(Box::new(NamedArchive { inner, alias }))
    }
}

fn shown(alias: &Alias, error: VcsError) -> VcsError {
    match error {
        VcsError::NoRepository { url, said } => VcsError::NoRepository {
            url: alias.show(&url),
            said: alias.show(&said),
        },
        VcsError::NoCommits { url } => VcsError::NoCommits {
            url: alias.show(&url),
        },
        VcsError::Failed { vcs, step, said } => VcsError::Failed {
            vcs,
            step,
            said: alias.show(&said),
        },
        VcsError::Refused { url, why } => VcsError::Refused {
            url: alias.show(&url),
            why: alias.show(&why),
        },
        VcsError::Overloaded { vcs, step, why } => VcsError::Overloaded {
            vcs,
            step,
            why: alias.show(&why),
        },
        VcsError::Paused {
            vcs,
            step,
            after,
            said,
        } => VcsError::Paused {
            vcs,
            step,
            after,
            said: alias.show(&said),
        },
        error @ (VcsError::UnknownRevision { .. }
        | VcsError::Memory { .. }
        | VcsError::Local { .. }
        | VcsError::Abandoned { .. }
        | VcsError::Ambiguous { .. }
        | VcsError::Malformed { .. }
        | VcsError::Timeout { .. }
        | VcsError::TooLarge { .. }
        | VcsError::NotInstalled { .. }
        | VcsError::Unsupported { .. }) => error,
    }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl Repository for NamedRepository {
    fn vcs(&self) -> VcsKind {
        self.inner.vcs()
    }

    fn url(&self) -> &str {
        &self.named
    }

    async fn tags(&self, prefix: &str) -> Result<Tags, VcsError> {
        self.shown(self.inner.tags(prefix).await)
    }

    async fn stat(&self, revision: &str) -> Result<Revision, VcsError> {
        self.shown(self.inner.stat(revision).await)
    }

    async fn latest(&self) -> Result<Revision, VcsError> {
        self.shown(self.inner.latest().await)
    }

    async fn read_file(&self, at: &RevisionId, path: &str, limit: u64) -> Result<Option<Bytes>, VcsError> {
        self.shown(self.inner.read_file(at, path, limit).await)
    }

    async fn archive(&self, at: &RevisionId, subdir: &str, limit: u64) -> Result<Box<dyn Archive>, VcsError> {
        self.archive_shown(self.inner.archive(at, subdir, limit).await)
    }

    async fn archive_unless_known(
        &self,
        at: &RevisionId,
        subdir: &str,
        limit: u64,
        known: &dyn KnownContents,
    ) -> Result<Box<dyn Archive>, VcsError> {
        let archive = self.inner.archive_unless_known(at, subdir, limit, known);
        self.archive_shown(archive.await)
    }

    async fn recent_tag(
        &self,
        at: &RevisionId,
        prefix: &str,
        allowed: &(dyn for<'a> Fn(&'a str) -> bool + Send + Sync),
    ) -> Result<Option<String>, VcsError> {
        self.shown(self.inner.recent_tag(at, prefix, allowed).await)
    }

    async fn descends_from(&self, at: &RevisionId, tag: &str) -> Result<bool, VcsError> {
        self.shown(self.inner.descends_from(at, tag).await)
    }
}

/// An archive of such a repository.
struct NamedArchive {
    inner: Box<dyn Archive>,
    alias: Arc<Alias>,
}

#[deny(clippy::missing_trait_methods)]
impl Archive for NamedArchive {
    fn next_entry(&mut self) -> Result<Option<Entry<'_>>, VcsError> {
        let next = self.inner.next_entry();
        next.map_err(|error| shown(&self.alias, error))
    }
}

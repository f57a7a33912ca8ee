//! Git.
//!
//! A [`GitRepository`] asks the server for its refs, and fetches into a local copy no more than a question needs: a
//! commit with its trees, then single files, then all files of a folder, and the history without trees when a hash is
//! unknown or ancestors matter. Where the server cannot leave anything out, it fetches more.
//!
//! Reading never fetches by itself (git's lazy fetching is off): a hash that somebody made up, or that of an unmerged
//! change, must not bring in a commit that no branch and no tag reaches.
//!
//! # Deviation
//!
//! From cmd/go, where it depends on what happens to be fetched already, or mixes up names:
//!
//! * cmd/go takes the highest tag it happens to have fetched for the most recent one; here the whole history decides.
//! * cmd/go lets an object of its local copy that a short hash finds win over a tag or a branch of that name; here refs
//!   come first, always.
//! * cmd/go names a ref as the origin of a short hash that is the hash of a ref, but not when it finds it locally; here
//!   a hash has no ref.
//! * A tag of something that is no commit is an unknown revision; cmd/go calls it a failure of git.
//! * A commit that only a detached `HEAD` reaches is a revision; for cmd/go it is one until it has fetched all refs.
//! * A `stat` of `latest` is no special case: it may be a branch.

mod ancestry;
mod archive;
mod blobs;
mod connection;
mod fetch;
mod files;
#[cfg(feature = "fuzzing")]
pub(crate) mod fuzzing;
mod listing;
mod local;
mod objects;
mod options;
mod pack_index;
mod packet;
mod program;
mod refs;
mod repair;
mod resolve;
mod session;
mod transfer;
mod tree;
mod upkeep;
mod url;
mod wire;

pub use options::{GitOptions, Probe};
pub use url::{RepoUrl, Transport};

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;

use crate::cache::Cache;
use crate::process::Counters;
use crate::{Archive, KnownContents, Repository, Revision, RevisionId, Tags, VcsError, VcsKind};
use blobs::NothingKnown;
use fetch::Shared;
use program::{Program, failed};

/// A git repository behind a URL.
///
/// All handles of one URL in one [`Cache`] share what they know and take turns in fetching.
pub struct GitRepository {
    program: Program,
    cache: Arc<Cache>,
    key: String,
    shared: Arc<Shared>,
}

impl GitRepository {
    /// A handle for the repository at `url`; nothing is asked yet.
    ///
    /// # Errors
    /// [`VcsError::Failed`] for a URL of a transport that `options` does not allow.
    pub fn open(url: RepoUrl, cache: Arc<Cache>, options: GitOptions) -> Result<Self, VcsError> {
        if !options.transports.contains(&url.transport()) {
            let said = format!("{:?} is not allowed for {url}", url.transport());
            return Err(failed(crate::Step::Access, said));
        }
        let key = Cache::key(VcsKind::Git, url.as_str());
        let shared = cache.shared(&key, Shared::default);
        let program = Program::new(url, options, &cache);
        Ok(Self {
            program,
            cache,
            key,
            shared,
        })
    }

    /// What was run, by the name of git's command: `ls-remote`, `fetch` (one commit), `fetch-history`, `fetch-objects`,
    /// `cat-file`, `cat-blobs` (the files of an archive) and so on; `clone` counts first fetches, `bytes` what fetches added to the disk.
    pub fn counters(&self) -> &Arc<Counters> {
        self.program.runner().counters()
    }
}

impl fmt::Debug for GitRepository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("GitRepository").field(&self.program.url).finish()
    }
}

/// Asks; and once more if that failed because of a damaged local copy, which is thrown away.
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

#[async_trait]
impl Repository for GitRepository {
    fn vcs(&self) -> VcsKind {
        VcsKind::Git
    }

    fn url(&self) -> &str {
        self.program.url.as_str()
    }

    async fn tags(&self, prefix: &str) -> Result<Tags, VcsError> {
        Ok(self.refs().await?.list(prefix))
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

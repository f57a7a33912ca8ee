//! Mercurial.

mod answers;
mod fetch;

use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;
use bytes::Bytes;
use stoa_module::semver;

use crate::address::{check_revision, is_plain_path, unknown};
use crate::cache::Cache;
use crate::client::Client;
use crate::local_copy::{Folder, LocalCopy, Reading};
use crate::process::{Call, Counters};
use crate::tags::LIST_LIMIT;
use crate::tar::{PREFIX, TarArchive};
use crate::{
    Archive, KnownContents, Repository, RepositoryOptions, Revision, RevisionId, Step, Tag, Tags, VcsError,
    VcsKind,
};
use answers::{is_unknown, rev, template, whole};

/// A repository of Mercurial, answered from a local copy without a working tree.
///
/// A revision string is a tag, a branch, a bookmark, `tip`, a hash, the beginning of one, or a revision number; the
/// newest commit is `tip`, the one with the highest number on whatever branch.
///
/// # Deviation
/// * cmd/go takes revision strings for expressions of Mercurial's query language, and `.` and `null` for commits. Here
///   they are names.
/// * cmd/go gives no tags when a repository cannot be reached, and keeps tags and commits that the repository has lost.
///   Here the first is an error, and the copy is made anew.
/// * cmd/go takes a bookmark whose name is a version for a tag, and splits tags at spaces.
/// * cmd/go gives the content of all files of a folder when asked for the folder as a file, and reads file names as
///   patterns.
#[derive(Debug)]
pub struct HgRepository {
    client: Client,
    copy: LocalCopy,
}

impl HgRepository {
    /// The repository at `url`, with its local copy in `cache`. Nothing runs yet.
    ///
    /// # Errors
    /// [`VcsError::Failed`] for an address that `options` does not allow.
    pub fn open(url: &str, cache: Arc<Cache>, options: RepositoryOptions) -> Result<Self, VcsError> {
        let copy = LocalCopy::new(VcsKind::Hg, url, cache, &options);
        let client = Client::new(VcsKind::Hg, url, options)?;
        Ok(Self { client, copy })
    }

    /// Where its runs are counted.
    pub fn counters(&self) -> &Arc<Counters> {
        self.client.counters()
    }

    /// A run without the configuration of the host and without extensions.
    fn call(&self, kind: &'static str, step: Step) -> Call {
        let call = self.client.call(kind, step);
        let call = call
            .env("HGRCPATH", "/dev/null")
            .env("HGPLAIN", "1")
            .env("HGENCODING", "utf-8")
            .env("HGUSER", "stoa")
            .env("LC_ALL", "C.UTF-8");
        call.args([
            "--noninteractive",
            // A manifest of the server could name any other address.
            "--config=ui.clonebundles=false",
            // Subrepositories would be fetched into the copy, by git and svn.
            "--config=subrepos.allowed=false",
        ])
    }

    /// A question to the copy.
    fn ask(&self, folder: &Folder, kind: &'static str, step: Step) -> Call {
        self.call(kind, step).dir(folder.path())
    }

    async fn fresh(&self) -> Result<Reading, VcsError> {
        self.copy.fresh(self).await
    }

    async fn find(&self, name: &str) -> Result<Revision, VcsError> {
        check_revision(name)?;
        let asked = Instant::now();
        let found = self.find_in(&self.fresh().await?, name).await;
        if let Err(VcsError::UnknownRevision { .. }) = found
            && let Some(newer) = self.copy.newer(asked, self).await?
        {
            return self.find_in(&newer, name).await;
        }
        found
    }

    async fn find_in(&self, folder: &Reading, name: &str) -> Result<Revision, VcsError> {
        let call = self.ask(folder, "log", Step::Revision);
        let output = call
            .limit(LIST_LIMIT)
            .args(["log", "-l1", &rev(name)])
            .args(template(answers::TEMPLATE))
            .run()
            .await?;
        match output.code {
            Some(0) => {
                let found = answers::revision(name, whole(Step::Revision, &output.stdout)?)?;
                folder.learn(&found.id);
                Ok(found)
            }
            _ if is_unknown(&output) => Err(unknown(name)),
            _ => Err(self.client.failed(Step::Revision, &output)),
        }
    }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl Repository for HgRepository {
    fn vcs(&self) -> VcsKind {
        VcsKind::Hg
    }

    fn url(&self) -> &str {
        self.client.url()
    }

    async fn tags(&self, prefix: &str) -> Result<Tags, VcsError> {
        let folder = self.fresh().await?;
        let call = self.ask(&folder, "tags", Step::Access);
        let call = call.limit(LIST_LIMIT).args(["tags"]);
        let printed = call.args(template("{tag}\\n")).text().await?;
        let list = answers::tags(whole(Step::Access, &printed)?)
            .into_iter()
            .filter(|name| name.starts_with(prefix))
            .map(|name| Tag { name, hash: None })
            .collect();
        let repo_sum = Some(self.repo_sum(&folder).await?);
        Ok(Tags { list, repo_sum })
    }

    async fn stat(&self, revision: &str) -> Result<Revision, VcsError> {
        match revision {
            "latest" => self.latest().await,
            _ => self.find(revision).await,
        }
    }

    async fn latest(&self) -> Result<Revision, VcsError> {
        let found = self.find("tip").await;
        found.map_err(|error| self.client.no_commits(error))
    }

    async fn read_file(&self, at: &RevisionId, path: &str, limit: u64) -> Result<Option<Bytes>, VcsError> {
        if !is_plain_path(path) {
            return Ok(None);
        }
        let folder = self.copy.having(at, self).await?;
        // The path comes before the content, so that it shows when a folder was meant.
        let (before, pattern) = (format!("{path}\n"), format!("path:{path}"));
        let call = self.ask(&folder, "cat", Step::File);
        let call = call.limit(limit.saturating_add(before.len() as u64 + answers::END.len() as u64));
        let call = call.args(["cat", &rev(at.as_str())]);
        let call = call.args(template("{path}\\n{data}")).args(["--", &pattern]);
        let output = call.run().await.map_err(|error| limited(error, limit))?;
        match output.code {
            Some(0) => {
                let printed = whole(Step::File, &output.stdout)?;
                let content = printed.strip_prefix(before.as_bytes());
                Ok(content.map(Bytes::copy_from_slice))
            }
            Some(1) if output.said.contains("no such file in rev") => Ok(None),
            _ => Err(self.client.failed(Step::File, &output)),
        }
    }

    async fn archive(&self, at: &RevisionId, subdir: &str, limit: u64) -> Result<Box<dyn Archive>, VcsError> {
        let folder = self.copy.having(at, self).await?;
        let call = self.ask(&folder, "archive", Step::Archive);
        let call = self.client.archive(call);
        let prefix = format!("--prefix={PREFIX}/");
        let call = call.args(["archive", "--type=tar", "--no-decode", &rev(at.as_str()), &prefix]);
        let call = match subdir {
            "" => call,
            subdir if is_plain_path(subdir) => call.args([format!("--include=path:{subdir}")]),
            _ => call.args(["--exclude=re:."]),
        };
        let reader = Box::new(folder.hold(call.args(["--", "-"]).stream().await?));
        let archive = TarArchive::new(VcsKind::Hg, reader, subdir, limit);
        Ok(Box::new(
            archive.with_nothing("no files match the archive pattern"),
        ))
    }

    async fn archive_unless_known(
        &self,
        at: &RevisionId,
        subdir: &str,
        limit: u64,
        _: &dyn KnownContents,
    ) -> Result<Box<dyn Archive>, VcsError> {
        // It has no names for contents.
        self.archive(at, subdir, limit).await
    }

    async fn recent_tag(
        &self,
        at: &RevisionId,
        prefix: &str,
        allowed: &(dyn for<'a> Fn(&'a str) -> bool + Send + Sync),
    ) -> Result<Option<String>, VcsError> {
        // Tags are in commits that may be newer than this one.
        let folder = self.fresh().await?;
        let tagged = format!("--rev=ancestors({at}) and tag()");
        let call = self.ask(&folder, "recent", Step::Revision).limit(LIST_LIMIT);
        let call = call.args(["log", &tagged]);
        let output = call.args(template("{tags % \"{tag}\\n\"}")).run().await?;
        match output.code {
            Some(0) => {}
            _ if is_unknown(&output) => return Err(unknown(at.as_str())),
            _ => return Err(self.client.failed(Step::Revision, &output)),
        }
        let mut highest = "";
        let tags = answers::tags(whole(Step::Revision, &output.stdout)?);
        for tag in tags.iter().filter(|tag| allowed(tag)) {
            if let Some(version) = tag.strip_prefix(prefix)
                && semver::compare(version, highest).is_gt()
            {
                highest = version;
            }
        }
        Ok((!highest.is_empty()).then(|| format!("{prefix}{highest}")))
    }

    async fn descends_from(&self, at: &RevisionId, tag: &str) -> Result<bool, VcsError> {
        check_revision(tag)?;
        let folder = self.fresh().await?;
        let call = self.ask(&folder, "descends", Step::Revision);
        let both = format!("--rev=ancestors({at}) and {}", answers::quoted(tag));
        let output = call
            .args(["log", "-l1", &both])
            .args(template("{node}"))
            .run()
            .await?;
        match output.code {
            Some(0) => Ok(!whole(Step::Revision, &output.stdout)?.is_empty()),
            _ if is_unknown(&output) => Err(unknown(tag)),
            _ => Err(self.client.failed(Step::Revision, &output)),
        }
    }
}

/// Names the limit of the caller, without the bytes that the adapter added to it.
fn limited(error: VcsError, limit: u64) -> VcsError {
    match error {
        VcsError::TooLarge { vcs, step, .. } => VcsError::TooLarge { vcs, step, limit },
        error => error,
    }
}

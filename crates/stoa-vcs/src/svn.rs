//! Subversion.

mod answers;
mod export;
mod exports;

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;

use crate::address::{check_revision, is_plain_path, unknown};
use crate::cache::Cache;
use crate::client::Client;
use crate::process::{Call, Counters};
use crate::quota::Quota;
use crate::tags::LIST_LIMIT;
use crate::{
    Archive, KnownContents, Repository, RepositoryOptions, Revision, RevisionId, Step, Tag, Tags, VcsError,
    VcsKind,
};
use answers::{encoded, is_missing};
use export::Export;
use exports::{Exports, blocking};

/// A folder of a Subversion repository, asked on its server; there is no local copy.
///
/// A revision string is a number, with zeros or `r` before it or without, or `HEAD`. The names of tags are those of what
/// is in the folder `tags` beside `trunk`, and end with `/` if they are folders, as cmd/go has them: no version is ever
/// a tag.
///
/// # Deviation
/// * cmd/go takes every failure for a revision that does not exist, or for no tags: a server that is down would send
///   its clients elsewhere. Here only what the server says is missing is missing.
/// * cmd/go follows the symbolic links of an archive on the host and gives the target if it has the right length, else
///   it fails. Here they are links.
/// * cmd/go expands keywords in single files and not in archives, so that both differ. Here they are as stored.
/// * cmd/go looks for an archive at a path that the newest revision must have. Here it is the path in the revision.
/// * cmd/go takes dates and whatever else Subversion has for revisions, and file names with `%` for encoded ones.
#[derive(Debug)]
pub struct SvnRepository {
    client: Client,
    exports: Exports,
}

impl SvnRepository {
    /// The folder at `url`. Exports are made in `cache`, for as long as they are read. Nothing runs yet.
    ///
    /// # Errors
    /// [`VcsError::Failed`] for an address that `options` does not allow.
    pub fn open(url: &str, cache: Arc<Cache>, options: RepositoryOptions) -> Result<Self, VcsError> {
        let audience = options.audience;
        let client = Client::new(VcsKind::Svn, url, options)?;
        let exports = Exports::new(url, cache, audience);
        Ok(Self { client, exports })
    }

    /// Where its runs are counted.
    pub fn counters(&self) -> &Arc<Counters> {
        self.client.counters()
    }

    /// A run with the configuration of a folder in which there is none but what Subversion puts there itself.
    async fn call(&self, command: &'static str, step: Step) -> Result<Call, VcsError> {
        // In another locale names that are not ASCII would be escaped.
        let call = self.client.call(command, step).env("LC_ALL", "C.UTF-8");
        let call = call.args([command, "--non-interactive", "--no-auth-cache", "--config-dir"]);
        let config = self.client.runner().settings().home.join("subversion");
        self.client.remote(call.args([config])).await
    }

    /// The address of something below the folder; with `@`, so that no other `@` names a revision.
    fn at(&self, path: &str, revision: &str) -> String {
        let url = self.client.url().trim_end_matches('/');
        match path {
            "" => format!("{url}@{revision}"),
            path => format!("{url}/{}@{revision}", encoded(path)),
        }
    }

    async fn log(&self, name: &str, number: &str) -> Result<Revision, VcsError> {
        let call = self.call("log", Step::Revision).await?;
        let call = call.args(["-l1", "--xml", "--", &self.at("", number)]);
        let output = call.run().await?;
        match output.code {
            Some(0) => answers::revision(name, &output.stdout, self.client.url()),
            _ if is_missing(&output.said) => Err(unknown(name)),
            _ => Err(self.client.failed(Step::Revision, &output)),
        }
    }

    /// The files of an export: names and sizes.
    async fn list(&self, at: &RevisionId, subdir: &str) -> Result<Vec<(String, u64)>, VcsError> {
        let call = self.call("list", Step::Archive).await?;
        let call = call.time(self.client.options().archive_time);
        let call = call.args(["--xml", "--recursive", "--revision", at.as_str()]);
        let output = call.args(["--", &self.at(subdir, at.as_str())]).run().await?;
        match output.code {
            Some(0) => blocking(move || Ok(answers::files(&output.stdout))).await?,
            _ if !is_missing(&output.said) => Err(self.client.failed(Step::Archive, &output)),
            _ if subdir.is_empty() || output.said.contains("E160006") => Err(unknown(at.as_str())),
            _ => Ok(Vec::new()),
        }
    }

    async fn export(&self, at: &RevisionId, subdir: &str, to: &Path, bytes: u64) -> Result<(), VcsError> {
        let call = self.call("export", Step::Archive).await?;
        let call = call.time(self.client.options().archive_time).args([
            "--quiet",
            // Nothing of the host, nothing of other servers.
            "--native-eol",
            "LF",
            "--ignore-externals",
            "--ignore-keywords",
            "--revision",
            at.as_str(),
            "--",
            &self.at(subdir, at.as_str()),
        ]);
        let quota = Quota {
            vcs: VcsKind::Svn,
            step: Step::Archive,
            folder: to.to_owned(),
            // Line ends may make files longer than the list says; a server that lies is stopped.
            limit: bytes.saturating_mul(2).saturating_add(1 << 20),
        };
        let output = quota.run(call.args([to.join("tree")])).await?;
        match output.code {
            Some(0) => Ok(()),
            _ => Err(self.client.failed(Step::Archive, &output)),
        }
    }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl Repository for SvnRepository {
    fn vcs(&self) -> VcsKind {
        VcsKind::Svn
    }

    fn url(&self) -> &str {
        self.client.url()
    }

    async fn tags(&self, prefix: &str) -> Result<Tags, VcsError> {
        let url = self.client.url().trim_end_matches('/');
        let root = url.strip_suffix("/trunk").unwrap_or(url);
        let call = self.call("list", Step::Access).await?;
        let output = call
            .limit(LIST_LIMIT)
            .args(["--xml", "--", &format!("{root}/tags@")])
            .run()
            .await?;
        let mut list: Vec<Tag> = match output.code {
            Some(0) => answers::names(&output.stdout)?
                .into_iter()
                .filter(|name| name.starts_with(prefix))
                .map(|name| Tag { name, hash: None })
                .collect(),
            _ if is_missing(&output.said) => Vec::new(),
            _ => return Err(self.client.failed(Step::Access, &output)),
        };
        list.sort();
        let repo_sum = None;
        Ok(Tags { list, repo_sum })
    }

    async fn stat(&self, revision: &str) -> Result<Revision, VcsError> {
        check_revision(revision)?;
        match revision {
            "latest" => self.latest().await,
            name => {
                let number = answers::number(name).ok_or_else(|| unknown(name))?;
                self.log(name, &number).await
            }
        }
    }

    async fn latest(&self) -> Result<Revision, VcsError> {
        self.log("latest", "").await
    }

    async fn read_file(&self, at: &RevisionId, path: &str, limit: u64) -> Result<Option<Bytes>, VcsError> {
        if !is_plain_path(path) {
            return Ok(None);
        }
        let call = self.call("cat", Step::File).await?.limit(limit);
        let call = call.args(["--ignore-keywords", "--", &self.at(path, at.as_str())]);
        let output = call.run().await?;
        match output.code {
            Some(0) => Ok(Some(output.stdout.into())),
            _ if output.said.contains("E160006") => Err(unknown(at.as_str())),
            _ if is_missing(&output.said) || output.said.contains("W195007") => Ok(None),
            _ => Err(self.client.failed(Step::File, &output)),
        }
    }

    async fn archive(&self, at: &RevisionId, subdir: &str, limit: u64) -> Result<Box<dyn Archive>, VcsError> {
        if !subdir.is_empty() && !is_plain_path(subdir) {
            return Ok(Box::new(Export::empty()));
        }
        let list = self.list(at, subdir).await?;
        let bytes = list
            .iter()
            .fold(0_u64, |sum, (_, size)| sum.saturating_add(*size));
        if bytes > limit {
            let (vcs, step) = (VcsKind::Svn, Step::Archive);
            return Err(VcsError::TooLarge { vcs, step, limit });
        }
        if list.is_empty() {
            return Ok(Box::new(Export::empty()));
        }
        let to = self.exports.folder().await?;
        self.export(at, subdir, to.path(), bytes).await?;
        let open = blocking(move || Export::open(to, list));
        Ok(Box::new(open.await?))
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
        _: &RevisionId,
        _: &str,
        _: &(dyn for<'a> Fn(&'a str) -> bool + Send + Sync),
    ) -> Result<Option<String>, VcsError> {
        Ok(None)
    }

    async fn descends_from(&self, _: &RevisionId, _: &str) -> Result<bool, VcsError> {
        Err(VcsError::Unsupported {
            vcs: self.vcs(),
            what: "whether a revision descends from a tag",
        })
    }
}

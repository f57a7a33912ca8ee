//! Bazaar, and Breezy, its successor, whose program has the same name.

mod answers;

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;
use bytes::Bytes;

use crate::address::{check_revision, is_plain_path, unknown};
use crate::cache::Cache;
use crate::client::Client;
use crate::local_copy::{Fetch, Folder, LocalCopy, Updated};
use crate::process::{Call, Counters, Output};
use crate::tags::LIST_LIMIT;
use crate::tar::{PREFIX, TarArchive};
use crate::{
    Archive, KnownContents, Repository, RepositoryOptions, Revision, RevisionId, Step, Tag, Tags, VcsError,
    VcsKind,
};
use answers::{revision, spec, tags};

/// A branch of Bazaar, answered from a local copy without a working tree.
///
/// A revision string is a number, `revno:` or `last:` and a number, a tag, `tag:` and a tag, or `revid:` and an id. The
/// newest commit is the last one of the branch.
///
/// # Deviation
/// * cmd/go follows a branch that says it is another one, or is stacked on another one, to any place. Here that has to be on
///   the same server.
/// * cmd/go takes all that Bazaar has for revisions, among it the address of any other branch. Here nothing else is one.
/// * cmd/go fails once history was rewritten, keeps tags that are gone, and takes every program that fails for a
///   revision that does not exist. Here the copy becomes what the branch is.
/// * cmd/go takes a folder for an empty file. As in cmd/go, a symbolic link reads as an empty file: `bzr cat` prints
///   nothing of it.
#[derive(Debug)]
pub struct BzrRepository {
    client: Client,
    copy: LocalCopy,
}

impl BzrRepository {
    /// The branch at `url`, with its local copy in `cache`. Nothing runs yet.
    ///
    /// # Errors
    /// [`VcsError::Failed`] for an address that `options` does not allow.
    pub fn open(url: &str, cache: Arc<Cache>, options: RepositoryOptions) -> Result<Self, VcsError> {
        let copy = LocalCopy::new(VcsKind::Bzr, url, cache, &options);
        let client = Client::new(VcsKind::Bzr, url, options)?;
        Ok(Self { client, copy })
    }

    /// Where its runs are counted.
    pub fn counters(&self) -> &Arc<Counters> {
        self.client.counters()
    }

    /// A run without plugins, aliases and the configuration of the host.
    fn call(&self, command: &'static str, step: Step) -> Call {
        let call = self.run(command, step);
        call.args(["--no-plugins", "--no-aliases", command])
    }

    /// A run that asks the server, and no other place that the server names: with the one plugin of its session, whose
    /// commands these are.
    async fn remote(&self, command: &'static str, step: Step) -> Result<Call, VcsError> {
        if self.client.url().starts_with("file:") {
            return Ok(self.call(command, step));
        }
        let call = self.run(command, step);
        let call = call.args(["--no-aliases", &format!("stoa-{command}")]);
        self.client.remote(call).await
    }

    fn run(&self, command: &'static str, step: Step) -> Call {
        let home = self.client.runner().settings().home.as_os_str();
        let call = self.client.call(command, step);
        call.env("BRZ_HOME", home)
            .env("BZR_HOME", home)
            .env("BRZ_PLUGIN_PATH", "-user:-core:-site")
            .env("BRZ_LOG", "/dev/null")
            .env("BRZ_EMAIL", "stoa <stoa@localhost>")
            // Bzr decodes names; in another locale it could not print all of them.
            .env("LC_ALL", "C.UTF-8")
    }

    fn ask(&self, folder: &Folder, command: &'static str, step: Step) -> Call {
        self.call(command, step).dir(folder.path().join(BRANCH))
    }

    async fn tags_of(&self, folder: &Folder) -> Result<Vec<String>, VcsError> {
        let printed = self
            .ask(folder, "tags", Step::Access)
            .limit(LIST_LIMIT)
            .text()
            .await?;
        tags(&printed)
    }

    /// Whether what is at `path` is a folder. Bazaar lists folders only, so its parent is asked.
    async fn is_folder(&self, copy: &Folder, at: &RevisionId, path: &str) -> Result<bool, VcsError> {
        let call = self.ask(copy, "ls", Step::File);
        let spec = format!("--revision=revno:{at}");
        let call = call.args(["--null", "--kind=directory", &spec, "--directory=.", "--"]);
        let parent = path.rsplit_once('/').map(|(parent, _)| parent);
        let printed = call.args(parent).text().await?;
        if printed.last().is_some_and(|last| *last != 0) {
            return Err(VcsError::Failed {
                vcs: VcsKind::Bzr,
                step: Step::File,
                said: "bzr ls did not print whole names".to_owned(),
            });
        }
        let mut folders = printed.split(|byte| *byte == 0);
        Ok(folders.any(|folder| folder.strip_suffix(b"/").unwrap_or(folder) == path.as_bytes()))
    }

    /// What a name is in the copy: a revision as Bazaar writes it, or a tag.
    async fn find_in(&self, folder: &Folder, name: &str) -> Result<Revision, VcsError> {
        if let Some(spec) = spec(name) {
            return self.log(folder, name, &spec).await;
        }
        if self.tags_of(folder).await?.iter().any(|tag| tag == name) {
            let spec = format!("tag:{name}");
            return self.log(folder, name, &spec).await;
        }
        Err(unknown(name))
    }

    async fn log(&self, folder: &Folder, name: &str, spec: &str) -> Result<Revision, VcsError> {
        let call = self.ask(folder, "log", Step::Revision);
        let spec = format!("--revision={spec}");
        let output = call.args(["-l1", "--long", "--show-ids", &spec]).run().await?;
        match output.code {
            Some(0) => revision(name, &output.stdout),
            _ if is_unknown(&output) => Err(unknown(name)),
            _ => Err(self.client.failed(Step::Revision, &output)),
        }
    }
}

/// The folder of the branch in a copy.
const BRANCH: &str = "branch";

impl BzrRepository {
    /// Whether the branch and its copy have the same tags: a pull takes none away, and takes a file that came empty for one
    /// without tags.
    async fn is_same(&self, branch: &Path) -> Result<bool, VcsError> {
        let ours = self.call("tags", Step::Access).dir(branch).text().await?;
        let ours = tags(&ours)?;
        // Only a web server with files could have sent less without an error.
        if ours.is_empty() && !self.client.url().starts_with("http") {
            return Ok(true);
        }
        let call = self.remote("tags", Step::Access).await?;
        let theirs = call
            .time(self.client.options().fetch_time)
            .args([format!("--directory={}", self.client.url())])
            .text()
            .await?;
        Ok(ours == tags(&theirs)?)
    }
}

impl Fetch for BzrRepository {
    async fn make(&self, folder: &Path) -> Result<(), VcsError> {
        let call = self.remote("branch", Step::Access).await?.dir(folder);
        let call = call.args(["-q", "--no-tree", "--", self.client.url(), BRANCH]);
        self.client.fetch_all(call, folder).await?;
        if !self.client.url().starts_with("http") || self.is_same(&folder.join(BRANCH)).await? {
            return Ok(());
        }
        Err(VcsError::Failed {
            vcs: VcsKind::Bzr,
            step: Step::Access,
            said: "not all tags came, or they changed meanwhile".to_owned(),
        })
    }

    async fn update(&self, folder: &Path) -> Result<Updated, VcsError> {
        let branch = folder.join(BRANCH);
        let call = self.remote("pull", Step::Access).await?.dir(&branch);
        let call = call.args(["-q", "--overwrite", "--", self.client.url()]);
        self.client.fetch_all(call, folder).await?;
        let same = self.is_same(&branch).await?;
        Ok(if same { Updated::Good } else { Updated::Outdated })
    }

    async fn has(&self, folder: &Folder, at: &RevisionId) -> Result<bool, VcsError> {
        match self.log(folder, at.as_str(), &format!("revno:{at}")).await {
            Ok(_) => Ok(true),
            Err(VcsError::UnknownRevision { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

/// Whether it failed because there is no such revision.
fn is_unknown(output: &Output) -> bool {
    let said = &output.said;
    said.contains("does not exist in branch")
        || said.contains("No such tag")
        || said.contains("no revision")
        || said.contains("Logging revision 0 is invalid")
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl Repository for BzrRepository {
    fn vcs(&self) -> VcsKind {
        VcsKind::Bzr
    }

    fn url(&self) -> &str {
        self.client.url()
    }

    async fn tags(&self, prefix: &str) -> Result<Tags, VcsError> {
        let folder = self.copy.fresh(self).await?;
        let names = self.tags_of(&folder).await?.into_iter();
        let list = names.filter(|name| name.starts_with(prefix));
        Ok(Tags {
            list: list.map(|name| Tag { name, hash: None }).collect(),
            repo_sum: None,
        })
    }

    async fn stat(&self, revision: &str) -> Result<Revision, VcsError> {
        check_revision(revision)?;
        if revision == "latest" {
            return self.latest().await;
        }
        let asked = Instant::now();
        let found = self.find_in(&*self.copy.fresh(self).await?, revision).await;
        if let Err(VcsError::UnknownRevision { .. }) = found
            && let Some(newer) = self.copy.newer(asked, self).await?
        {
            return self.find_in(&newer, revision).await;
        }
        found
    }

    async fn latest(&self) -> Result<Revision, VcsError> {
        let latest = "revno:-1";
        let folder = self.copy.fresh(self).await?;
        let found = self.log(&folder, latest, latest).await;
        found.map_err(|error| self.client.no_commits(error))
    }

    async fn read_file(&self, at: &RevisionId, path: &str, limit: u64) -> Result<Option<Bytes>, VcsError> {
        if !is_plain_path(path) {
            return Ok(None);
        }
        let folder = self.copy.having(at, self).await?;
        let call = self.ask(&folder, "cat", Step::File).limit(limit);
        // With a directory the path is one in it, and never the address of another branch.
        let spec = format!("--revision=revno:{at}");
        let output = call.args(["--directory=.", &spec, "--", path]).run().await?;
        match output.code {
            // It prints nothing of a folder, as of an empty file.
            Some(0) if output.stdout.is_empty() && self.is_folder(&folder, at, path).await? => Ok(None),
            Some(0) => Ok(Some(output.stdout.into())),
            _ if output.said.contains("is not present in revision") => Ok(None),
            _ => Err(self.client.failed(Step::File, &output)),
        }
    }

    async fn archive(&self, at: &RevisionId, subdir: &str, limit: u64) -> Result<Box<dyn Archive>, VcsError> {
        let folder = self.copy.having(at, self).await?;
        let call = self.ask(&folder, "export", Step::Archive);
        let call = self.client.archive(call);
        let (root, spec) = (format!("--root={PREFIX}"), format!("--revision=revno:{at}"));
        let call = call.args([
            "--quiet",
            "--format=tar",
            &root,
            &spec,
            "--directory=.",
            "--",
            "-",
        ]);
        let reader = Box::new(folder.hold(call.stream().await?));
        Ok(Box::new(TarArchive::new(VcsKind::Bzr, reader, subdir, limit)))
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

//! Bazaar, and Breezy, which goes by its name.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;

use crate::address::{check_revision, check_url, is_plain_path, unknown};
use crate::clock::{date_time, offset};
use crate::disk::{Quota, failed};
use crate::local_copy::{Fetch, Folder, LocalCopy, Updated};
use crate::process::{Call, Counters, Output, Runner, Stream};
use crate::tarball::{PREFIX, TarArchive};
use crate::{
    Archive, Repository, RepositoryOptions, Revision, RevisionId, Step, Tag, Tags, VcsError, VcsKind,
};

/// A branch of Bazaar, answered from a local copy without a working tree.
///
/// A revision string is a number, `revno:` or `last:` and a number, a tag, `tag:` and a tag, or `revid:` and an id. The
/// newest commit is the last one of the branch.
///
/// # Deviation
/// * cmd/go takes all that Bazaar has for revisions, among it the address of any other branch. Here nothing else is one.
/// * cmd/go fails once history was rewritten, keeps tags that are gone, and takes every program that fails for a
///   revision that does not exist. Here the copy becomes what the branch is.
#[derive(Debug)]
pub struct BzrRepository {
    url: String,
    runner: Runner,
    options: RepositoryOptions,
    copy: LocalCopy,
}

impl BzrRepository {
    /// The branch at `url`, with its local copy in the folder `dir`, which belongs to it alone. Nothing runs yet.
    pub fn open(url: &str, dir: PathBuf, options: RepositoryOptions) -> Result<Self, VcsError> {
        check_url(VcsKind::Bzr, url, &options)?;
        Ok(Self {
            url: url.to_owned(),
            runner: Runner::new(VcsKind::Bzr, "bzr", options.runner.clone()),
            copy: LocalCopy::new(VcsKind::Bzr, url, dir, options.freshness),
            options,
        })
    }

    /// Where its runs are counted.
    pub fn counters(&self) -> &Arc<Counters> {
        self.runner.counters()
    }

    /// A run without plugins, aliases and the configuration of the host.
    fn call(&self, command: &'static str, step: Step) -> Call {
        let call = self.runner.call(command, step).time(self.options.question_time);
        let call = call
            .env("BRZ_HOME", self.runner.settings().home.as_os_str())
            .env("BZR_HOME", self.runner.settings().home.as_os_str())
            .env("BRZ_PLUGIN_PATH", "-user:-core:-site")
            .env("BRZ_LOG", "/dev/null")
            .env("BRZ_EMAIL", "stoa <stoa@localhost>")
            .env("BRZ_SSH", "openssh")
            // Names are Unicode to it; in another locale it could print only some of them.
            .env("LC_ALL", "C.UTF-8");
        call.args(["--no-plugins", "--no-aliases", command])
    }

    fn ask(&self, folder: &Folder, command: &'static str, step: Step) -> Call {
        self.call(command, step).dir(folder.path().join(BRANCH))
    }

    async fn tags_of(&self, folder: &Folder) -> Result<Vec<String>, VcsError> {
        let printed = self.ask(folder, "tags", Step::Access).text().await?;
        Ok(tags(&printed))
    }

    async fn find(&self, name: &str, spec: &str, step: Step) -> Result<Revision, VcsError> {
        let folder = self.copy.fresh(self).await?;
        self.log(&folder, name, spec, step).await
    }

    async fn log(&self, folder: &Folder, name: &str, spec: &str, step: Step) -> Result<Revision, VcsError> {
        let call = self.ask(folder, "log", step);
        let spec = format!("--revision={spec}");
        let output = call.args(["-l1", "--long", "--show-ids", &spec]).run().await?;
        match output.code {
            Some(0) => revision(name, &output.stdout),
            _ if is_unknown(&output) => Err(unknown(name)),
            _ => Err(failed(VcsKind::Bzr, step, &output)),
        }
    }

    /// A copy that has the commit.
    async fn having(&self, at: &RevisionId, step: Step) -> Result<Arc<Folder>, VcsError> {
        let folder = self.copy.any(self).await?;
        let spec = format!("revno:{at}");
        match self.log(&folder, at.as_str(), &spec, step).await {
            Ok(_) => Ok(folder),
            Err(VcsError::UnknownRevision { .. }) => {
                let folder = self.copy.fresh(self).await?;
                self.log(&folder, at.as_str(), &spec, step).await?;
                Ok(folder)
            }
            Err(error) => Err(error),
        }
    }

    async fn fetch(&self, call: Call, folder: &Path) -> Result<(), VcsError> {
        let quota = Quota {
            vcs: VcsKind::Bzr,
            step: Step::Access,
            folder: folder.to_owned(),
            limit: self.options.copy_limit,
        };
        quota.succeed(call.time(self.options.fetch_time)).await.map(drop)
    }
}

/// The folder of the branch in a copy.
const BRANCH: &str = "branch";

impl Fetch for BzrRepository {
    async fn make(&self, folder: &Path) -> Result<(), VcsError> {
        let call = self.call("branch", Step::Access).dir(folder);
        let call = call.args(["-q", "--no-tree", "--", &self.url, BRANCH]);
        self.fetch(call, folder).await
    }

    async fn update(&self, folder: &Path) -> Result<Updated, VcsError> {
        let branch = folder.join(BRANCH);
        let call = self.call("pull", Step::Access).dir(&branch);
        let call = call.args(["-q", "--overwrite", "--", &self.url]);
        self.fetch(call, folder).await?;
        // It never takes a tag away.
        let ours = self.call("tags", Step::Access).dir(&branch).text().await?;
        let ours = tags(&ours);
        if ours.is_empty() {
            return Ok(Updated::Good);
        }
        let call = self.call("tags", Step::Access).time(self.options.fetch_time);
        let theirs = call.args([format!("--directory={}", self.url)]).text().await?;
        let theirs = tags(&theirs);
        let same = ours.iter().all(|tag| theirs.contains(tag));
        Ok(if same { Updated::Good } else { Updated::Outdated })
    }
}

/// The revision as Bazaar should look for it, if it is one that is looked for in the branch only.
fn spec(name: &str) -> Option<String> {
    let number = |text: &str| {
        let digits = text.strip_prefix('-').unwrap_or(text);
        let all = digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
        (all && digits.starts_with(|first: char| first.is_ascii_digit())).then(|| text.to_owned())
    };
    let token = |text: &str| {
        let good = |byte: u8| byte.is_ascii_graphic() && byte != b'/' || byte >= 0x80;
        (!text.is_empty() && text.bytes().all(good)).then(|| text.to_owned())
    };
    match name.split_once(':') {
        Some(("revno", rest)) => Some(format!("revno:{}", number(rest)?)),
        Some(("last", rest)) => Some(format!("last:{}", number(rest)?)),
        Some(("revid", rest)) => Some(format!("revid:{}", token(rest)?)),
        Some(("tag", rest)) => Some(format!("tag:{rest}")),
        _ => number(name).map(|number| format!("revno:{number}")),
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

/// The names of a list of tags: all of a line but the revision, which is its last word.
fn tags(printed: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(printed);
    let names = text.lines().filter_map(|line| line.trim_end().rsplit_once(' '));
    let mut names: Vec<String> = names.map(|(name, _)| name.trim_end().to_owned()).collect();
    names.sort();
    names
}

/// The commit of `bzr log --long`.
fn revision(name: &str, printed: &[u8]) -> Result<Revision, VcsError> {
    let text = String::from_utf8_lossy(printed);
    let strange = || VcsError::Failed {
        vcs: VcsKind::Bzr,
        step: Step::Revision,
        said: "bzr log printed something else than a commit".to_owned(),
    };
    let (mut number, mut time, mut tags) = (None, None, Vec::new());
    for line in text.lines().filter(|line| !line.starts_with('-')) {
        let Some((key, value)) = line.split_once(": ") else {
            // After the last header comes the message.
            break;
        };
        match key {
            "revno" => number = value.split(' ').next(),
            "timestamp" => time = timestamp(value),
            "tags" => tags = value.split(", ").map(str::to_owned).collect(),
            _ => {}
        }
    }
    tags.sort();
    let number = number.and_then(|digits| digits.parse::<u64>().ok());
    let (number, time) = number
        .filter(|&number| number > 0)
        .zip(time)
        .ok_or_else(strange)?;
    let id = RevisionId::new(number.to_string()).ok_or_else(strange)?;
    let asked = name.strip_prefix("tag:").unwrap_or(name);
    let is_tag = tags.iter().any(|tag| tag == asked);
    Ok(Revision {
        short: format!("{number:012}"),
        version: if is_tag { asked } else { id.as_str() }.to_owned(),
        id,
        time,
        tags,
        reference: Some(name.to_owned()),
    })
}

/// The time of `Fri 2017-09-22 01:20:12 +0000`.
fn timestamp(value: &str) -> Option<std::time::SystemTime> {
    let mut words = value.split_whitespace().skip(1);
    let (date, clock, zone) = (words.next()?, words.next()?, words.next()?);
    let ahead = offset(zone)?;
    let span = std::time::Duration::from_secs(ahead.unsigned_abs());
    let local = date_time(date, clock)?;
    if ahead < 0 {
        local.checked_add(span)
    } else {
        local.checked_sub(span)
    }
}

#[async_trait]
impl Repository for BzrRepository {
    fn vcs(&self) -> VcsKind {
        VcsKind::Bzr
    }

    fn url(&self) -> &str {
        &self.url
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
        if let Some(spec) = spec(revision) {
            return self.find(revision, &spec, Step::Revision).await;
        }
        let folder = self.copy.fresh(self).await?;
        if self.tags_of(&folder).await?.iter().any(|tag| tag == revision) {
            let spec = format!("tag:{revision}");
            return self.log(&folder, revision, &spec, Step::Revision).await;
        }
        Err(unknown(revision))
    }

    async fn latest(&self) -> Result<Revision, VcsError> {
        let latest = "revno:-1";
        let found = self.find(latest, latest, Step::Revision).await;
        found.map_err(|error| match error {
            VcsError::UnknownRevision { .. } => VcsError::NoCommits {
                url: self.url.clone(),
            },
            error => error,
        })
    }

    async fn read_file(&self, at: &RevisionId, path: &str, limit: u64) -> Result<Option<Bytes>, VcsError> {
        if !is_plain_path(path) {
            return Ok(None);
        }
        let folder = self.having(at, Step::File).await?;
        let call = self.ask(&folder, "cat", Step::File).limit(limit);
        // With a directory the path is one in it, and never the address of another branch.
        let spec = format!("--revision=revno:{at}");
        let output = call.args(["--directory=.", &spec, "--", path]).run().await?;
        match output.code {
            Some(0) => Ok(Some(output.stdout.into())),
            _ if output.said.contains("is not present in revision") => Ok(None),
            _ => Err(failed(VcsKind::Bzr, Step::File, &output)),
        }
    }

    async fn archive(&self, at: &RevisionId, subdir: &str, limit: u64) -> Result<Box<dyn Archive>, VcsError> {
        let folder = self.having(at, Step::Archive).await?;
        let call = self.ask(&folder, "export", Step::Archive);
        let call = call.time(self.options.archive_time).limit(u64::MAX);
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
        let reader = Box::new(Held {
            reader: call.stream()?,
            _folder: folder,
        });
        Ok(Box::new(TarArchive::new(VcsKind::Bzr, reader, subdir, limit)))
    }

    async fn recent_tag(
        &self,
        _at: &RevisionId,
        _prefix: &str,
        _allowed: &(dyn for<'a> Fn(&'a str) -> bool + Send + Sync),
    ) -> Result<Option<String>, VcsError> {
        Ok(None)
    }

    async fn descends_from(&self, _at: &RevisionId, _tag: &str) -> Result<bool, VcsError> {
        Err(VcsError::Unsupported {
            vcs: VcsKind::Bzr,
            what: "whether a commit descends from a tag",
        })
    }
}

/// A reader of a program that reads a copy, which must stay.
struct Held {
    reader: Stream,
    _folder: Arc<Folder>,
}

impl std::io::Read for Held {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.reader.read(buffer)
    }
}

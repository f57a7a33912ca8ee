//! Repositories in memory.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use async_trait::async_trait;
use bytes::Bytes;
use parking_lot::Mutex;
use stoa_code_repo::CodeRepo;
use stoa_module::semver;
use stoa_vcs::{Archive, EntryKind, Repository, Revision, RevisionId, Step, Tag, Tags, VcsError, VcsKind};

use super::{code_repo, memory_archive::MemoryArchive};

/// The time of the first commit; each one after it is a second later.
pub(crate) const EPOCH: Duration = Duration::from_secs(1_704_164_645);

/// A repository of which a test says everything. Commits are numbered from 0.
#[derive(Debug)]
pub(crate) struct MemoryRepo {
    pub(crate) vcs: VcsKind,
    pub(crate) commits: Vec<Commit>,
    pub(crate) tags: BTreeMap<String, usize>,
    pub(crate) branches: BTreeMap<String, usize>,
    pub(crate) head: Option<usize>,
    pub(crate) repo_sum: Option<String>,
    /// What fails, and how.
    pub(crate) fails: Mutex<Option<(Step, VcsError)>>,
    /// What was asked.
    pub(crate) calls: Mutex<Vec<String>>,
    /// It never lists its tags.
    pub(crate) stalls: bool,
    /// How many bytes an archive gives before it breaks off.
    pub(crate) archive_breaks: Option<u64>,
}

/// A commit.
#[derive(Debug, Default)]
pub(crate) struct Commit {
    pub(crate) parents: Vec<usize>,
    pub(crate) time: Option<SystemTime>,
    /// In the order of the archive.
    pub(crate) files: Vec<(Vec<u8>, EntryKind, Vec<u8>)>,
}

impl Default for MemoryRepo {
    fn default() -> Self {
        Self {
            vcs: VcsKind::Git,
            commits: Vec::new(),
            tags: BTreeMap::new(),
            branches: BTreeMap::new(),
            head: None,
            repo_sum: None,
            fails: Mutex::default(),
            calls: Mutex::default(),
            stalls: false,
            archive_breaks: None,
        }
    }
}

impl MemoryRepo {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Adds a commit on top of the last one; `main` and `HEAD` move to it.
    pub(crate) fn commit(mut self, files: &[(&str, &str)]) -> Self {
        let parents = self.commits.len().checked_sub(1).into_iter().collect();
        self.add(parents, files);
        self
    }

    /// Adds a commit on top of `parents`.
    pub(crate) fn commit_on(mut self, parents: &[usize], files: &[(&str, &str)]) -> Self {
        self.add(parents.to_vec(), files);
        self
    }

    fn add(&mut self, parents: Vec<usize>, files: &[(&str, &str)]) {
        let file = |(path, content): &(&str, &str)| match content.strip_prefix("-> ") {
            Some(target) => (
                path.as_bytes().to_vec(),
                EntryKind::Symlink,
                target.as_bytes().to_vec(),
            ),
            None => (
                path.as_bytes().to_vec(),
                EntryKind::File,
                content.as_bytes().to_vec(),
            ),
        };
        self.commits.push(Commit {
            parents,
            time: None,
            files: files.iter().map(file).collect(),
        });
        let last = self.commits.len() - 1;
        self.branches.insert("main".to_owned(), last);
        self.head = Some(last);
    }

    /// Tags the last commit.
    pub(crate) fn tag(mut self, name: &str) -> Self {
        self.tags.insert(name.to_owned(), self.commits.len() - 1);
        self
    }

    /// Makes a branch of the last commit.
    pub(crate) fn branch(mut self, name: &str) -> Self {
        self.branches.insert(name.to_owned(), self.commits.len() - 1);
        self
    }

    /// The module `h.com/r` and whatever comes behind it, in this repository.
    pub(crate) fn module(self, rest: &str) -> CodeRepo {
        code_repo(Arc::new(self), "h.com/r", "", &format!("h.com/r{rest}"))
    }

    fn called(&self, call: impl Into<String>) {
        self.calls.lock().push(call.into());
    }

    fn failing(&self, step: Step) -> Result<(), VcsError> {
        match &*self.fails.lock() {
            Some((at, error)) if *at == step => Err(error.clone()),
            _ => Ok(()),
        }
    }

    fn number(&self, id: &RevisionId) -> usize {
        (0..self.commits.len()).find(|n| hash(*n) == id.as_str()).unwrap()
    }

    fn revision(&self, n: usize, version: Option<&str>, reference: Option<String>) -> Revision {
        let time = self.commits[n].time;
        let tags = self.tags.iter().filter(|(_, commit)| **commit == n);
        Revision {
            id: RevisionId::new(hash(n)).unwrap(),
            short: short(n),
            version: version.map_or_else(|| hash(n), str::to_owned),
            time: time.unwrap_or(UNIX_EPOCH + EPOCH + Duration::from_secs(n as u64)),
            tags: tags.map(|(name, _)| name.clone()).collect(),
            reference,
        }
    }

    fn ancestors(&self, n: usize) -> BTreeSet<usize> {
        let (mut found, mut open) = (BTreeSet::new(), vec![n]);
        while let Some(n) = open.pop() {
            if found.insert(n) {
                open.extend(&self.commits[n].parents);
            }
        }
        found
    }
}

/// The hash of a commit.
pub(crate) fn hash(n: usize) -> String {
    let mut text = format!("{:012x}", 0xabc0_0000_0000_u64 + n as u64);
    write!(text, "{n:028x}").unwrap();
    text
}

/// Its first twelve digits.
pub(crate) fn short(n: usize) -> String {
    hash(n)[..12].to_owned()
}

/// The timestamp and the hash of a commit, as pseudo-versions have them.
pub(crate) fn stamp(n: usize) -> String {
    format!("202401020304{:02}-{}", 5 + n, short(n))
}

#[async_trait]
impl Repository for MemoryRepo {
    fn vcs(&self) -> VcsKind {
        self.vcs
    }

    fn url(&self) -> &'static str {
        "https://h.com/r"
    }

    async fn tags(&self, prefix: &str) -> Result<Tags, VcsError> {
        self.called(format!("tags {prefix}"));
        if self.stalls {
            std::future::pending::<()>().await;
        }
        self.failing(Step::Access)?;
        let tags = self.tags.iter().filter(|(name, _)| name.starts_with(prefix));
        let tag = |(name, n): (&String, &usize)| Tag {
            name: name.clone(),
            hash: (self.vcs == VcsKind::Git).then(|| hash(*n)),
        };
        Ok(Tags {
            list: tags.map(tag).collect(),
            repo_sum: self.repo_sum.clone(),
        })
    }

    async fn stat(&self, revision: &str) -> Result<Revision, VcsError> {
        self.called(format!("stat {revision}"));
        self.failing(Step::Revision)?;
        if let Some(n) = self.tags.get(revision) {
            return Ok(self.revision(*n, Some(revision), Some(format!("refs/tags/{revision}"))));
        }
        if let Some(n) = self.branches.get(revision) {
            return Ok(self.revision(*n, None, Some(format!("refs/heads/{revision}"))));
        }
        let found = match revision {
            "HEAD" => self.head,
            _ if revision.len() >= 7 => (0..self.commits.len()).find(|n| hash(*n).starts_with(revision)),
            _ => None,
        };
        let reference = (revision == "HEAD").then(|| revision.to_owned());
        found
            .map(|n| self.revision(n, None, reference))
            .ok_or_else(|| VcsError::UnknownRevision {
                revision: revision.to_owned(),
            })
    }

    async fn latest(&self) -> Result<Revision, VcsError> {
        self.called("latest");
        self.failing(Step::Revision)?;
        let head = self.head.ok_or_else(|| VcsError::NoCommits {
            url: self.url().to_owned(),
        })?;
        Ok(self.revision(head, None, Some("HEAD".to_owned())))
    }

    async fn read_file(&self, at: &RevisionId, path: &str, limit: u64) -> Result<Option<Bytes>, VcsError> {
        self.called(format!("read_file {} {path}", &at.as_str()[..12]));
        self.failing(Step::File)?;
        let files = &self.commits[self.number(at)].files;
        let file = files.iter().find(|(name, ..)| name == path.as_bytes());
        if file.is_some_and(|(_, _, content)| content.len() as u64 > limit) {
            let (vcs, step) = (self.vcs, Step::File);
            return Err(VcsError::TooLarge { vcs, step, limit });
        }
        Ok(file.map(|(_, _, content)| content.clone().into()))
    }

    async fn archive(&self, at: &RevisionId, subdir: &str, _: u64) -> Result<Box<dyn Archive>, VcsError> {
        self.called(format!("archive {} {subdir}", &at.as_str()[..12]));
        self.failing(Step::Archive)?;
        let prefix = if subdir.is_empty() {
            String::new()
        } else {
            format!("{subdir}/")
        };
        let files = &self.commits[self.number(at)].files;
        let below = files.iter().filter_map(|(path, kind, content)| {
            let path = path.strip_prefix(prefix.as_bytes())?;
            Some((path.to_vec(), *kind, content.clone()))
        });
        Ok(Box::new(MemoryArchive::new(below.collect(), self.archive_breaks)))
    }

    async fn recent_tag(
        &self,
        at: &RevisionId,
        prefix: &str,
        allowed: &(dyn for<'a> Fn(&'a str) -> bool + Send + Sync),
    ) -> Result<Option<String>, VcsError> {
        self.called(format!("recent_tag {} {prefix}", &at.as_str()[..12]));
        let ancestors = self.ancestors(self.number(at));
        let tags = self
            .tags
            .iter()
            .filter(|(_, n)| ancestors.contains(n))
            .map(|(name, _)| name);
        let tags = tags.filter(|tag| tag.starts_with(prefix) && allowed(tag));
        let highest = tags.max_by(|a, b| semver::compare(&a[prefix.len()..], &b[prefix.len()..]));
        Ok(highest.cloned())
    }

    async fn descends_from(&self, at: &RevisionId, tag: &str) -> Result<bool, VcsError> {
        self.called(format!("descends_from {} {tag}", &at.as_str()[..12]));
        let tagged = self.tags.get(tag);
        Ok(tagged.is_some_and(|n| self.ancestors(self.number(at)).contains(n)))
    }
}

//! Git by its program and a whole clone: simple, slow, and for tests only.

use std::{
    collections::BTreeMap,
    io::Cursor,
    process::{Command, Output},
    sync::{Arc, OnceLock},
    time::{Duration, UNIX_EPOCH},
};

use async_trait::async_trait;
use bytes::Bytes;
use parking_lot::Mutex;
use stoa_module::semver;
use stoa_vcs::{
    Archive, Entry, EntryKind, Repository, Revision, RevisionId, Step, Tag, Tags, VcsError, VcsKind,
};
use tempfile::TempDir;

use super::Repositories;

/// Clones of everything that was opened.
#[derive(Debug, Default)]
pub(crate) struct SlowGits {
    open: Mutex<BTreeMap<String, Arc<SlowGit>>>,
}

impl Repositories for SlowGits {
    fn open(&self, url: &str) -> Arc<dyn Repository> {
        let mut open = self.open.lock();
        let git = open.entry(url.to_owned()).or_insert_with(|| {
            Arc::new(SlowGit {
                url: url.to_owned(),
                clone: OnceLock::new(),
            })
        });
        Arc::clone(git) as Arc<dyn Repository>
    }
}

#[derive(Debug)]
struct SlowGit {
    url: String,
    clone: OnceLock<Result<Cloned, VcsError>>,
}

#[derive(Debug)]
struct Cloned {
    dir: TempDir,
    /// `HEAD`, branches and tags, the latter peeled.
    refs: BTreeMap<String, String>,
}

impl SlowGit {
    fn clone(&self) -> Result<&Cloned, VcsError> {
        let clone = self.clone.get_or_init(|| {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().to_str().unwrap();
            let output = git(dir.path(), &["clone", "--quiet", "--bare", &self.url, path]);
            if !output.status.success() {
                return Err(failed(Step::Access, &output));
            }
            let listing = text(git(dir.path(), &["ls-remote", "."]));
            let mut refs = BTreeMap::new();
            for line in listing.lines() {
                let (hash, name) = line.split_once('\t').unwrap();
                // A peeled tag comes behind the tag.
                refs.insert(name.trim_end_matches("^{}").to_owned(), hash.to_owned());
            }
            Ok(Cloned { dir, refs })
        });
        clone.as_ref().map_err(Clone::clone)
    }

    fn run(&self, args: &[&str]) -> Result<Output, VcsError> {
        Ok(git(self.clone()?.dir.path(), args))
    }

    /// What a string names: the ref, if it is one, and the commit.
    fn resolve(&self, revision: &str) -> Result<(Option<String>, String), VcsError> {
        let refs = &self.clone()?.refs;
        for name in [
            format!("refs/tags/{revision}"),
            format!("refs/heads/{revision}"),
            revision.to_owned(),
        ] {
            if let Some(hash) = refs
                .get(&name)
                .filter(|_| name == "HEAD" || name.starts_with("refs/"))
            {
                return Ok((Some(name), hash.clone()));
            }
        }
        let unknown = || VcsError::UnknownRevision {
            revision: revision.to_owned(),
        };
        let hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
        if revision.len() < 7 || !revision.bytes().all(hex) {
            return Err(unknown());
        }
        let output = self.run(&[
            "rev-parse",
            "--verify",
            "--quiet",
            &format!("{revision}^{{commit}}"),
        ])?;
        if !output.status.success() {
            return Err(unknown());
        }
        let hash = text(output).trim().to_owned();
        // cmd/go notes the hash of an annotated tag as if it were a ref.
        let reference = (!hash.starts_with(revision)).then(|| revision.to_owned());
        Ok((reference, hash))
    }

    fn revision(&self, reference: Option<String>, hash: String) -> Result<Revision, VcsError> {
        let shown = self.run(&["log", "--no-decorate", "-n1", "--format=%ct", &hash, "--"])?;
        let secs: u64 = text(shown).trim().parse().unwrap();
        let refs = &self.clone()?.refs;
        let named = refs.iter().filter(|(_, named)| **named == hash);
        let tag = |name: &str| name.strip_prefix("refs/tags/").map(str::to_owned);
        Ok(Revision {
            short: hash[..12].to_owned(),
            version: reference.as_deref().and_then(tag).unwrap_or_else(|| hash.clone()),
            time: UNIX_EPOCH + Duration::from_secs(secs),
            tags: named.filter_map(|(name, _)| tag(name)).collect(),
            id: RevisionId::new(hash).unwrap(),
            reference,
        })
    }
}

#[async_trait]
impl Repository for SlowGit {
    fn vcs(&self) -> VcsKind {
        VcsKind::Git
    }

    fn url(&self) -> &str {
        &self.url
    }

    async fn tags(&self, prefix: &str) -> Result<Tags, VcsError> {
        let tags = self.clone()?.refs.iter().filter_map(|(name, hash)| {
            let name = name.strip_prefix("refs/tags/")?;
            name.starts_with(prefix).then(|| Tag {
                name: name.to_owned(),
                hash: Some(hash.clone()),
            })
        });
        Ok(Tags {
            list: tags.collect(),
            repo_sum: None,
        })
    }

    async fn stat(&self, revision: &str) -> Result<Revision, VcsError> {
        let (reference, hash) = self.resolve(revision)?;
        self.revision(reference, hash)
    }

    async fn latest(&self) -> Result<Revision, VcsError> {
        match self.clone()?.refs.get("HEAD") {
            Some(hash) => self.revision(Some("HEAD".to_owned()), hash.clone()),
            None => Err(VcsError::NoCommits {
                url: self.url.clone(),
            }),
        }
    }

    async fn read_file(&self, at: &RevisionId, path: &str, limit: u64) -> Result<Option<Bytes>, VcsError> {
        let output = self.run(&["cat-file", "blob", &format!("{at}:{path}")])?;
        let (vcs, step) = (VcsKind::Git, Step::File);
        if output.stdout.len() as u64 > limit {
            return Err(VcsError::TooLarge { vcs, step, limit });
        }
        Ok(output.status.success().then(|| output.stdout.into()))
    }

    async fn archive(&self, at: &RevisionId, subdir: &str, _: u64) -> Result<Box<dyn Archive>, VcsError> {
        let folder = if subdir.is_empty() {
            String::new()
        } else {
            format!("{subdir}/")
        };
        let mut args = vec!["ls-tree", "-r", "-z", at.as_str()];
        if !subdir.is_empty() {
            args.push(&folder);
        }
        let listing = text(self.run(&args)?);
        let mut entries = Vec::new();
        for line in listing.split_terminator('\0') {
            let (meta, path) = line.split_once('\t').unwrap();
            let meta: Vec<_> = meta.split(' ').collect();
            let kind = match meta[0] {
                "160000" => continue,
                "120000" => EntryKind::Symlink,
                _ => EntryKind::File,
            };
            let content = self.run(&["cat-file", "blob", meta[2]])?.stdout;
            let path = path.strip_prefix(&folder).unwrap().as_bytes().to_vec();
            entries.push((path, kind, Cursor::new(content)));
        }
        entries.reverse();
        Ok(Box::new(Listed {
            entries,
            now: Cursor::default(),
        }))
    }

    async fn recent_tag(
        &self,
        at: &RevisionId,
        prefix: &str,
        allowed: &(dyn for<'a> Fn(&'a str) -> bool + Send + Sync),
    ) -> Result<Option<String>, VcsError> {
        let merged = format!("--merged={at}");
        let output = self.run(&["for-each-ref", "--format=%(refname)", &merged, "refs/tags"])?;
        let output = text(output);
        let tags = output.lines().filter_map(|name| name.strip_prefix("refs/tags/"));
        let tags = tags.filter(|tag| tag.starts_with(prefix) && allowed(tag));
        let version = |tag: &str| tag.strip_prefix(prefix).unwrap().to_owned();
        let highest = tags.max_by(|a, b| semver::compare(&version(a), &version(b)));
        Ok(highest.map(str::to_owned))
    }

    async fn descends_from(&self, at: &RevisionId, tag: &str) -> Result<bool, VcsError> {
        let tag = format!("refs/tags/{tag}");
        let output = self.run(&["merge-base", "--is-ancestor", &tag, at.as_str()])?;
        Ok(output.status.success())
    }
}

/// Entries in memory.
struct Listed {
    /// The next one is the last.
    entries: Vec<(Vec<u8>, EntryKind, Cursor<Vec<u8>>)>,
    now: Cursor<Vec<u8>>,
}

impl Archive for Listed {
    fn next_entry(&mut self) -> Result<Option<Entry<'_>>, VcsError> {
        let Some((path, kind, content)) = self.entries.pop() else {
            return Ok(None);
        };
        self.now = content;
        Ok(Some(Entry {
            path,
            kind,
            id: None,
            size: self.now.get_ref().len() as u64,
            content: &mut self.now,
        }))
    }
}

fn git(dir: &std::path::Path, args: &[&str]) -> Output {
    Command::new("git")
        .args(args)
        .current_dir(dir)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_TERMINAL_PROMPT", "0")
        .output()
        .expect("git must be installed")
}

fn text(output: Output) -> String {
    String::from_utf8(output.stdout).unwrap()
}

fn failed(step: Step, output: &Output) -> VcsError {
    VcsError::Failed {
        vcs: VcsKind::Git,
        step,
        said: String::from_utf8_lossy(&output.stderr).trim().to_owned(),
    }
}

//! Contents that more than one zip holds.

use std::{
    fmt,
    io::{self, Cursor, Read},
    sync::Arc,
};

use async_trait::async_trait;
use bytes::Bytes;
use parking_lot::Mutex;
use proptest::prelude::*;
use sha2::{Digest as _, Sha256};
use stoa_code_repo::{CodeLimits, CodeRepo, CompressedContents};
use stoa_module::{ModulePath, Version, dirhash::H1};
use stoa_vcs::{
    Archive, ContentId, Entry, EntryKind, KnownContents, Repository, Revision, RevisionId, Tags, VcsError,
    VcsKind,
};

use crate::{
    support::memory_repo::{MemoryRepo, hash},
    zips::GO_MOD,
};

/// A repository that has names for its contents, and notes which are read.
struct Named {
    inner: MemoryRepo,
    url: &'static str,
    /// The name of the content of a file.
    name: fn(&[u8], &[u8]) -> ContentId,
    reads: Arc<Mutex<Vec<String>>>,
}

/// As git does it: the content decides.
fn by_content(_: &[u8], content: &[u8]) -> ContentId {
    let digest = Sha256::digest(content);
    let digits = digest
        .iter()
        .fold(String::new(), |digits, byte| digits + &format!("{byte:02x}"));
    ContentId::parse_hex(&digits).unwrap()
}

/// Whatever it is, it is called the same.
fn by_path(path: &[u8], _: &[u8]) -> ContentId {
    by_content(path, path)
}

impl Named {
    fn new(inner: MemoryRepo) -> Self {
        Self {
            inner,
            url: "https://h.com/r",
            name: by_content,
            reads: Arc::default(),
        }
    }

    /// The contents that were read since the last time.
    fn take(reads: &Mutex<Vec<String>>) -> String {
        std::mem::take(&mut *reads.lock()).join(" ")
    }
}

impl fmt::Debug for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.url)
    }
}

#[async_trait]
impl Repository for Named {
    fn vcs(&self) -> VcsKind {
        VcsKind::Git
    }

    fn url(&self) -> &str {
        self.url
    }

    async fn tags(&self, prefix: &str) -> Result<Tags, VcsError> {
        self.inner.tags(prefix).await
    }

    async fn stat(&self, revision: &str) -> Result<Revision, VcsError> {
        self.inner.stat(revision).await
    }

    async fn latest(&self) -> Result<Revision, VcsError> {
        self.inner.latest().await
    }

    async fn read_file(&self, at: &RevisionId, path: &str, limit: u64) -> Result<Option<Bytes>, VcsError> {
        self.inner.read_file(at, path, limit).await
    }

    async fn archive(&self, at: &RevisionId, subdir: &str, limit: u64) -> Result<Box<dyn Archive>, VcsError> {
        self.inner.archive(at, subdir, limit).await
    }

    async fn archive_unless_known(
        &self,
        at: &RevisionId,
        subdir: &str,
        _: u64,
        known: &dyn KnownContents,
    ) -> Result<Box<dyn Archive>, VcsError> {
        let commit = (0..self.inner.commits.len()).find(|n| hash(*n) == at.as_str());
        let files = &self.inner.commits[commit.unwrap()].files;
        let prefix = if subdir.is_empty() {
            String::new()
        } else {
            format!("{subdir}/")
        };
        let mut entries = Vec::new();
        for (path, kind, content) in files {
            if let Some(path) = path.strip_prefix(prefix.as_bytes()) {
                let id = (self.name)(path, content);
                let size = known.size(path, &id);
                entries.push((path.to_vec(), *kind, id, size, content.clone()));
            }
        }
        entries.reverse();
        Ok(Box::new(NamedArchive {
            entries,
            reads: Arc::clone(&self.reads),
            now: Reading::default(),
        }))
    }
}

/// Path, kind, name, the length if the content is known, the content.
type File = (Vec<u8>, EntryKind, ContentId, Option<u64>, Vec<u8>);

struct NamedArchive {
    /// The next one is the last.
    entries: Vec<File>,
    reads: Arc<Mutex<Vec<String>>>,
    now: Reading,
}

#[derive(Default)]
struct Reading {
    path: String,
    content: Cursor<Vec<u8>>,
    is_known: bool,
    reads: Arc<Mutex<Vec<String>>>,
}

impl Read for Reading {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        assert!(!self.is_known, "{} was said to be known", self.path);
        if self.content.position() == 0 && self.reads.lock().last() != Some(&self.path) {
            self.reads.lock().push(self.path.clone());
        }
        self.content.read(buffer)
    }
}

impl Archive for NamedArchive {
    fn next_entry(&mut self) -> Result<Option<Entry<'_>>, VcsError> {
        let Some((path, kind, id, size, content)) = self.entries.pop() else {
            return Ok(None);
        };
        let len = content.len() as u64;
        self.now = Reading {
            path: String::from_utf8_lossy(&path).into_owned(),
            content: Cursor::new(content),
            is_known: size.is_some(),
            reads: Arc::clone(&self.reads),
        };
        Ok(Some(Entry {
            path,
            kind,
            id: Some(id),
            size: size.unwrap_or(len),
            content: &mut self.now,
        }))
    }
}

fn module(code: impl Repository, contents: &Arc<CompressedContents>) -> CodeRepo {
    let path = ModulePath::parse("h.com/r").unwrap();
    let repo = CodeRepo::new(Arc::new(code), "h.com/r", "", path, CodeLimits::default()).unwrap();
    repo.with_contents(Arc::clone(contents))
}

/// The zip of a version and its hash.
async fn zip(repo: &CodeRepo, version: &str) -> (Vec<u8>, H1) {
    let dir = tempfile::tempdir().unwrap();
    let made = repo
        .zip(&Version::parse(version).unwrap(), dir.path())
        .await
        .unwrap();
    let mut bytes = Vec::new();
    made.write_to(&mut bytes).unwrap();
    (bytes, made.summary().h1)
}

fn two_versions() -> MemoryRepo {
    let inner = MemoryRepo::new().commit(&[GO_MOD, ("a.go", "package a"), ("b.go", "package b")]);
    let inner = inner.tag("v1.0.0");
    let inner = inner.commit(&[
        GO_MOD,
        ("a.go", "package a"),
        ("b.go", "package c"),
        ("d/a.go", "package a"),
    ]);
    inner.tag("v1.1.0")
}

#[tokio::test]
async fn what_an_earlier_version_has_is_not_read_again() {
    let contents = Arc::new(CompressedContents::new(1 << 20));
    let named = Named::new(two_versions());
    let reads = Arc::clone(&named.reads);
    let repo = module(named, &contents);
    let plain = two_versions().module("");
    assert_eq!(zip(&repo, "v1.0.0").await, zip(&plain, "v1.0.0").await);
    assert_eq!(Named::take(&reads), "go.mod a.go b.go");
    assert_eq!(zip(&repo, "v1.1.0").await, zip(&plain, "v1.1.0").await);
    assert_eq!(Named::take(&reads), "go.mod b.go");
    assert_eq!(zip(&repo, "v1.0.0").await, zip(&plain, "v1.0.0").await);
    assert_eq!(Named::take(&reads), "go.mod");
    // Another handle of the same repository.
    let named = Named::new(two_versions());
    let reads = Arc::clone(&named.reads);
    assert_eq!(
        zip(&module(named, &contents), "v1.1.0").await,
        zip(&plain, "v1.1.0").await
    );
    assert_eq!(Named::take(&reads), "go.mod");
}

#[tokio::test]
async fn repositories_do_not_share_what_they_call_the_same() {
    let contents = Arc::new(CompressedContents::new(1 << 20));
    for (url, content) in [
        ("https://evil.example/r", "package evil"),
        ("https://h.com/r", "package good"),
    ] {
        let inner = || {
            MemoryRepo::new()
                .commit(&[GO_MOD, ("a.go", content)])
                .tag("v1.0.0")
        };
        let named = Named {
            url,
            name: by_path,
            ..Named::new(inner())
        };
        let reads = Arc::clone(&named.reads);
        assert_eq!(
            zip(&module(named, &contents), "v1.0.0").await,
            zip(&inner().module(""), "v1.0.0").await,
            "{url}"
        );
        assert_eq!(Named::take(&reads), "go.mod a.go");
    }
}

#[tokio::test]
async fn zips_under_way_hold_no_more_than_there_is_room_for() {
    let contents = Arc::new(CompressedContents::new(3000));
    let files: Vec<(String, String)> = (0..4).map(|n| (format!("f{n}"), format!("{n}"))).collect();
    let mut inner = MemoryRepo::new().commit(&[GO_MOD]).tag("v1.0.0");
    for (path, content) in files {
        let file = (
            path.into_bytes(),
            EntryKind::File,
            content.repeat(1 << 16).into_bytes(),
        );
        inner.commits[0].files.push(file);
    }
    let named = Named::new(inner);
    let reads = Arc::clone(&named.reads);
    let repo = module(named, &contents);
    let dir = tempfile::tempdir().unwrap();
    let version = Version::parse("v1.0.0").unwrap();
    zip(&repo, "v1.0.0").await;
    let mut held = Vec::new();
    let read = loop {
        Named::take(&reads);
        held.push(repo.zip(&version, dir.path()).await.unwrap());
        let read = Named::take(&reads);
        if read != "go.mod" || held.len() > 100 {
            break read;
        }
    };
    assert!(
        (2..100).contains(&held.len()),
        "{} zips hold the same",
        held.len()
    );
    assert!(
        read.starts_with("go.mod f"),
        "what cannot be held is read: {read}"
    );
    held.clear();
    zip(&repo, "v1.0.0").await;
    assert_eq!(
        Named::take(&reads),
        "go.mod",
        "what zips held is given back with them"
    );
}

#[tokio::test]
async fn contents_have_a_bound() {
    let mut state = 1_u32;
    let mut noise = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    let mut inner = MemoryRepo::new().commit(&[GO_MOD]).tag("v1.0.0");
    for n in 0..200 {
        let content = (0..2000).map(|_| noise()).collect();
        let path = format!("f{n:03}").into_bytes();
        inner.commits[0].files.push((path, EntryKind::File, content));
    }
    let large = (0..500_000).map(|_| noise()).collect();
    inner.commits[0]
        .files
        .push((b"large".to_vec(), EntryKind::File, large));
    let files = inner.commits[0].files.clone();
    for (capacity, kept) in [(0, 0..1), (100_000, 20..60), (2 << 20, 200..202)] {
        let contents = Arc::new(CompressedContents::new(capacity));
        let mut inner = MemoryRepo::new().commit(&[GO_MOD]).tag("v1.0.0");
        inner.commits[0].files.clone_from(&files);
        let named = Named::new(inner);
        let reads = Arc::clone(&named.reads);
        let repo = module(named, &contents);
        let first = zip(&repo, "v1.0.0").await;
        assert!(contents.bytes() <= capacity, "{} of {capacity}", contents.bytes());
        Named::take(&reads);
        assert_eq!(zip(&repo, "v1.0.0").await, first);
        let read = Named::take(&reads).split(' ').count();
        assert!(
            kept.contains(&(files.len() - read)),
            "{} of {capacity}",
            files.len() - read
        );
    }
}

/// Trees of a few paths and contents, modules inside of the module and vendored packages among them.
fn trees() -> impl Strategy<Value = Vec<Vec<(&'static str, &'static str)>>> {
    let path = prop::sample::select(vec![
        "a.go",
        "b.go",
        "d/a.go",
        "d/e/a.go",
        "m/a.go",
        "m/go.mod",
        "vendor/x/a.go",
        "vendor/modules.txt",
        "LICENSE",
        "testdata/go.mod",
    ]);
    let content = prop::sample::select(vec![
        "",
        "package a",
        "package b\n",
        GO_MOD.1,
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    ]);
    let tree = prop::collection::btree_map(path, content, 0..10).prop_map(|tree| {
        let mut files: Vec<_> = tree.into_iter().collect();
        files.push(GO_MOD);
        files.sort_unstable();
        files
    });
    prop::collection::vec(tree, 1..5)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn zips_are_the_same_with_and_without_contents_at_hand(trees in trees(), small in any::<bool>()) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
        let versions: Vec<String> = (0..trees.len()).map(|n| format!("v1.{n}.0")).collect();
        let inner = || trees.iter().zip(&versions).fold(MemoryRepo::new(), |repo, (tree, version)| {
            repo.commit(tree).tag(version)
        });
        let contents = Arc::new(CompressedContents::new(if small { 2000 } else { 1 << 20 }));
        let (repo, plain) = (module(Named::new(inner()), &contents), inner().module(""));
        runtime.block_on(async {
            for version in &versions {
                let (ours, theirs) = (zip(&repo, version).await, zip(&plain, version).await);
                prop_assert_eq!(ours.1, theirs.1);
                prop_assert_eq!(ours.0, theirs.0);
            }
            Ok(())
        })?;
    }
}

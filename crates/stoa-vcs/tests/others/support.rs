//! Making repositories, and reading what adapters give.

use std::collections::BTreeMap;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex, Weak};
use std::time::{Duration, Instant, SystemTime};

use stoa_vcs::cache::Cache;
use stoa_vcs::process::RunnerSettings;
use stoa_vcs::{EntryKind, Repository, RepositoryOptions, RevisionId, VcsError};
use tempfile::TempDir;

/// A folder for one test: a repository is made in `repo`, what is fetched goes into `cache`.
pub(crate) struct Work {
    dir: TempDir,
    cache: Mutex<Weak<Cache>>,
}

/// An archive: what there is at each path, and its content.
pub(crate) type Files = BTreeMap<Vec<u8>, (EntryKind, Vec<u8>)>;

impl Work {
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().expect("a temporary folder");
        for name in ["home", "repo", "programs-home"] {
            std::fs::create_dir(dir.path().join(name)).expect("a folder");
        }
        Self {
            dir,
            cache: Mutex::default(),
        }
    }

    /// The cache: that of whoever has it open, or as a new process would open it.
    pub(crate) fn cache(&self) -> Arc<Cache> {
        let mut cache = self.cache.lock().expect("no panic");
        cache.upgrade().unwrap_or_else(|| {
            let opened = Cache::open(self.path("cache"), 1 << 30).expect("a cache");
            *cache = Arc::downgrade(&opened);
            opened
        })
    }

    /// What the cache holds of all repositories: copies and exports.
    pub(crate) fn copies(&self) -> Vec<PathBuf> {
        let list = |folder: PathBuf| std::fs::read_dir(folder).into_iter().flatten().flatten();
        let repositories = list(self.path("cache/repositories"));
        let all = repositories.flat_map(|folder| list(folder.path()));
        all.map(|entry| entry.path()).collect()
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// A `file` address of the folder, or of something in it.
    pub(crate) fn url(&self, name: &str) -> String {
        format!("file://{}", self.path(name).display())
    }

    /// Runs a script in `repo`, with what makes repositories the same every time.
    pub(crate) fn script(&self, script: &str) -> String {
        let output = Command::new("/bin/sh")
            .args(["-euc", script])
            .current_dir(self.path("repo"))
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .env("HOME", self.path("programs-home"))
            .env("USER", "stoa")
            .env("HGRCPATH", "/dev/null")
            .env("HGUSER", "stoa")
            .env("HGENCODING", "utf-8")
            .env("BRZ_EMAIL", "stoa <stoa@example.org>")
            .env("LC_ALL", "C.UTF-8")
            .env("TZ", "UTC")
            .output()
            .expect("a shell");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(
            output.status.success(),
            "a repository could not be made: are hg, svn, bzr and fossil installed?\n{script}\n{said}"
        );
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    pub(crate) fn options(&self) -> RepositoryOptions {
        let mut options = RepositoryOptions::new(RunnerSettings::new(self.path("home")));
        options.files = true;
        options.insecure = true;
        options.question_time = Duration::from_secs(30);
        options
    }

    /// Options whose programs are looked for in `programs`, where scripts stand for them.
    pub(crate) fn fake(&self, program: &str, script: &str) -> RepositoryOptions {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = self.path("programs");
        std::fs::create_dir_all(&folder).expect("a folder");
        let path = folder.join(program);
        std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).expect("a script");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("permissions");
        let mut options = self.options();
        options.runner.path = format!("{}:/usr/bin:/bin", folder.display()).into();
        options
    }
}

/// All of an archive.
pub(crate) async fn files(
    repository: &dyn Repository,
    at: &RevisionId,
    subdir: &str,
    limit: u64,
) -> Result<Files, VcsError> {
    let mut archive = repository.archive(at, subdir, limit).await?;
    let kind = repository.vcs();
    let read = move || {
        let mut files = Files::new();
        while let Some(entry) = archive.next_entry()? {
            let mut content = Vec::new();
            let read = entry.content.read_to_end(&mut content);
            read.map_err(|error| VcsError::from_io(&error, kind, stoa_vcs::Step::Archive))?;
            assert_eq!(entry.size, content.len() as u64);
            assert!(files.insert(entry.path, (entry.kind, content)).is_none());
        }
        Ok(files)
    };
    tokio::task::spawn_blocking(read).await.expect("no panic")
}

/// The paths of an archive, as text, in order.
pub(crate) fn names(files: &Files) -> Vec<String> {
    let names = files.keys().map(|path| path.escape_ascii().to_string());
    names.collect()
}

pub(crate) fn file(text: &str) -> (EntryKind, Vec<u8>) {
    (EntryKind::File, text.as_bytes().to_vec())
}

pub(crate) fn link(to: &str) -> (EntryKind, Vec<u8>) {
    (EntryKind::Symlink, to.as_bytes().to_vec())
}

/// Seconds since 1970.
pub(crate) fn at(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}

pub(crate) async fn read(repository: &dyn Repository, at: &RevisionId, path: &str) -> Option<String> {
    let read = repository.read_file(at, path, 1 << 20).await.expect("an answer");
    read.map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}

pub(crate) async fn tag_names(repository: &dyn Repository, prefix: &str) -> Vec<String> {
    let tags = repository.tags(prefix).await.expect("tags");
    tags.list.into_iter().map(|tag| tag.name).collect()
}

/// Waits until no process has the id that is in the file.
pub(crate) fn gone(pid_file: &Path) -> bool {
    let pid = std::fs::read_to_string(pid_file).expect("it has started");
    until(|| {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.trim()));
        stat.map_or(true, |stat| stat.contains(") Z "))
    })
}

/// Waits until it is so, or for long in vain.
pub(crate) fn until(is_so: impl Fn() -> bool) -> bool {
    let until = Instant::now() + Duration::from_secs(10);
    while Instant::now() < until {
        if is_so() {
            return true;
        }
        std::thread::yield_now();
    }
    false
}

//! A folder for one check or test.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tempfile::TempDir;

use crate::RepositoryOptions;
use crate::cache::Cache;
use crate::process::RunnerSettings;

/// How long the suite waits for what must happen soon.
const PATIENCE: Duration = Duration::from_secs(20);

/// A folder for one test: repositories are made in `repo`, what is fetched goes into `cache`. It goes with this.
#[derive(Debug)]
pub struct Workspace {
    dir: TempDir,
    cache: Mutex<Weak<Cache>>,
}

impl Default for Workspace {
    fn default() -> Self {
        Self::new()
    }
}

impl Workspace {
    /// An empty one.
    ///
    /// # Panics
    /// When the folder cannot be made.
    pub fn new() -> Self {
        let dir = tempfile::tempdir().expect("a temporary folder");
        for name in ["home", "repo", "programs-home"] {
            std::fs::create_dir(dir.path().join(name)).expect("a folder");
        }
        let cache = Mutex::new(Weak::new());
        Self { dir, cache }
    }

    /// The cache: the one that is open, or as a new process would open it.
    ///
    /// # Panics
    /// When it cannot be opened.
    pub fn cache(&self) -> Arc<Cache> {
        let mut cache = self.cache.lock();
        cache.upgrade().unwrap_or_else(|| {
            let opened = self.open_cache(1 << 30);
            *cache = Arc::downgrade(&opened);
            opened
        })
    }

    /// The cache once every user of an earlier one has let go of it.
    ///
    /// # Panics
    /// When it cannot be opened.
    pub fn open_cache(&self, limit: u64) -> Arc<Cache> {
        let mut opened = None;
        until(|| match Cache::open(self.path("cache"), limit) {
            Ok(cache) => {
                opened = Some(cache);
                true
            }
            Err(error) => {
                assert_eq!(error.kind(), std::io::ErrorKind::WouldBlock, "{error}");
                false
            }
        });
        opened.expect("the cache is let go of")
    }

    /// What the cache holds of all repositories that the adapters copy as a whole: copies and exports.
    pub fn copies(&self) -> Vec<PathBuf> {
        let list = |folder: PathBuf| std::fs::read_dir(folder).into_iter().flatten().flatten();
        let repositories = list(self.path("cache/repositories"));
        let all = repositories.flat_map(|folder| list(folder.path()));
        all.map(|entry| entry.path()).collect()
    }

    /// A path below the folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// The folder in which repositories are made.
    pub fn repo(&self) -> PathBuf {
        self.path("repo")
    }

    /// A `file` address of something in the folder.
    pub fn url(&self, name: &str) -> String {
        format!("file://{}", self.path(name).display())
    }

    /// Runs a script in `repo`, with an environment that makes repositories the same every time, and gives what it prints.
    ///
    /// # Panics
    /// When it fails, or the program of the system is not installed.
    pub fn script(&self, script: &str) -> String {
        let output = Command::new("/bin/sh")
            .args(["-euc", script])
            .current_dir(self.repo())
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .env("HOME", self.path("programs-home"))
            .env("USER", "stoa")
            .env("HGRCPATH", "/dev/null")
            .env("HGUSER", "stoa")
            .env("HGENCODING", "utf-8")
            .env("BRZ_EMAIL", "stoa <stoa@example.org>")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_AUTHOR_NAME", "A")
            .env("GIT_AUTHOR_EMAIL", "a@example.com")
            .env("GIT_AUTHOR_DATE", "2001-01-01T00:00:00Z")
            .env("GIT_COMMITTER_NAME", "C")
            .env("GIT_COMMITTER_EMAIL", "c@example.com")
            .env("LC_ALL", "C.UTF-8")
            .env("TZ", "UTC")
            .output()
            .expect("a shell");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(
            output.status.success(),
            "a repository could not be made: are git, hg, svn, bzr and fossil installed?\n{script}\n{said}"
        );
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Options that allow the addresses of this machine, and ask the repository at every question.
    pub fn options(&self) -> RepositoryOptions {
        let mut options = RepositoryOptions::new(RunnerSettings::new(self.path("home")));
        options.files = true;
        options.insecure = true;
        options.question_time = Duration::from_secs(30);
        options
    }

    /// Options with which `script` runs in the place of `program`.
    ///
    /// # Panics
    /// When the script cannot be written.
    pub fn fake(&self, program: &str, script: &str) -> RepositoryOptions {
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

/// Waits until it is so; `false` after a long time in vain.
pub fn until(mut is_so: impl FnMut() -> bool) -> bool {
    let until = Instant::now() + PATIENCE;
    while Instant::now() < until {
        if is_so() {
            return true;
        }
        std::thread::yield_now();
    }
    false
}

/// Waits until the process whose id is in the file has ended; `false` after a long time in vain.
///
/// # Panics
/// When the file is not there: the process did not start.
pub fn is_gone(pid_file: &Path) -> bool {
    let pid = std::fs::read_to_string(pid_file).expect("the process has started");
    until(|| {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.trim()));
        stat.map_or(true, |stat| stat.contains(") Z "))
    })
}

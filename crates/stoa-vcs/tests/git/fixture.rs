//! Real repositories, made by scripts, served on this machine.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex, OnceLock, Weak};
use std::time::Duration;

use stoa_testing::git_http::GitHttp;
use stoa_vcs::cache::Cache;
use stoa_vcs::git::{GitOptions, GitRepository, RepoUrl, Transport};
use stoa_vcs::process::{Counters, RunnerSettings};
use stoa_vcs::{Archive, EntryKind, Repository};
use tempfile::TempDir;

/// The repository most tests are about; see the comments in it.
const SCRIPT: &str = r"
git init -q -b main work; cd work
printf 'module m\n' > go.mod; echo a > a.txt; mkdir sub; printf 'module m/sub\n' > sub/go.mod; save 2020-01-01T00:00:01Z
git tag v1.0.0; git branch v1.2.3; git tag both; git branch hexbranch; git tag zeta
noise > big.bin; echo two > a.txt; save 2020-01-02T00:00:02+0200
GIT_COMMITTER_DATE=2021-01-01T00:00:00Z git tag -am annotated v1.1.0; git branch both; git branch abcdef1234
# A side branch with the higher tag, merged into main.
git checkout -q -b side v1.0.0; echo s > side.txt; save 2020-01-03T00:00:03Z; git tag v1.9.0
git checkout -q main; GIT_COMMITTER_DATE=2020-01-04T00:00:04Z git merge -q --no-ff -m merge side
echo late > late.txt; save 2020-01-05T00:00:05Z; git tag sub/v0.1.0
# A tag that main does not descend from.
git checkout -q -b other v1.0.0; echo o > other.txt; save 2020-01-06T00:00:06Z; git tag v2.0.0
# An unmerged change.
git checkout -q --detach main; echo pr > pr.txt; save 2020-01-07T00:00:07Z; git update-ref refs/pull/1/head HEAD
git checkout -q main; git tag filetag HEAD:a.txt
";

/// Serves what a script made.
const MIRROR: &str = r#"
cd "$top"; git clone -q --mirror work srv/r.git; git -C srv/r.git config uploadpack.allowFilter true
"#;

pub(crate) struct Fixture {
    pub(crate) dir: TempDir,
    pub(crate) server: GitHttp,
    pub(crate) counters: Arc<Counters>,
    cache: OnceLock<Arc<Cache>>,
    made: Option<Arc<Fixture>>,
}

impl Fixture {
    /// The repository most tests are about.
    pub(crate) fn new() -> Self {
        // Made once for all tests that run at a time, and removed with the last of them.
        static MADE: Mutex<Weak<Fixture>> = Mutex::new(Weak::new());
        let mut held = MADE.lock().expect("no panic");
        let made = held.upgrade().unwrap_or_else(|| Arc::new(Self::of(SCRIPT)));
        *held = Arc::downgrade(&made);
        drop(held);
        let mut fixture = Self::empty();
        let copied = Command::new("cp")
            .arg("-a")
            .arg(made.dir.path().join("."))
            .arg(fixture.dir.path())
            .status();
        assert!(copied.expect("cp is installed").success());
        fixture.made = Some(made);
        fixture
    }

    /// What `script` makes in the folder `work`, served as `r.git`. `save DATE` commits everything.
    pub(crate) fn of(script: &str) -> Self {
        let fixture = Self::empty();
        fixture.sh(&format!("{script}\n{MIRROR}"));
        fixture
    }

    /// A server without repositories.
    pub(crate) fn bare() -> Self {
        let fixture = Self::empty();
        fixture.sh("mkdir -p srv");
        fixture
    }

    fn empty() -> Self {
        let dir = tempfile::tempdir().expect("a temporary folder");
        Self {
            server: GitHttp::start(&dir.path().join("srv")),
            counters: Arc::default(),
            cache: OnceLock::new(),
            made: None,
            dir,
        }
    }

    /// Runs a script in the fixture's folder and gives what it prints, trimmed.
    pub(crate) fn sh(&self, script: &str) -> String {
        let save = "top=$PWD\n\
                    noise() { awk 'BEGIN { srand(1); for (i = 0; i < 200000; i++) printf \"%c\", 33 + rand() * 90 }'; }\n\
                    save() { git add -A; GIT_COMMITTER_DATE=$1 git commit -q --allow-empty -m \"at $1\"; }\n\
                    push() { git -C work push -q -f --mirror ../srv/r.git; }\n";
        let output = Command::new("bash")
            .args(["-euc", &format!("{save}{script}")])
            .current_dir(self.dir.path())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.dir.path())
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_AUTHOR_NAME", "A")
            .env("GIT_AUTHOR_EMAIL", "a@example.com")
            .env("GIT_AUTHOR_DATE", "2001-01-01T00:00:00Z")
            .env("GIT_COMMITTER_NAME", "C")
            .env("GIT_COMMITTER_EMAIL", "c@example.com")
            .env("GIT_COMMITTER_DATE", "2020-02-01T00:00:00Z")
            .output()
            .expect("bash is installed");
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    /// The hash of a revision in `work`.
    pub(crate) fn hash(&self, revision: &str) -> String {
        self.sh(&format!("git -C work rev-parse '{revision}^{{commit}}'"))
    }

    /// The cache of all handles that say nothing else.
    pub(crate) fn cache(&self) -> Arc<Cache> {
        let open = || Cache::open(self.dir.path().join("cache"), 1 << 30).expect("a cache");
        Arc::clone(self.cache.get_or_init(open))
    }

    pub(crate) fn options(&self) -> GitOptions {
        let home = self.dir.path().join("home");
        std::fs::create_dir_all(&home).expect("a home");
        let mut runner = RunnerSettings::new(home);
        runner.path = std::env::var_os("PATH").expect("a path");
        runner.counters = Arc::clone(&self.counters);
        GitOptions {
            transports: vec![Transport::Http, Transport::File],
            runner: Some(runner),
            fetch_time: Duration::from_secs(60),
            freshness: Duration::from_secs(600),
            ..GitOptions::default()
        }
    }

    pub(crate) fn url(&self) -> RepoUrl {
        RepoUrl::parse(&format!("{}/r.git", self.server.url())).expect("a URL")
    }

    /// A handle over HTTP with a cache of its own.
    pub(crate) fn open(&self) -> GitRepository {
        self.open_with(self.cache(), self.options())
    }

    pub(crate) fn open_with(&self, cache: Arc<Cache>, options: GitOptions) -> GitRepository {
        GitRepository::open(self.url(), cache, options).expect("an allowed URL")
    }
}

/// The entries of an archive: path, kind, content.
pub(crate) fn entries(mut archive: Box<dyn Archive>) -> Vec<(String, EntryKind, Vec<u8>)> {
    let mut all = Vec::new();
    while let Some(entry) = archive.next_entry().expect("it goes on") {
        let mut content = Vec::new();
        entry.content.read_to_end(&mut content).expect("it goes on");
        assert_eq!(content.len() as u64, entry.size);
        all.push((entry.path.escape_ascii().to_string(), entry.kind, content));
    }
    all
}

/// The text of a file at a revision.
pub(crate) async fn text(repository: &GitRepository, revision: &str, path: &str) -> Option<String> {
    let at = repository.stat(revision).await.expect("a revision").id;
    let bytes = repository.read_file(&at, path, 1 << 20).await.expect("readable");
    bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}

/// All processes whose arguments name `path`.
pub(crate) fn processes_about(path: &Path) -> Vec<PathBuf> {
    let wanted = path.display().to_string();
    let all = std::fs::read_dir("/proc")
        .expect("proc")
        .flatten()
        .map(|entry| entry.path());
    let about = |process: &PathBuf| {
        let read = |file: &str| std::fs::read(process.join(file)).unwrap_or_default();
        let text = [read("cmdline"), read("environ")].concat();
        String::from_utf8_lossy(&text).contains(&wanted)
    };
    all.filter(about)
        .filter(|process| process != &PathBuf::from(format!("/proc/{}", std::process::id())))
        .collect()
}

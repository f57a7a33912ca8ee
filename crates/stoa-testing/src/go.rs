//! The real go command, cut off from the machine's own settings.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

mod snapshot;

/// What installs the go distribution, and the only place that says which one.
const INSTALLER: &str = include_str!("../../../scripts/tools.sh");

/// How long one go command may run.
const DEADLINE: Duration = Duration::from_mins(5);

/// A go command with its own module cache, `GOPATH`, home and working directory, all of which vanish
/// with it, and no way to the network but the given `GOPROXY`. It verifies checksums only with [`verify_with`](Self::verify_with).
///
/// The build cache is shared by all tests: it holds compiled packages by content, never modules.
#[derive(Debug)]
pub struct GoClient {
    root: TempDir,
    go: PathBuf,
    build_cache: PathBuf,
    environment: BTreeMap<String, String>,
}

/// What a go command did.
#[derive(Clone, Debug)]
pub struct GoOutput {
    /// The command line.
    pub command: String,
    /// The exit status.
    pub status: ExitStatus,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl GoOutput {
    /// Whether it exited with 0.
    pub fn success(&self) -> bool {
        self.status.success()
    }

    /// The output, or a failed test that shows all of it.
    #[must_use = "use it or bind it to _"]
    pub fn expect_success(self) -> Self {
        assert!(
            self.success(),
            "{} failed: {}\n{}{}",
            self.command,
            self.status,
            self.stdout,
            self.stderr
        );
        self
    }

    /// The output, or a failed test if the command succeeded.
    #[must_use = "use it or bind it to _"]
    pub fn expect_failure(self) -> Self {
        assert!(
            !self.success(),
            "{} succeeded\n{}{}",
            self.command,
            self.stdout,
            self.stderr
        );
        self
    }
}

impl GoClient {
    /// A client of this `GOPROXY` list, which has downloaded nothing yet.
    ///
    /// The go command is `$STOA_GO`, else the one that `make tools` installs; panics without it.
    pub fn new(goproxy: &str) -> Self {
        let go = environment("STOA_GO").map_or_else(|| goroot().join("bin/go"), PathBuf::from);
        Self::with_command(go, goproxy)
    }

    /// The same, of a go command that is newer: it looks up every toolchain in the checksum database.
    pub fn newer(goproxy: &str) -> Self {
        let version = said_by_installer("newer_go_version=", '\n');
        Self::with_command(tools().join(format!("go-{version}/bin/go")), goproxy)
    }

    fn with_command(go: PathBuf, goproxy: &str) -> Self {
        let tools = tools();
        assert!(
            go.is_file(),
            "no go command at {}: run `make tools` (or set STOA_GO)",
            go.display()
        );
        let root = tempfile::Builder::new().prefix("stoa-go-").tempdir().unwrap();
        // With telemetry on, the go command leaves a child behind that writes to its home.
        let telemetry = root.path().join("home/.config/go/telemetry");
        fs::create_dir_all(&telemetry).unwrap();
        fs::write(telemetry.join("mode"), "off").unwrap();
        fs::create_dir_all(root.path().join("work")).unwrap();
        fs::create_dir_all(root.path().join("tmp")).unwrap();
        let mut client = Self {
            root,
            go,
            build_cache: tools.join("build-cache"),
            environment: BTreeMap::new(),
        };
        client.set_defaults(goproxy);
        client
    }

    fn set_defaults(&mut self, goproxy: &str) {
        let at = |name: &str| self.root.path().join(name).display().to_string();
        let path = format!(
            "{}:/usr/bin:/bin",
            self.go.parent().unwrap_or(Path::new("/")).display()
        );
        let defaults = [
            ("PATH", path),
            ("HOME", at("home")),
            ("TMPDIR", at("tmp")),
            ("GOPATH", at("gopath")),
            ("GOMODCACHE", at("modcache")),
            ("GOCACHE", self.build_cache.display().to_string()),
            ("GOENV", "off".to_owned()),
            ("GOFLAGS", "-modcacherw".to_owned()),
            ("GOPROXY", goproxy.to_owned()),
            ("GOPRIVATE", String::new()),
            ("GONOPROXY", String::new()),
            ("GONOSUMDB", String::new()),
            ("GOSUMDB", "off".to_owned()),
            ("GOTOOLCHAIN", "local".to_owned()),
            ("GOVCS", "*:off".to_owned()),
            ("GOWORK", "off".to_owned()),
            ("CGO_ENABLED", "0".to_owned()),
            ("GIT_TERMINAL_PROMPT", "0".to_owned()),
        ];
        self.environment = defaults
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect();
    }

    /// Sets an environment variable, which may be one that was set already.
    #[must_use]
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.environment.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Verifies modules with this checksum database: a `GOSUMDB`, as
    /// [`SumDatabase::gosumdb`](crate::sum_database::SumDatabase::gosumdb) has it.
    #[must_use]
    pub fn verify_with(self, gosumdb: &str) -> Self {
        self.env("GOSUMDB", gosumdb)
    }

    /// The directory the commands run in.
    pub fn directory(&self) -> PathBuf {
        self.root.path().join("work")
    }

    /// The module cache.
    pub fn module_cache(&self) -> PathBuf {
        self.root.path().join("modcache")
    }

    /// The home directory, for a `.netrc` or a `.gitconfig`.
    pub fn home(&self) -> PathBuf {
        self.root.path().join("home")
    }

    /// Writes a file below the working directory.
    pub fn write(&self, name: &str, content: &str) -> &Self {
        let path = self.directory().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
        self
    }

    /// Reads a file below the working directory.
    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.directory().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// Runs `go` with these arguments and waits for it; after five minutes it is killed.
    ///
    /// This blocks: in a test whose server runs on the same runtime, use [`GoClient::run_async`].
    pub fn run(&self, arguments: &[&str]) -> GoOutput {
        // Output goes to files: a pipe would have to be drained, and outlives a killed command.
        let capture = |name| tempfile::NamedTempFile::with_prefix_in(name, self.root.path()).unwrap();
        let (stdout, stderr) = (capture("stdout"), capture("stderr"));
        let writer = |file: &tempfile::NamedTempFile| Stdio::from(File::create(file.path()).unwrap());
        let mut child = Command::new(&self.go)
            .args(arguments)
            .env_clear()
            .envs(&self.environment)
            .current_dir(self.directory())
            .stdin(Stdio::null())
            .stdout(writer(&stdout))
            .stderr(writer(&stderr))
            .spawn()
            .unwrap();
        let status = crate::process::wait(&mut child, Instant::now() + DEADLINE);
        let command = format!("go {}", arguments.join(" "));
        let read =
            |file: &tempfile::NamedTempFile| String::from_utf8_lossy(&fs::read(file).unwrap()).into_owned();
        let Some(status) = status else {
            let _ = child.kill();
            let _ = child.wait();
            panic!("{command} did not end in {DEADLINE:?}:\n{}", read(&stderr))
        };
        GoOutput {
            command,
            status,
            stdout: read(&stdout),
            stderr: read(&stderr),
        }
    }

    /// [`GoClient::run`] on a thread of its own.
    pub async fn run_async(self: &std::sync::Arc<Self>, arguments: &[&str]) -> GoOutput {
        let client = std::sync::Arc::clone(self);
        let arguments: Vec<String> = arguments.iter().map(|argument| (*argument).to_owned()).collect();
        let run = move || client.run(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
        tokio::task::spawn_blocking(run).await.unwrap()
    }

    /// Every file of the module cache (downloads and extracted trees) with its SHA-256, for comparing
    /// two caches file by file. Locks and clones of repositories are left out.
    pub fn module_cache_snapshot(&self) -> BTreeMap<String, String> {
        snapshot::take(&self.module_cache())
    }

    /// Empties the module cache.
    pub fn clean_module_cache(&self) {
        if self.module_cache().is_dir() {
            fs::remove_dir_all(self.module_cache()).unwrap();
        }
    }
}

/// The go distribution that `scripts/tools.sh` installs.
pub(crate) fn goroot() -> PathBuf {
    tools().join(format!("go-{}", version()))
}

/// The version of Go that `scripts/tools.sh` installs: its own, or `STOA_GO_VERSION`.
pub fn version() -> String {
    let own = || said_by_installer("\ngo_version=${STOA_GO_VERSION:-", '}');
    environment("STOA_GO_VERSION").unwrap_or_else(own)
}

/// What stands in `scripts/tools.sh` between these.
fn said_by_installer(before: &str, after: char) -> String {
    let line = INSTALLER.split_once(before);
    let version = line.and_then(|(_, rest)| rest.split_once(after));
    version.expect("scripts/tools.sh names a version").0.to_owned()
}

/// Where `scripts/tools.sh` installs.
pub fn tools() -> PathBuf {
    let home = || environment("HOME").expect("HOME is set");
    environment("STOA_TOOLS").map_or_else(|| Path::new(&home()).join(".cache/stoa/tools"), PathBuf::from)
}

/// A variable of the machine that runs the tests; an empty one counts as unset.
#[expect(
    clippy::disallowed_methods,
    reason = "where the tools are is a matter of the machine, not of stoa"
)]
pub fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

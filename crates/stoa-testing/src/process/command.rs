//! What to start.

use std::path::Path;
use std::process::{Command, Stdio};

use super::StoaProcess;
use super::log::Log;

/// How a [`StoaProcess`] is started: `serve`, on port 0 unless an address is given, in an environment with `PATH`, `TMPDIR` and
/// what is added here, and nothing else.
#[derive(Debug)]
pub struct StoaCommand {
    command: Command,
    listen: String,
}

impl StoaProcess {
    /// Describes a run of this binary: `env!("CARGO_BIN_EXE_stoa")` in a test of the binary's crate.
    pub fn command(binary: &str) -> StoaCommand {
        StoaCommand::new(binary)
    }

    /// Starts `BINARY serve --storage STORAGE --upstream UPSTREAM EXTRA... --listen 127.0.0.1:0` and
    /// waits until it listens; panics with its output if it does not.
    pub fn start(binary: &str, storage: &Path, upstream: &str, extra: &[&str]) -> Self {
        Self::command(binary)
            .storage(storage)
            .upstream(upstream)
            .args(extra)
            .start()
    }
}

impl StoaCommand {
    pub(super) fn new(binary: &str) -> Self {
        let mut command = Command::new(binary);
        command
            .arg("serve")
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .env("TMPDIR", std::env::temp_dir())
            .env("NO_COLOR", "1")
            // No packet leaves the machine: a checksum database is only asked where a test has one.
            .env("STOA_SUMDB_DATABASES", "")
            // Tests ask for many names; those of the default say so.
            .env("STOA_ALLOWED_HOSTS", "*")
            // To most tests metrics are a means. Who may see them is tested by those that take this away.
            .env("STOA_METRICS_PUBLIC", "true")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        Self {
            command,
            listen: "127.0.0.1:0".to_owned(),
        }
    }

    /// Listens here instead of on port 0 of 127.0.0.1.
    #[must_use]
    pub fn listen(mut self, address: &str) -> Self {
        address.clone_into(&mut self.listen);
        self
    }

    /// Keeps modules in this directory.
    #[must_use]
    pub fn storage(self, directory: &Path) -> Self {
        self.arg("--storage")
            .arg(directory.to_str().expect("a path in UTF-8"))
    }

    /// Asks these upstreams, in GOPROXY syntax.
    #[must_use]
    pub fn upstream(self, list: &str) -> Self {
        self.arg("--upstream").arg(list)
    }

    /// Adds an argument.
    #[must_use]
    pub fn arg(self, argument: &str) -> Self {
        self.args(&[argument])
    }

    /// Adds arguments.
    #[must_use]
    pub fn args(mut self, arguments: &[&str]) -> Self {
        self.command.args(arguments);
        self
    }

    /// Adds an environment variable.
    #[must_use]
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    /// Sets the working directory.
    #[must_use]
    pub fn directory(mut self, directory: &Path) -> Self {
        self.command.current_dir(directory);
        self
    }

    /// Starts it and waits until it listens; panics with its output if it does not.
    pub fn start(self) -> StoaProcess {
        self.launch()
            .unwrap_or_else(|failed| panic!("stoa did not start: {}\n{}", failed.0, failed.1.output()))
    }

    /// Starts it expecting that it ends without listening; returns the exit code (`None` if a signal
    /// ended it) and the output. Panics if it listens or stays.
    pub fn start_expecting_exit(self) -> (Option<i32>, String) {
        match self.launch() {
            Ok(process) => panic!("stoa started on {}:\n{}", process.url(), process.output()),
            Err(failed) => match failed.1.status {
                Some(status) => (status.code(), failed.1.output()),
                None => panic!("{}\n{}", failed.0, failed.1.output()),
            },
        }
    }

    fn launch(mut self) -> Result<StoaProcess, Box<(String, StoaProcess)>> {
        let mut child = self
            .command
            .args(["--listen", &self.listen])
            .spawn()
            .unwrap_or_else(|error| panic!("{:?}: {error}", self.command));
        let log = Log::default();
        log.follow(child.stdout.take().expect("stdout is piped"));
        log.follow(child.stderr.take().expect("stderr is piped"));
        StoaProcess::listening(child, log)
    }
}

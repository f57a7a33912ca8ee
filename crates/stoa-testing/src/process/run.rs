//! A command that ends by itself.

use std::fs::File;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// How long it may take.
const DEADLINE: Duration = Duration::from_mins(1);

/// What a command did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finished {
    /// The exit code, `None` if a signal ended it.
    pub code: Option<i32>,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

/// Runs a binary to its end in an environment with `PATH`, `TMPDIR`, no checksum database and what is given here; after
/// a minute it is killed and the test fails.
pub fn run(binary: &str, arguments: &[&str], environment: &[(&str, &str)]) -> Finished {
    // Files rather than pipes: a pipe would have to be drained while the program runs.
    let files = tempfile::tempdir().unwrap();
    let (stdout, stderr) = (files.path().join("stdout"), files.path().join("stderr"));
    let mut child = Command::new(binary)
        .args(arguments)
        .env_clear()
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
        .env("TMPDIR", std::env::temp_dir())
        .env("STOA_SUMDB_DATABASES", "")
        .envs(environment.iter().copied())
        .stdin(Stdio::null())
        .stdout(File::create(&stdout).unwrap())
        .stderr(File::create(&stderr).unwrap())
        .spawn()
        .unwrap_or_else(|error| panic!("{binary}: {error}"));
    let status = super::wait(&mut child, Instant::now() + DEADLINE);
    let read = |file| String::from_utf8_lossy(&std::fs::read(file).unwrap()).into_owned();
    let Some(status) = status else {
        let _ = child.kill();
        let _ = child.wait();
        panic!(
            "{binary} {arguments:?} did not end in {DEADLINE:?}:\n{}",
            read(&stderr)
        )
    };
    Finished {
        code: status.code(),
        stdout: read(&stdout),
        stderr: read(&stderr),
    }
}

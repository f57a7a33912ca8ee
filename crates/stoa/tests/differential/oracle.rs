//! cmd/go's own code, asked.

use std::fmt;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::questions::Questions;

/// The program that `scripts/tools.sh` builds out of `oracle/` and the go distribution. It serves the repositories, too.
#[derive(Clone, Debug)]
pub(crate) struct Oracle(Arc<Mutex<Process>>);

#[derive(Debug)]
struct Process {
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
    server: String,
}

/// What cmd/go says to one query.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Answer {
    pub(crate) query: String,
    pub(crate) error: Option<Failure>,
    pub(crate) info: Option<Value>,
    pub(crate) list: Option<Vec<String>>,
    #[serde(default, rename = "Mod", deserialize_with = "base64")]
    pub(crate) go_mod: Option<Vec<u8>>,
    #[serde(rename = "ModError")]
    pub(crate) go_mod_error: Option<Failure>,
    pub(crate) zip: Option<Zip>,
    pub(crate) zip_error: Option<Failure>,
}

/// An error and its class.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Failure {
    pub(crate) text: String,
    pub(crate) not_exist: bool,
    /// The go.mod wants a later version of Go than the oracle is.
    pub(crate) too_new: bool,
}

/// What a module zip holds.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Zip {
    #[serde(rename = "H1")]
    pub(crate) h1: String,
    #[serde(rename = "Files")]
    pub(crate) files: Option<Vec<File>>,
}

/// A file of a zip.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, PartialOrd, Ord)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct File {
    pub(crate) name: String,
    /// SHA-256, in hexadecimal.
    pub(crate) sum: String,
}

fn base64<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Vec<u8>>, D::Error> {
    let text = Option::<String>::deserialize(from)?;
    Ok(text.map(|text| BASE64_STANDARD.decode(text).unwrap()))
}

impl Oracle {
    /// Starts it for the repositories below a folder. What it keeps meanwhile goes to another one.
    pub(crate) fn start(repositories: &Path, work: &Path) -> Self {
        let program = stoa_testing::go::tools().join(format!("oracle-{}", stoa_testing::go::version()));
        let home = work.join("home");
        std::fs::create_dir_all(&home).unwrap();
        let mut child = Command::new(&program)
            .arg(repositories)
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .env("HOME", &home)
            .env("TMPDIR", work)
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_TERMINAL_PROMPT", "0")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}; run scripts/tools.sh", program.display()));
        let stdin = child.stdin.take().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut server = String::new();
        stdout.read_line(&mut server).unwrap();
        Self(Arc::new(Mutex::new(Process {
            child,
            stdin,
            stdout,
            server: server.trim().to_owned(),
        })))
    }

    /// Where the repositories are served, without a slash at the end.
    pub(crate) fn server(&self) -> String {
        self.0.lock().unwrap().server.clone()
    }

    /// Asks about one module. The question is asked at once, not when the answer is waited for.
    pub(crate) fn ask(&self, questions: &Questions) -> impl Future<Output = Vec<Answer>> + use<> {
        let mut line = serde_json::to_string(questions).unwrap();
        line.push('\n');
        let process = Arc::clone(&self.0);
        let asked = tokio::task::spawn_blocking(move || process.lock().unwrap().ask(&line));
        async { asked.await.unwrap() }
    }
}

impl Process {
    fn ask(&mut self, line: &str) -> Vec<Answer> {
        self.stdin.write_all(line.as_bytes()).unwrap();
        let mut answer = String::new();
        self.stdout.read_line(&mut answer).unwrap();
        serde_json::from_str(&answer).unwrap_or_else(|error| panic!("the oracle said {answer:?}: {error}"))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let class = if self.not_exist { "does not exist" } else { "fails" };
        write!(f, "{class}: {}", self.text)
    }
}

//! A secret, and all the places where it must not be.

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use stoa_testing::http::Response;
use stoa_testing::process::StoaProcess;

use crate::support::{Place, files};

/// How long strace may take.
const DEADLINE: Duration = Duration::from_secs(30);

/// A secret in all its spellings.
pub(crate) struct Canary {
    spellings: Vec<String>,
}

impl Canary {
    /// The password of a user: raw, percent-encoded, and with the user in base64 as it stands in a header.
    pub(crate) fn password(user: &str, password: &str) -> Self {
        let encoded: String = password
            .bytes()
            .map(|byte| match byte {
                b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' => char::from(byte).to_string(),
                byte => format!("%{byte:02X}"),
            })
            .collect();
        let all = encoded.replace('-', "%2D");
        let both = BASE64_STANDARD.encode(format!("{user}:{password}"));
        Self {
            spellings: vec![password.to_owned(), encoded, all, both],
        }
    }

    /// A file: each of its long lines.
    pub(crate) fn file(path: &std::path::Path) -> Self {
        let text = fs::read_to_string(path).unwrap();
        let lines = text
            .lines()
            .filter(|line| line.len() > 40 && !line.starts_with('-'));
        Self {
            spellings: lines.map(str::to_owned).collect(),
        }
    }

    #[track_caller]
    fn assert_absent(&self, place: &str, bytes: &[u8]) {
        assert!(!self.spellings.is_empty());
        for spelling in &self.spellings {
            let found = bytes
                .windows(spelling.len())
                .any(|part| part == spelling.as_bytes());
            assert!(
                !found,
                "the secret is in {place}: {}",
                String::from_utf8_lossy(bytes)
            );
        }
    }

    /// Looks for it in the log, in answers, in what was executed and with which variables, and in all that is stored.
    #[track_caller]
    pub(crate) fn assert_nowhere(
        &self,
        place: &Place,
        stoa: &StoaProcess,
        answers: &[Response],
        executed: &str,
    ) {
        self.assert_absent("the log", stoa.output().as_bytes());
        for answer in answers {
            self.assert_absent("an answer", &answer.body);
            self.assert_absent("a header", format!("{:?}", answer.headers).as_bytes());
        }
        let git = ["remote-https", "ls-remote"];
        assert!(
            git.iter().any(|git| executed.contains(git)),
            "git was run: {executed}"
        );
        self.assert_absent("arguments and variables", executed.as_bytes());
        wait_for_programs(place);
        let stored: Vec<_> = ["vcs", "storage"].map(|name| files(&place.path(name))).concat();
        assert!(!stored.is_empty());
        for path in stored {
            self.assert_absent("the name of a file", path.as_os_str().as_encoded_bytes());
            match fs::read(&path) {
                Ok(bytes) => self.assert_absent(&path.display().to_string(), &bytes),
                // Git's housekeeping goes on.
                Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::NotFound, "{}", path.display()),
            }
        }
        self.assert_absent("the arguments of stoa", &of_stoa(stoa));
    }
}

/// Waits until no program runs any more that was given a secret: it is on the disk as long.
#[track_caller]
fn wait_for_programs(place: &Place) {
    let sessions = place.path("vcs/sessions");
    let until = Instant::now() + Duration::from_secs(30);
    while fs::read_dir(&sessions).is_ok_and(|mut folder| folder.next().is_some()) {
        assert!(Instant::now() < until, "{} stays", sessions.display());
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn of_stoa(stoa: &StoaProcess) -> Vec<u8> {
    fs::read(format!("/proc/{}/cmdline", stoa.pid())).unwrap()
}

/// strace, attached to a process and to all that it starts; it writes down every program with its whole arguments and
/// variables.
pub(crate) struct Executed {
    child: Child,
    file: PathBuf,
}

impl Executed {
    pub(crate) fn by(stoa: &StoaProcess, place: &Place) -> Self {
        let file = place.path("executed");
        let child = Command::new("strace")
            .args(["-f", "-qq", "-v", "-s", "1000000", "-e", "trace=execve", "-o"])
            .arg(&file)
            .args(["-p", &stoa.pid().to_string()])
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("strace is installed by scripts/tools.sh");
        // It says nothing when it is attached; the kernel does, of each thread.
        let tasks = format!("/proc/{}/task", stoa.pid());
        let tracer = format!("TracerPid:\t{}\n", child.id());
        let started = Instant::now();
        let attached = || {
            let mut tasks = fs::read_dir(&tasks).unwrap();
            tasks.all(|task| {
                let status = fs::read_to_string(task.unwrap().path().join("status"));
                status.is_ok_and(|status| status.contains(&tracer))
            })
        };
        while !attached() {
            assert!(started.elapsed() < DEADLINE, "strace does not attach");
            std::thread::yield_now();
        }
        Self { child, file }
    }

    /// Detaches, and returns what was executed.
    pub(crate) fn end(mut self) -> String {
        let pid = self.child.id().to_string();
        assert!(
            Command::new("kill")
                .args(["-INT", &pid])
                .status()
                .unwrap()
                .success()
        );
        let _ = self.child.wait().unwrap();
        fs::read_to_string(&self.file).unwrap()
    }
}

//! The real binary as a child process.

use std::path::PathBuf;
use std::process::{Child, ExitStatus};
use std::sync::OnceLock;
use std::thread;
use std::time::{Duration, Instant};

mod command;
mod log;
mod run;

pub use command::StoaCommand;
pub use run::{Finished, run};

use log::Log;

/// How long the server may take to start, and a log line to come.
const DEADLINE: Duration = Duration::from_secs(30);

/// How the line begins that names the file of the admin token.
const TOKEN_LINE: &str = "admin token: ";

/// How the last line begins that tells of the start.
const LAST_LINE: &str = "upstream: ";

/// How often an exit is looked for: the system offers nothing to wait on with a deadline.
const POLL: Duration = Duration::from_millis(2);

/// A running `stoa serve`. Dropping it kills and reaps it.
#[derive(Debug)]
pub struct StoaProcess {
    child: Child,
    log: Log,
    url: String,
    status: Option<ExitStatus>,
    token_file: OnceLock<Option<PathBuf>>,
}

impl StoaProcess {
    /// Waits for the line that tells the port. `Err` is the reason it will not come.
    fn listening(child: Child, log: Log) -> Result<Self, Box<(String, Self)>> {
        let mut process = Self {
            child,
            log,
            url: String::new(),
            status: None,
            token_file: OnceLock::new(),
        };
        let announced = process.log.wait(DEADLINE, |line| listening_url(line).is_some());
        match announced.as_deref().and_then(listening_url) {
            Some(url) => {
                process.url = url;
                Ok(process)
            }
            None if process.log.ended() => {
                let status = process.wait(DEADLINE);
                let reason =
                    status.map_or_else(|| "it closed its output".to_owned(), |status| status.to_string());
                Err(Box::new((reason, process)))
            }
            None => Err(Box::new((
                format!("it said nothing of listening in {DEADLINE:?}"),
                process,
            ))),
        }
    }

    /// `http://127.0.0.1:PORT` (or `https:`), without a slash at the end; `unix:PATH` for a unix socket.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The file with the admin token that the server has made, unless the configuration names one.
    pub fn admin_token_file(&self) -> Option<PathBuf> {
        let find = || {
            self.log.wait(DEADLINE, |line| line.starts_with(LAST_LINE))?;
            let line = self.log.find(|line| line.starts_with(TOKEN_LINE))?;
            Some(line.trim_start_matches(TOKEN_LINE).into())
        };
        // Remembered, as the first lines of a server that is asked for long are not kept.
        self.token_file.get_or_init(find).clone()
    }

    /// The value of an `Authorization` header with that token.
    pub fn admin_authorization(&self) -> Option<String> {
        let token = std::fs::read_to_string(self.admin_token_file()?).ok()?;
        Some(format!("Bearer {}", token.trim_end()))
    }

    /// The process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Memory in RAM now (`VmRSS`).
    pub fn rss_bytes(&self) -> u64 {
        self.memory("VmRSS:")
    }

    /// The most memory in RAM so far (`VmHWM`).
    pub fn peak_rss_bytes(&self) -> u64 {
        self.memory("VmHWM:")
    }

    fn memory(&self, field: &str) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix(field));
        let kib = line.and_then(|line| line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok());
        kib.unwrap_or_else(|| {
            panic!(
                "process {} has no {field} (has it ended?)\n{}",
                self.pid(),
                self.log
            )
        }) * 1024
    }

    /// How many files it has open.
    pub fn open_files(&self) -> usize {
        std::fs::read_dir(format!("/proc/{}/fd", self.pid())).map_or(0, Iterator::count)
    }

    /// All it has printed so far, both streams in the order the lines came (the last 20,000).
    pub fn output(&self) -> String {
        self.log.to_string()
    }

    /// Waits for a line that contains this text, one that was printed already included.
    pub fn wait_for_log(&self, text: &str) -> String {
        let found = self.log.wait(DEADLINE, |line| line.contains(text));
        found.unwrap_or_else(|| panic!("no line with {text:?} was printed:\n{}", self.log))
    }

    /// The exit status if it ends within this time, or has ended.
    pub fn wait(&mut self, deadline: Duration) -> Option<ExitStatus> {
        self.status = self
            .status
            .or_else(|| wait(&mut self.child, Instant::now() + deadline));
        self.status
    }

    /// Asks it to shut down (SIGTERM).
    pub fn sigterm(&self) {
        self.signal("TERM");
    }

    /// Sends a signal by name, such as `HUP`, unless it has been reaped.
    pub fn signal(&self, name: &str) {
        if self.status.is_none() {
            // Not reaped, so the number is still this process's. The shell's kill is built in.
            let kill = format!("kill -s {name} {}", self.pid());
            let sent = std::process::Command::new("/bin/sh")
                .args(["-c", &kill])
                .status()
                .unwrap();
            assert!(sent.success(), "cannot send {name} to {}", self.pid());
        }
    }

    /// Asks it to shut down and returns its exit status; panics with its output if it takes longer.
    pub fn sigterm_and_wait(&mut self, deadline: Duration) -> ExitStatus {
        self.sigterm();
        let status = self.wait(deadline);
        status.unwrap_or_else(|| panic!("still running {deadline:?} after SIGTERM:\n{}", self.log))
    }

    /// Kills it (SIGKILL) and reaps it.
    pub fn kill9(&mut self) {
        if self.status.is_none() {
            self.child.kill().unwrap();
            self.status = Some(self.child.wait().unwrap());
        }
    }
}

impl Drop for StoaProcess {
    fn drop(&mut self) {
        self.kill9();
        if thread::panicking() {
            self.log.print();
        }
    }
}

/// The exit status, `None` if the deadline passes first.
pub(crate) fn wait(child: &mut Child, deadline: Instant) -> Option<ExitStatus> {
    loop {
        if let Some(status) = child.try_wait().expect("a child of ours") {
            return Some(status);
        }
        if Instant::now() >= deadline {
            return None;
        }
        thread::sleep(POLL);
    }
}

/// The address in a line like `listening on http://127.0.0.1:PORT` or `listening on unix:PATH`.
fn listening_url(line: &str) -> Option<String> {
    const MARK: &str = "listening on ";
    let start = line.to_ascii_lowercase().find(MARK)? + MARK.len();
    let said = line[start..]
        .split(|letter: char| letter.is_whitespace() || letter == '"')
        .next()?;
    if said.starts_with("unix:") {
        return Some(said.to_owned());
    }
    let (scheme, rest) = said
        .split_once("://")
        .filter(|(scheme, _)| scheme.starts_with("http"))?;
    let is_address = |byte: &char| byte.is_ascii_digit() || ".:[]".contains(*byte);
    let address: String = rest.chars().take_while(is_address).collect();
    let address: std::net::SocketAddr = address.trim_end_matches(['.', ':']).parse().ok()?;
    (address.port() != 0).then(|| format!("{scheme}://{address}"))
}

#[cfg(test)]
mod tests {
    use super::listening_url;

    #[test]
    fn the_port_is_found_in_any_dress() {
        let url = Some("http://127.0.0.1:4321".to_owned());
        assert_eq!(
            listening_url("INFO stoa: Listening on http://127.0.0.1:4321 storage=x"),
            url
        );
        assert_eq!(
            listening_url(r#"{"message":"listening on http://127.0.0.1:4321"}"#),
            url
        );
        assert_eq!(listening_url("listening on http://127.0.0.1:4321."), url);
        assert_eq!(listening_url("listening on http://127.0.0.1:0"), None);
        assert_eq!(
            listening_url("listening on https://127.0.0.1:4321/go"),
            Some("https://127.0.0.1:4321".to_owned())
        );
        assert_eq!(
            listening_url("listening on unix:/run/stoa"),
            Some("unix:/run/stoa".to_owned())
        );
    }
}

//! What operators have done that cannot be undone.

use std::{
    fs::OpenOptions,
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::PathBuf,
    time::SystemTime,
};

use serde::Serialize;
use tokio::{sync::Semaphore, task::spawn_blocking};

/// The log of administration: a line of JSON for each thing that was done, appended to a file that only its owner reads, and
/// told to the log of the server too.
#[derive(Debug)]
pub struct AdminLog {
    file: Option<PathBuf>,
    turn: Semaphore,
}

/// A line.
#[derive(Debug, Serialize)]
struct Entry<'a> {
    at: String,
    action: &'a str,
    what: &'a str,
    reason: &'a str,
    /// The request that asked for it.
    request: &'a str,
}

impl AdminLog {
    /// In this file; without one, only in the log of the server.
    pub fn new(file: Option<PathBuf>) -> Self {
        Self {
            file,
            turn: Semaphore::new(1),
        }
    }

    /// Writes down that something is about to be done. When it returns, the line survives a crash.
    ///
    /// # Errors
    /// When the line cannot be written: nothing should be done then.
    pub async fn write(&self, action: &str, what: &str, reason: &str, request: &str) -> io::Result<()> {
        tracing::info!(action, what, reason, "an operator does this");
        let Some(file) = self.file.clone() else {
            return Ok(());
        };
        let at = stoa_index::Timestamp::from(SystemTime::now()).to_string();
        let entry = Entry {
            at,
            action,
            what,
            reason,
            request,
        };
        let mut line = serde_json::to_string(&entry)?;
        line.push('\n');
        let _turn = self.turn.acquire().await;
        let append = move || {
            let mut options = OpenOptions::new();
            let mut file = options.create(true).append(true).mode(0o600).open(file)?;
            file.write_all(line.as_bytes())?;
            file.sync_data()
        };
        spawn_blocking(append).await.map_err(io::Error::other)?
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn lines_are_appended_for_the_owner() {
        use std::os::unix::fs::PermissionsExt as _;

        let directory = tempfile::tempdir().expect("a directory");
        let file = directory.path().join("admin.log");
        let log = AdminLog::new(Some(file.clone()));
        log.write("rm", "a.example/m@v1.0.0", "bad \"licence\"\n", "id-1")
            .await
            .expect("written");
        log.write("rm", "a.example/m@v1.1.0", "also", "id-2")
            .await
            .expect("written");
        let text = std::fs::read_to_string(&file).expect("the file");
        let lines: Vec<serde_json::Value> = text
            .lines()
            .map(|line| serde_json::from_str(line).expect("JSON"))
            .collect();
        assert_eq!(lines.len(), 2);
        assert_eq!(lines[0]["reason"], "bad \"licence\"\n");
        assert_eq!(lines[1]["what"], "a.example/m@v1.1.0");
        let mode = file.metadata().expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}

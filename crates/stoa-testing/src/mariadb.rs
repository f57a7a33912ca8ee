//! The real `MariaDB`.

use std::process::Command;

use crate::database::{Server, run};

/// The password of the user `stoa`, with signs that mean something in a URL.
pub const PASSWORD: &str = "p@ss/w\u{f6}rd%";

/// A `MariaDB` on a port of 127.0.0.1 with its files in a folder of its own. It goes with the test. Its user is `stoa`, and its
/// database too.
pub struct MariaDb(Server);

impl MariaDb {
    /// A server that does not wait for the disk. What it has confirmed outlives its process all the same.
    pub fn start() -> Self {
        Self::with(&[])
    }

    /// A server with these options, in which `FOLDER` is the folder of its data.
    pub fn with(options: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        let mut init = Command::new("mariadb-install-db");
        run(init
            .args([
                "--no-defaults",
                "--skip-test-db",
                "--auth-root-authentication-method=normal",
            ])
            .arg(format!("--datadir={}", data.display()))
            .args(as_root())
            // They would be in each other's way with their temporary tables.
            .env("TMPDIR", folder.path()));
        let begin = format!(
            "CREATE DATABASE IF NOT EXISTS stoa;\n\
             CREATE USER IF NOT EXISTS 'stoa'@'%' IDENTIFIED BY '{PASSWORD}';\n\
             GRANT ALL ON *.* TO 'stoa'@'%' WITH GRANT OPTION;\n"
        );
        std::fs::write(folder.path().join("init.sql"), begin).unwrap();
        let place = data.display().to_string();
        let options: Vec<_> = options
            .iter()
            .map(|option| option.replace("FOLDER", &place))
            .collect();
        Self(Server::start(
            folder,
            "KILL",
            "ready for connections",
            move |port, folder| {
                let file = |name: &str| folder.path().join(name).display().to_string();
                let mut command = Command::new("mariadbd");
                command
                    .arg("--no-defaults")
                    .args([
                        format!("--datadir={}", file("data")),
                        format!("--socket={}", file("socket")),
                    ])
                    .args([
                        format!("--pid-file={}", file("pid")),
                        format!("--init-file={}", file("init.sql")),
                    ])
                    .args([format!("--port={port}"), "--bind-address=127.0.0.1".to_owned()])
                    .args([
                        "--character-set-server=utf8mb4",
                        "--skip-log-bin",
                        "--innodb-flush-log-at-trx-commit=2",
                    ])
                    .args(["--innodb-buffer-pool-size=32M", "--innodb-log-file-size=16M"])
                    .args(as_root())
                    .args(&options);
                command.env("PATH", path()).env("TMPDIR", folder.path());
                command
            },
        ))
    }

    /// Where it listens on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.0.port
    }

    /// `mysql://USER:PASSWORD@127.0.0.1:PORT/DATABASE`.
    pub fn url(&self, database: &str) -> String {
        format!(
            "mysql://stoa:p%40ss%2Fw%C3%B6rd%25@127.0.0.1:{}/{database}",
            self.port()
        )
    }

    /// Runs statements in a database by its client, and gives back what it prints.
    pub fn run_in(&self, database: &str, sql: &str) -> String {
        let done = Command::new("mariadb")
            .args([
                "--no-defaults",
                "-u",
                "root",
                "-N",
                "-B",
                "--binary-as-hex=0",
                "-D",
                database,
                "-e",
                sql,
            ])
            .arg(format!(
                "--socket={}",
                self.0.folder.path().join("socket").display()
            ))
            .output()
            .unwrap();
        assert!(
            done.status.success(),
            "{sql}: {}",
            String::from_utf8_lossy(&done.stderr)
        );
        String::from_utf8_lossy(&done.stdout).trim_end().to_owned()
    }

    /// Ends it at once, as a loss of power would.
    pub fn kill(&self) {
        self.0.kill();
    }

    /// Starts it again on the same port with the same files.
    pub fn restart(&self) {
        self.0.restart();
    }

    /// Stops it where it is: its connections stay, and nothing answers.
    pub fn freeze(&self) {
        self.0.signal("STOP");
    }

    /// Lets it go on.
    pub fn thaw(&self) {
        self.0.signal("CONT");
    }
}

/// It refuses to be root's unless it is told to.
fn as_root() -> Option<&'static str> {
    let uid = std::os::unix::fs::MetadataExt::uid(&std::fs::metadata("/proc/self").unwrap());
    (uid == 0).then_some("--user=root")
}

/// Where its program may be.
#[expect(clippy::disallowed_methods, reason = "a test looks for a program")]
fn path() -> String {
    format!("{}:/usr/sbin", std::env::var("PATH").unwrap_or_default())
}

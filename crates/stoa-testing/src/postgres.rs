//! The real `PostgreSQL`.

use std::{
    os::unix::{fs::chown, process::CommandExt as _},
    path::{Path, PathBuf},
    process::Command,
};

use crate::database::{Server, run};

/// The password of the user `postgres`, with signs that mean something in a URL.
pub const PASSWORD: &str = "p@ss/w\u{f6}rd%";

/// A `PostgreSQL` on a port of 127.0.0.1 with its files in a folder of its own. It goes with the test. Its user is `postgres`,
/// and its database too.
pub struct Postgres(Server);

impl Postgres {
    /// A server that does not wait for the disk. What it has confirmed outlives its processes all the same.
    pub fn start() -> Self {
        Self::with(&[])
    }

    /// A server with these settings, as `ssl=on`, and files that it reads, by their names in the folder of its data.
    pub fn with_files(settings: &[&str], files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let owner = owner();
        let secret = folder.path().join("password");
        std::fs::write(&secret, PASSWORD).unwrap();
        for path in [folder.path(), &secret] {
            give(path, owner);
        }
        let data = folder.path().join("data");
        let mut init = as_user(&program("initdb"), owner);
        run(init
            .arg("-D")
            .arg(&data)
            .args([
                "-U",
                "postgres",
                "--auth=scram-sha-256",
                "--no-sync",
                "--encoding=UTF8",
                "--locale=C",
            ])
            .arg("--pwfile")
            .arg(&secret)
            .current_dir(folder.path()));
        for (name, text) in files {
            let file = data.join(name);
            std::fs::write(&file, text).unwrap();
            std::fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
            give(&file, owner);
        }
        let settings: Vec<String> = settings.iter().map(|&setting| setting.to_owned()).collect();
        let ready = "database system is ready to accept connections";
        // QUIT is the end without goodbye; KILL would leave its children.
        Self(Server::start(folder, "QUIT", ready, move |port, folder| {
            let mut command = as_user(&program("postgres"), owner);
            command
                .arg("-D")
                .arg(folder.path().join("data"))
                .args(["-p", &port.to_string()]);
            for setting in [
                "listen_addresses=127.0.0.1",
                "unix_socket_directories=",
                "fsync=off",
                "shared_buffers=16MB",
            ] {
                command.args(["-c", setting]);
            }
            for setting in &settings {
                command.args(["-c", setting]);
            }
            command.current_dir(folder.path());
            command
        }))
    }

    /// A server with these settings.
    pub fn with(settings: &[&str]) -> Self {
        Self::with_files(settings, &[])
    }

    /// Where it listens on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.0.port
    }

    /// `postgres://USER:PASSWORD@127.0.0.1:PORT/DATABASE`.
    pub fn url(&self, database: &str) -> String {
        format!(
            "postgres://postgres:p%40ss%2Fw%C3%B6rd%25@127.0.0.1:{}/{database}",
            self.port()
        )
    }

    /// Runs statements in a database by `psql`, and gives back what it prints.
    pub fn run_in(&self, database: &str, sql: &str) -> String {
        let done = Command::new(program("psql"))
            .args([
                "-h",
                "127.0.0.1",
                "-p",
                &self.port().to_string(),
                "-U",
                "postgres",
                "-d",
                database,
                "-Atc",
                sql,
            ])
            .env("PGPASSWORD", PASSWORD)
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
}

fn program(name: &str) -> PathBuf {
    Path::new("/usr/lib/postgresql/15/bin").join(name)
}

/// The user whose processes they are: it refuses to be root's. None if we are not root.
fn owner() -> Option<(u32, u32)> {
    let is_root = std::os::unix::fs::MetadataExt::uid(&std::fs::metadata("/proc/self").unwrap()) == 0;
    is_root.then(|| {
        let users = std::fs::read_to_string("/etc/passwd").unwrap();
        let user = users.lines().find(|line| line.starts_with("postgres:"));
        let user = user.expect("there is a user postgres (apt-get install postgresql-15)");
        let fields: Vec<_> = user.split(':').collect();
        (fields[2].parse().unwrap(), fields[3].parse().unwrap())
    })
}

fn give(path: &Path, owner: Option<(u32, u32)>) {
    if let Some((user, group)) = owner {
        chown(path, Some(user), Some(group)).unwrap();
    }
}

fn as_user(program: &Path, owner: Option<(u32, u32)>) -> Command {
    let mut command = Command::new(program);
    if let Some((user, group)) = owner {
        command.uid(user).gid(group);
    }
    command.env("LC_ALL", "C");
    command
}

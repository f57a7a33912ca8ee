//! What the tests share.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use stoa_testing::http::{self, Response};
use stoa_testing::process::{StoaCommand, StoaProcess};
use tempfile::TempDir;

use crate::STOA;

/// The module in every repository here.
pub(crate) const MODULE: &str = "corp.example/tools";

/// A folder with repositories, the storage and the cache of a server.
pub(crate) struct Place {
    directory: TempDir,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self {
            directory: stoa_testing::scene::private_directory(),
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Writes a file that a configuration names.
    pub(crate) fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, text).unwrap();
        path
    }

    /// The folder with `tools.git`, which has the module with two versions.
    pub(crate) fn repositories(&self) -> PathBuf {
        let folder = self.path("repositories");
        fs::create_dir_all(&folder).unwrap();
        let script = format!(
            "git init -q -b main work && cd work && printf 'module {MODULE}\\n\\ngo 1.21\\n' >go.mod && \
             echo 'package tools' >tools.go && git add . && git commit -qm one && git tag v1.0.0 && \
             echo '// more' >>tools.go && git commit -qam two && git tag v1.1.0 && cd .. && \
             git clone -q --mirror work tools.git && rm -rf work"
        );
        let made = Command::new("/bin/sh")
            .args(["-euc", &script])
            .current_dir(&folder)
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .envs(["AUTHOR", "COMMITTER"].map(|who| (format!("GIT_{who}_NAME"), "test")))
            .envs(["AUTHOR", "COMMITTER"].map(|who| (format!("GIT_{who}_EMAIL"), "test@example.com")))
            .output()
            .unwrap();
        assert!(made.status.success(), "{made:?}");
        folder
    }

    /// A folder `name` with `name.git`, whose version v1.0.0 is what a script makes of the working tree `work`.
    pub(crate) fn repositories_with(&self, name: &str, script: impl Fn(&str) -> String) {
        let folder = self.path(name);
        fs::create_dir_all(&folder).unwrap();
        let made = Command::new("/bin/sh")
            .args([
                "-euc",
                &format!(
                    "git init -q -b main work; {}; git -C work add -A ':!s'; git -C work commit -qm one; \
                     git -C work tag v1.0.0; git clone -q --mirror work {name}.git",
                    script("work")
                ),
            ])
            .current_dir(&folder)
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .envs(["AUTHOR", "COMMITTER"].map(|who| (format!("GIT_{who}_NAME"), "test")))
            .envs(["AUTHOR", "COMMITTER"].map(|who| (format!("GIT_{who}_EMAIL"), "test@example.com")))
            .output()
            .unwrap();
        assert!(made.status.success(), "{made:?}");
    }

    /// stoa with this configuration, which says everything it can in its log, not yet started.
    pub(crate) fn stoa(&self, config: &str) -> StoaCommand {
        let cache = self.path("vcs");
        let text = format!(
            "upstream = \"direct\"\nlog.level = \"trace\"\nvcs.cache = \"{}\"\ncache.list_ttl = \"0s\"\n\
             cache.negative_ttl = \"0s\"\n{config}",
            cache.display()
        );
        let file = self.file("stoa.toml", &text);
        StoaProcess::command(STOA)
            .storage(&self.path("storage"))
            .args(&["--config", file.to_str().unwrap()])
    }
}

/// Asks for everything there is of version v1.0.0.
pub(crate) async fn questions(stoa: &StoaProcess) -> Vec<Response> {
    let mut answers = Vec::new();
    for what in [
        "@v/list",
        "@v/v1.0.0.info",
        "@v/v1.0.0.mod",
        "@v/v1.0.0.zip",
        "@latest",
    ] {
        answers.push(get(stoa, &format!("{MODULE}/{what}")).await);
    }
    answers
}

pub(crate) async fn get(stoa: &StoaProcess, path: &str) -> Response {
    let url = format!("{}/{path}", stoa.url());
    http::get(&url)
        .await
        .unwrap_or_else(|error| panic!("{url}: {error}\n{}", stoa.output()))
}

/// All files below a folder.
pub(crate) fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let Ok(entries) = fs::read_dir(folder) else {
        return found;
    };
    for entry in entries {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found
}

#[track_caller]
pub(crate) fn assert_all(answers: &[Response], status: u16) {
    for answer in answers {
        assert_eq!(answer.status, status, "{}", String::from_utf8_lossy(&answer.body));
    }
}

//! A server with an upstream, and who talks to it.

use std::{path::PathBuf, time::Duration};

use serde_json::Value;
use stoa_testing::{
    fixtures::{ModuleFixture, escape},
    http,
    process::{Finished, StoaProcess, run},
    upstream::Upstream,
};
use tempfile::TempDir;
use tokio::time::sleep;

use crate::STOA;

pub(crate) struct Scene {
    pub(crate) directory: TempDir,
    pub(crate) upstream: Upstream,
    pub(crate) stoa: StoaProcess,
    settings: Vec<(&'static str, String)>,
}

impl Scene {
    /// With these variables. Without memory for hot files, so that each use is one.
    pub(crate) fn start(modules: &[ModuleFixture], settings: &[(&'static str, &str)]) -> Self {
        let directory = stoa_testing::scene::private_directory();
        let upstream = Upstream::start_blocking();
        upstream.modules(modules);
        let settings = settings
            .iter()
            .map(|(name, value)| (*name, (*value).to_owned()))
            .collect();
        let mut scene = Self {
            stoa: StoaProcess::command(STOA)
                .storage(&directory.path().join("storage"))
                .start(),
            directory,
            upstream,
            settings,
        };
        scene.restart();
        scene
    }

    /// Another value of a variable, from the next start on.
    pub(crate) fn set(&mut self, name: &'static str, value: &str) {
        self.settings.retain(|(known, _)| *known != name);
        self.settings.push((name, value.to_owned()));
    }

    pub(crate) fn storage(&self) -> PathBuf {
        self.directory.path().join("storage")
    }

    /// Kills the server and starts it again.
    pub(crate) fn restart(&mut self) {
        self.stoa.kill9();
        let mut command = StoaProcess::command(STOA)
            .storage(&self.storage())
            .upstream(&self.upstream.url())
            .env("STOA_SUMDB_VERIFY", "false")
            .env("STOA_CACHE_MEMORY", "0");
        for (name, value) in &self.settings {
            command = command.env(name, value);
        }
        self.stoa = command.start();
    }

    pub(crate) async fn get(&self, path: &str) -> http::Response {
        http::get(&format!("{}{path}", self.stoa.url())).await.unwrap()
    }

    /// Gets all files of a module.
    pub(crate) async fn fetch(&self, module: &ModuleFixture) {
        for kind in ["info", "mod", "zip"] {
            let answer = self.get(&path_of(module, kind)).await;
            assert_eq!(answer.status, 200, "{}", answer.text());
        }
    }

    /// Asks the API: the status, and the JSON of the answer.
    pub(crate) async fn api(&self, method: &str, path: &str, body: &str) -> (u16, Value) {
        let token = self.stoa.admin_authorization().unwrap();
        let headers = [
            ("Authorization", token.as_str()),
            ("Content-Type", "application/json"),
        ];
        let url = format!("{}/api/v1/{path}", self.stoa.url());
        let answer = http::request(method, &url, &headers, body.as_bytes())
            .await
            .unwrap();
        (
            answer.status,
            serde_json::from_str(answer.text()).unwrap_or_default(),
        )
    }

    /// Waits until the index is complete and has so many versions.
    pub(crate) async fn indexed(&self, versions: u64) -> Value {
        let mut last = Value::Null;
        for _ in 0..500 {
            let (status, answer) = self.api("GET", "storage", "").await;
            if status == 200 && answer["versions"] == versions && answer["index"]["complete"] == true {
                return answer;
            }
            last = answer;
            sleep(Duration::from_millis(20)).await;
        }
        panic!("the index does not have {versions} versions: {last}");
    }

    /// The same with all files of each version.
    pub(crate) async fn indexed_whole(&self, versions: u64) -> Value {
        loop {
            // It fails by itself if nothing comes any more.
            let known = self.indexed(versions).await;
            if known["files"] == 3 * versions {
                return known;
            }
            sleep(Duration::from_millis(20)).await;
        }
    }

    /// Runs a command against the server.
    pub(crate) fn command(&self, arguments: &[&str]) -> Finished {
        let token = self.stoa.admin_token_file().unwrap();
        let server = [
            "--server",
            self.stoa.url(),
            "--token-file",
            token.to_str().unwrap(),
        ];
        run(
            STOA,
            &[arguments, &server[..]].concat(),
            &[("STOA_STORAGE", "memory:")],
        )
    }
}

/// The path of a file.
pub(crate) fn path_of(module: &ModuleFixture, kind: &str) -> String {
    format!(
        "/{}/@v/{}.{kind}",
        escape(module.path()),
        escape(module.version())
    )
}

/// A module whose zip has about so many bytes.
pub(crate) fn sized(name: &str, version: &str, bytes: u64) -> ModuleFixture {
    stoa_testing::fixtures::large_zip_fixture(&format!("example.com/{name}"), version, bytes)
}

//! A server with jobs, and who talks to it.

use std::path::Path;

use serde_json::Value;
use stoa_testing::fixtures::ModuleFixture;
use stoa_testing::http;
use stoa_testing::process::{Finished, StoaProcess, run};
use stoa_testing::redis::Redis;
use stoa_testing::upstream::Upstream;
use tempfile::TempDir;

use crate::STOA;

/// The name of the file with its configuration, if it has one.
const CONFIG: &str = "stoa.toml";

pub(crate) struct Scene {
    pub(crate) directory: TempDir,
    pub(crate) upstream: Upstream,
    pub(crate) stoa: StoaProcess,
    redis: Option<Redis>,
}

fn start(directory: &Path, upstream: &Upstream, redis: Option<&Redis>) -> StoaProcess {
    let config = directory.join(CONFIG);
    let command = StoaProcess::command(STOA);
    let command = match config.to_str().filter(|_| config.is_file()) {
        Some(config) => command.args(&["--config", config]),
        None => command,
    };
    command
        .storage(&directory.join("storage"))
        .upstream(&upstream.url())
        .env("STOA_SUMDB_VERIFY", "false")
        .env("STOA_JOBS_LEASE", "5s")
        .env(
            "STOA_JOBS_STORE",
            &redis.map_or_else(|| "file:".to_owned(), Redis::url),
        )
        .env(
            "STOA_JOBS_DOWNLOADS",
            directory.join("downloads").to_str().unwrap(),
        )
        .env("STOA_JOBS_ALLOW_PRIVATE_ADDRESSES", "true")
        .env("STOA_JOBS_MIN_FREE", "1MiB")
        .env("STOA_JOBS_FULL_AT", "100")
        .start()
}

impl Scene {
    pub(crate) fn of(modules: &[ModuleFixture]) -> Self {
        Self::configured(modules, "")
    }

    /// With this text in its file of configuration.
    pub(crate) fn configured(modules: &[ModuleFixture], toml: &str) -> Self {
        let directory = stoa_testing::scene::private_directory();
        if !toml.is_empty() {
            std::fs::write(directory.path().join(CONFIG), toml).unwrap();
        }
        let upstream = Upstream::start_blocking();
        upstream.modules(modules);
        // The same tests hold for both stores; `make test` runs those of modules on both.
        let redis = stoa_testing::go::environment("STOA_TEST_REDIS").map(|_| Redis::start());
        let stoa = start(directory.path(), &upstream, redis.as_ref());
        Self {
            directory,
            upstream,
            stoa,
            redis,
        }
    }

    /// Kills the server, and starts it again on the same storage.
    pub(crate) fn kill_and_restart(&mut self) {
        self.stoa.kill9();
        self.stoa = start(self.directory.path(), &self.upstream, self.redis.as_ref());
    }

    /// Starts it again on the same storage with another text in its file of configuration.
    pub(crate) fn reconfigure(&mut self, toml: &str) {
        self.file(CONFIG, toml);
        self.kill_and_restart();
    }

    /// Asks for a file as a client of the proxy.
    pub(crate) async fn get(&self, path: &str) -> http::Response {
        http::get(&format!("{}{path}", self.stoa.url())).await.unwrap()
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

    /// The job when it has ended.
    pub(crate) async fn ended(&self, id: &str) -> Value {
        for _ in 0..20 {
            let (status, job) = self.api("GET", &format!("jobs/{id}?wait=10s"), "").await;
            assert_eq!(status, 200, "{job}");
            if ["ok", "dead", "cancelled"].contains(&job["state"].as_str().unwrap()) {
                return job;
            }
        }
        panic!("job {id} does not end");
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

    pub(crate) fn file(&self, name: &str, text: &str) -> String {
        let path = self.directory.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }
}

pub(crate) fn module(name: &str) -> ModuleFixture {
    ModuleFixture::new(&format!("example.com/{name}"), "v1.0.0")
        .file("a.go", format!("package {name}\n\nconst Name = \"{name}\"\n"))
}

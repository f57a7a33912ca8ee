//! Servers on one store of jobs, an origin, and who is told.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use stoa_testing::http;
use stoa_testing::process::{StoaCommand, StoaProcess};
use stoa_testing::redis::Redis;
use stoa_testing::reply::Reply;
use stoa_testing::upstream::Upstream;
use tempfile::TempDir;

use crate::STOA;

/// The lease of all servers here.
pub(crate) const LEASE: Duration = Duration::from_secs(5);

/// How much a server may log in a check.
const LOG: usize = 1 << 20;

/// Where jobs are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Files,
    Redis,
}

/// Servers on one store of jobs with one folder of downloads.
pub(crate) struct Scene {
    pub(crate) directory: TempDir,
    pub(crate) origin: Upstream,
    pub(crate) told: Upstream,
    pub(crate) redis: Option<Arc<Redis>>,
    pub(crate) downloads: PathBuf,
    /// What all servers are told besides.
    pub(crate) settings: Vec<(&'static str, String)>,
    nodes: Vec<Node>,
}

#[derive(Default)]
struct Node {
    running: Option<(StoaProcess, String)>,
    /// The bytes that its earlier processes have logged.
    logged: usize,
}

impl Scene {
    /// Servers on a store of this kind: so many, numbered from 0.
    pub(crate) fn of(kind: Kind, nodes: usize) -> Self {
        let mut scene = Self::without_nodes(kind);
        (0..nodes).for_each(|node| scene.start(node));
        scene
    }

    /// A store, and no server yet.
    pub(crate) fn without_nodes(kind: Kind) -> Self {
        let directory = stoa_testing::scene::private_directory();
        let (origin, told) = (Upstream::start_blocking(), Upstream::start_blocking());
        told.on_everything(Reply::text(200, "thanks"));
        let debug = [
            "--appendonly",
            "yes",
            "--appendfsync",
            "always",
            "--enable-debug-command",
            "yes",
        ];
        Self {
            downloads: directory.path().join("downloads"),
            directory,
            origin,
            told,
            redis: (kind == Kind::Redis).then(|| Arc::new(Redis::with(&debug))),
            settings: Vec::new(),
            nodes: Vec::new(),
        }
    }

    pub(crate) fn set(&mut self, name: &'static str, value: &str) {
        self.settings.push((name, value.to_owned()));
    }

    /// Starts the server of this number, on its own storage.
    pub(crate) fn start(&mut self, node: usize) {
        self.start_with(node, &[]);
    }

    /// The command that starts it.
    pub(crate) fn command(&self, node: usize) -> StoaCommand {
        let at = |name: &str| self.directory.path().join(name);
        let store = if let Some(redis) = &self.redis {
            redis.url()
        } else {
            std::fs::create_dir_all(at("jobs")).unwrap();
            format!("file://{}", at("jobs").display())
        };
        let mut command = StoaProcess::command(STOA)
            .storage(&at(&format!("storage{node}")))
            .upstream(&self.origin.url())
            .env("STOA_SUMDB_VERIFY", "false")
            .env("STOA_JOBS_STORE", &store)
            .env("STOA_JOBS_LEASE", "5s")
            .env("STOA_DRAIN_TIMEOUT", "2s")
            .env("STOA_JOBS_DOWNLOADS", self.downloads.to_str().unwrap())
            .env("STOA_JOBS_DOWNLOAD_URL", "https://files.example/d")
            .env("STOA_JOBS_ALLOW_PRIVATE_ADDRESSES", "true")
            .env("STOA_JOBS_MIN_FREE", "1MiB")
            .env("STOA_JOBS_FULL_AT", "100");
        for (name, value) in &self.settings {
            command = command.env(name, value);
        }
        command
    }

    /// Starts the server of this number with this in its environment.
    pub(crate) fn start_with(&mut self, node: usize, environment: &[(&str, &str)]) {
        let mut command = self.command(node);
        for (name, value) in environment {
            command = command.env(name, value);
        }
        let process = command.start();
        let authorization = process.admin_authorization().unwrap();
        while self.nodes.len() <= node {
            self.nodes.push(Node::default());
        }
        self.nodes[node].running = Some((process, authorization));
    }

    pub(crate) fn node(&mut self, node: usize) -> &mut StoaProcess {
        &mut self.nodes[node].running.as_mut().unwrap().0
    }

    /// Kills a server (SIGKILL).
    pub(crate) fn kill(&mut self, node: usize) {
        self.node(node).kill9();
        self.forget(node);
    }

    /// Shuts a server down (SIGTERM).
    pub(crate) fn shut_down(&mut self, node: usize) {
        let ended = self.node(node).sigterm_and_wait(Duration::from_secs(60));
        assert!(ended.success(), "{ended}");
        self.forget(node);
    }

    fn forget(&mut self, node: usize) {
        let (process, _) = self.nodes[node].running.take().unwrap();
        self.nodes[node].logged += process.output().len();
    }

    /// No server has logged much.
    pub(crate) fn check_logs(&self) {
        for (number, node) in self.nodes.iter().enumerate() {
            let now = node
                .running
                .as_ref()
                .map_or(0, |(process, _)| process.output().len());
            let logged = node.logged + now;
            println!("node {number} logged {logged} bytes");
            assert!(logged < LOG, "node {number} logged {logged} bytes");
        }
    }

    /// Asks a server: the status, and the text of the answer.
    pub(crate) async fn ask(&self, node: usize, method: &str, path: &str, body: &str) -> (u16, String) {
        let (process, token) = self.nodes[node].running.as_ref().unwrap();
        let headers = [
            ("Authorization", token.as_str()),
            ("Content-Type", "application/json"),
        ];
        let url = format!("{}{path}", process.url());
        let answer = http::request(method, &url, &headers, body.as_bytes())
            .await
            .unwrap();
        (answer.status, answer.text().to_owned())
    }

    /// Asks the API below `/api/v1`: the status, and the JSON of the answer.
    pub(crate) async fn api(&self, node: usize, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let body = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        let (status, text) = self.ask(node, method, &format!("/api/v1/{path}"), &body).await;
        (status, serde_json::from_str(&text).unwrap_or_default())
    }

    /// Submits a download as clients of skroutz/downloader do, and returns its id.
    pub(crate) async fn download(&self, node: usize, path: &str, more: &Value) -> String {
        let (status, answer) = self.ask(node, "POST", "/download", &self.body(path, more)).await;
        assert_eq!(status, 201, "{answer}");
        let answer: Value = serde_json::from_str(&answer).unwrap();
        answer["id"].as_str().unwrap().to_owned()
    }

    /// What such a client sends.
    pub(crate) fn body(&self, path: &str, more: &Value) -> String {
        let mut body = json!({
            "url": format!("{}{path}", self.origin.url()),
            "aggr_id": "a",
            "aggr_limit": 4,
            "callback_url": format!("{}/told", self.told.url()),
        });
        for (name, value) in more.as_object().unwrap() {
            body[name] = value.clone();
        }
        body.to_string()
    }

    /// The job as a server shows it.
    pub(crate) async fn job(&self, node: usize, id: &str) -> Value {
        let (status, job) = self.api(node, "GET", &format!("jobs/{id}"), &Value::Null).await;
        assert_eq!(status, 200, "{job}");
        job
    }

    /// The job when it has ended.
    pub(crate) async fn ended(&self, node: usize, id: &str) -> Value {
        for _ in 0..12 {
            let (status, job) = self
                .api(node, "GET", &format!("jobs/{id}?wait=10s"), &Value::Null)
                .await;
            assert_eq!(status, 200, "{job}");
            if ["ok", "dead", "cancelled"].contains(&job["state"].as_str().unwrap()) {
                return job;
            }
        }
        panic!("job {id} does not end");
    }

    /// The callbacks when there are so many, in the order they came: what they say, and their keys.
    pub(crate) async fn callbacks(&self, count: usize) -> Vec<(Value, String)> {
        for number in 1..=count {
            self.told.arrived("/told", number).await;
        }
        let requests = self.told.requests();
        let read = requests.iter().map(|request| {
            let key = request.header("idempotency-key").unwrap().to_owned();
            (serde_json::from_slice(&request.body).unwrap(), key)
        });
        read.collect()
    }

    /// Where the file of a job is.
    pub(crate) fn file(&self, id: &str) -> PathBuf {
        self.downloads.join(&id[..3]).join(id)
    }
}

/// How the attempts of a job ended.
pub(crate) fn attempts(job: &Value) -> Vec<&str> {
    let attempts = job["attempts"].as_array().unwrap().iter();
    attempts
        .map(|attempt| attempt["ended"].as_str().unwrap())
        .collect()
}

/// All files below a folder whose names do not begin with a dot.
pub(crate) fn files(folder: &Path) -> Vec<PathBuf> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let is_hidden = entry.file_name().to_string_lossy().starts_with('.');
        match entry.file_type().unwrap().is_dir() {
            _ if is_hidden => {}
            true => all.extend(files(&entry.path())),
            false => all.push(entry.path()),
        }
    }
    all
}

/// Random numbers whose seed is printed, and may be given in `STOA_SEED`.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new() -> Self {
        let given = stoa_testing::go::environment("STOA_SEED").and_then(|seed| seed.parse().ok());
        let seed = given.unwrap_or_else(|| u64::from(std::process::id()));
        println!("seed {seed}");
        Self(seed)
    }

    /// A number below this one.
    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (self.0 >> 33) % limit
    }
}

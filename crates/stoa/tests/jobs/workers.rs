//! Servers that run no jobs, and workers that do.

use std::{
    io::{BufRead as _, BufReader},
    process::{Child, ChildStdout, Command, Stdio},
};

use serde_json::{Value, json};
use stoa_testing::{http, process::StoaProcess, redis::Redis, upstream::Upstream};

use crate::{STOA, scene::module};

/// `stoa worker`, until it is dropped, and its output, which it must be able to write.
struct Worker {
    child: Child,
    _output: BufReader<ChildStdout>,
}

impl Worker {
    fn start(environment: &[(&str, &str)]) -> Self {
        Self::with(environment, &[])
    }

    fn listening(environment: &[(&str, &str)], address: &str) -> Self {
        Self::with(environment, &["--listen", address])
    }

    fn with(environment: &[(&str, &str)], more: &[&str]) -> Self {
        let mut child = Command::new(STOA)
            .args(["worker", "--workers", "2"])
            .args(more)
            .env_clear()
            .envs(environment.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut said = String::new();
        output.read_line(&mut said).unwrap();
        assert!(said.ends_with("runs jobs, 2 of a kind at a time\n"), "{said}");
        Self {
            child,
            _output: output,
        }
    }

    fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A server on `store` that leaves jobs to a worker.
async fn a_worker_runs_what_a_server_takes(store: &str) {
    let directory = stoa_testing::scene::private_directory();
    let storage = directory.path().join("storage");
    let upstream = Upstream::start_blocking();
    upstream.modules(&[module("a"), module("b")]);
    let url = upstream.url();
    let jobs = [
        ("STOA_UPSTREAM", url.as_str()),
        ("STOA_SUMDB_VERIFY", "false"),
        ("STOA_JOBS_STORE", store),
    ];
    let server = jobs
        .iter()
        .fold(StoaProcess::command(STOA), |server, (name, value)| {
            server.env(name, value)
        });
    let server = server.storage(&storage).env("STOA_JOBS_WORKERS", "0").start();
    let token = server.admin_authorization().unwrap();
    let ask = async |method: &str, path: &str, body: &str| -> Value {
        let headers = [
            ("Authorization", token.as_str()),
            ("Content-Type", "application/json"),
        ];
        let url = format!("{}/api/v1/{path}", server.url());
        let answer = http::request(method, &url, &headers, body.as_bytes())
            .await
            .unwrap();
        serde_json::from_str(answer.text()).unwrap()
    };
    let body =
        json!({ "prefetch": { "name": "list", "text": "example.com/a v1.0.0\nexample.com/b v1.0.0\n" } });
    let job = ask("POST", "jobs", &body.to_string()).await;
    let id = job["id"].as_str().unwrap().to_owned();
    let waiting = ask("GET", &format!("jobs/{id}?wait=1s"), "").await;
    assert_eq!(
        (&waiting["state"], upstream.total()),
        (&json!("ready"), 0),
        "{waiting}"
    );
    let storage = storage.display().to_string();
    let environment = [&jobs[..], &[("STOA_STORAGE", storage.as_str()), ("HOME", "/")]].concat();
    let mut worker = Worker::start(&environment);
    let done = ask("GET", &format!("jobs/{id}?wait=60s"), "").await;
    assert_eq!(
        (&done["state"], &done["children"]["ok"]),
        (&json!("ok"), &json!(2)),
        "{done}"
    );
    let children = ask("GET", &format!("jobs?parent={id}"), "").await;
    let children = children["jobs"].as_array().unwrap();
    assert_eq!(children.len(), 2);
    let before = upstream.total();
    let zip = http::request(
        "GET",
        &format!("{}/example.com/a/@v/v1.0.0.zip", server.url()),
        &[],
        b"",
    )
    .await;
    assert_eq!(
        (zip.unwrap().status, upstream.total()),
        (200, before),
        "it is in the storage"
    );
    let ended = Command::new("kill")
        .arg(worker.pid().to_string())
        .status()
        .unwrap();
    assert!(ended.success() && worker.child.wait().unwrap().success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_shares_a_file_with_a_server() {
    let directory = stoa_testing::scene::private_directory();
    a_worker_runs_what_a_server_takes(&format!("file://{}", directory.path().display())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_shares_a_redis_with_a_server() {
    let redis = Redis::start();
    a_worker_runs_what_a_server_takes(&redis.url()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_listens_serves_no_modules() {
    let directory = stoa_testing::scene::private_directory();
    let at = |name: &str| directory.path().join(name).display().to_string();
    let upstream = Upstream::start_blocking();
    upstream.modules(&[module("a")]);
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let address = format!("127.0.0.1:{port}");
    let (url, storage, store) = (upstream.url(), at("storage"), format!("file://{}", at("jobs")));
    let environment = [
        ("STOA_UPSTREAM", url.as_str()),
        ("STOA_STORAGE", &storage),
        ("STOA_JOBS_STORE", &store),
        ("HOME", "/"),
    ];
    let _worker = Worker::listening(&environment, &address);
    let get = async |path: &str| {
        let answer = http::request("GET", &format!("http://{address}{path}"), &[], b"")
            .await
            .unwrap();
        (answer.status, answer.text().to_owned())
    };
    assert_eq!(get("/readyz").await.0, 200);
    let (status, text) = get("/example.com/a/@v/v1.0.0.zip").await;
    assert_eq!(status, 403);
    assert!(text.contains("a worker serves no modules"), "{text}");
    assert_eq!(get("/sumdb/sum.golang.org/supported").await.0, 404);
    assert_eq!(get("/api/v1/jobs").await.0, 401);
    assert_eq!(upstream.total(), 0);
}

#[test]
fn a_worker_without_a_store_that_others_find_is_refused() {
    let environment = [("STOA_JOBS_STORE", "memory:"), ("HOME", "/")];
    let refused = stoa_testing::process::run(STOA, &["worker", "--storage", "memory:"], &environment);
    assert_eq!(refused.code, Some(64), "{refused:?}");
    let want = "STOA_JOBS_STORE: jobs.store: a worker runs the jobs of others, and nobody else finds those in memory";
    assert!(refused.stderr.contains(want), "{refused:?}");
}

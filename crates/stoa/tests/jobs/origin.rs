//! A server that takes the place of skroutz/downloader with its configuration file.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use stoa_testing::{
    http,
    process::{StoaProcess, run},
    redis::Redis,
    reply::Reply,
    upstream::Upstream,
};

use crate::STOA;

/// The job that removes a file, which is submitted when the server that was told has answered.
async fn purge(list: impl AsyncFn() -> String) -> Value {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let jobs: Value = serde_json::from_str(&list().await).unwrap();
        if jobs["jobs"][0].is_object() {
            return jobs["jobs"][0].clone();
        }
        assert!(Instant::now() < deadline, "{jobs}");
    }
}

/// As its operators have it.
fn configuration(directory: &Path, port: u16) -> Value {
    let at = |name: &str| directory.join(name);
    json!({
        "redis": { "addr": format!("127.0.0.1:{}", port) },
        "api": { "heartbeat_path": at("out") },
        "processor": {
            "storage_dir": at("tmp"),
            "filestorage": { "type": "filesystem", "rootdir": at("files") },
            "request_headers": { "User-Agent": "Downloader" },
            "stats_interval": 5000,
        },
        "notifier": {
            "download_url": "https://files.example/d",
            "concurrency": 10,
            "stats_interval": 5000,
            "deletion_interval": 180,
        },
        "backends": { "http": { "timeout": 30 } },
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn the_configuration_of_the_origin_starts_a_server() {
    let directory = stoa_testing::scene::private_directory();
    let at = |name: &str| directory.path().join(name);
    let redis = Redis::start();
    let (origin, told) = (Upstream::start_blocking(), Upstream::start_blocking());
    origin.on("/x", Reply::text(200, "content"));
    told.on_everything(Reply::text(200, "thanks"));
    let text = configuration(directory.path(), redis.port());
    std::fs::write(at("config.json"), text.to_string()).unwrap();
    let stoa = StoaProcess::command(STOA)
        .storage(&at("storage"))
        .args(&["--downloader-config", at("config.json").to_str().unwrap()])
        .env("STOA_UPSTREAM", "off")
        .env("STOA_JOBS_ALLOW_PRIVATE_ADDRESSES", "true")
        .env("STOA_JOBS_MIN_FREE", "1MiB")
        .env("STOA_JOBS_FULL_AT", "100")
        .start();
    let token = stoa.admin_authorization().unwrap();
    let headers = [("Authorization", token.as_str())];
    let ask = async |method: &str, path: &str, body: &str| {
        let url = format!("{}{path}", stoa.url());
        let answer = http::request(method, &url, &headers, body.as_bytes())
            .await
            .unwrap();
        (answer.status, answer.text().to_owned())
    };
    let job = json!({
        "url": format!("{}/x", origin.url()),
        "aggr_id": "a",
        "aggr_limit": 1,
        "callback_url": format!("{}/told", told.url()),
    });
    let (status, answer) = ask("POST", "/download", &job.to_string()).await;
    assert_eq!(status, 201, "{answer}");
    let answer: Value = serde_json::from_str(&answer).unwrap();
    let id = answer["id"].as_str().unwrap();
    told.arrived("/told", 1).await;
    let message: Value = serde_json::from_slice(&told.requests()[0].body).unwrap();
    let place = format!("{}/{id}", &id[..3]);
    assert_eq!(
        message["download_url"],
        format!("https://files.example/d/{place}")
    );
    assert_eq!(std::fs::read(at("files").join(&place)).unwrap(), b"content");
    assert_eq!(origin.requests()[0].header("user-agent"), Some("Downloader"));
    // The callback was delivered, so that the file goes in three hours.
    let purge = purge(async || ask("GET", "/api/v1/jobs?kind=purge", "").await.1).await;
    assert_eq!(purge["state"], "scheduled", "{purge}");
    assert_eq!(ask("GET", "/hb", "").await, (200, "OK\n".to_owned()));
    std::fs::write(at("out"), "").unwrap();
    let (status, why) = ask("GET", "/hb", "").await;
    assert_eq!(
        (status, why),
        (
            503,
            format!("Service disabled, '{}' exists!\n", at("out").display())
        )
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_goes_some_time_after_somebody_was_told_of_it() {
    let directory = stoa_testing::scene::private_directory();
    let at = |name: &str| directory.path().join(name);
    let (origin, told) = (Upstream::start_blocking(), Upstream::start_blocking());
    origin.on_everything(Reply::text(200, "content"));
    told.on_everything(Reply::text(200, "thanks"));
    let stoa = StoaProcess::command(STOA)
        .storage(&at("storage"))
        .env("STOA_UPSTREAM", "off")
        .env("STOA_JOBS_DOWNLOADS", at("files").to_str().unwrap())
        .env("STOA_JOBS_DELETE_AFTER", "10ms")
        .env("STOA_JOBS_ALLOW_PRIVATE_ADDRESSES", "true")
        .env("STOA_JOBS_MIN_FREE", "1MiB")
        .env("STOA_JOBS_FULL_AT", "100")
        .start();
    let token = stoa.admin_authorization().unwrap();
    let headers = [
        ("Authorization", token.as_str()),
        ("Content-Type", "application/json"),
    ];
    let ask = async |method: &str, path: &str, body: &str| -> Value {
        let url = format!("{}/api/v1/{path}", stoa.url());
        let answer = http::request(method, &url, &headers, body.as_bytes())
            .await
            .unwrap();
        serde_json::from_str(answer.text()).unwrap()
    };
    let submit = async |path: &str, callback: Option<String>| {
        let mut job = json!({ "url": { "url": format!("{}{path}", origin.url()) } });
        if let Some(callback) = callback {
            job["url"]["callback"] = json!(callback);
        }
        let job = ask("POST", "jobs", &job.to_string()).await;
        job["id"].as_str().unwrap().to_owned()
    };
    let kept = submit("/kept", None).await;
    let told_of = submit("/told-of", Some(format!("{}/told", told.url()))).await;
    let done = ask("GET", &format!("jobs/{kept}?wait=20s"), "").await;
    assert_eq!(done["state"], "ok", "{done}");
    told.arrived("/told", 1).await;
    let purge = purge(async || ask("GET", "jobs?kind=purge", "").await.to_string()).await;
    let purge = purge["id"].as_str().unwrap();
    let purged = ask("GET", &format!("jobs/{purge}?wait=20s"), "").await;
    assert_eq!(
        (&purged["state"], &purged["result"]),
        (&json!("ok"), &json!({ "removed": true })),
        "{purged}"
    );
    let file = |id: &str| at("files").join(&id[..3]).join(id);
    assert_eq!(
        (
            file(&kept).try_exists().unwrap(),
            file(&told_of).try_exists().unwrap()
        ),
        (true, false)
    );
}

#[test]
fn what_cannot_be_translated_is_told_at_once() {
    let directory = stoa_testing::scene::private_directory();
    let file = directory.path().join("config.json");
    std::fs::write(&file, r#"{"redis":{},"processor":{"filestorage":{"type":"s3"}}}"#).unwrap();
    let refused = run(
        STOA,
        &["serve", "--downloader-config", file.to_str().unwrap()],
        &[("HOME", "/")],
    );
    let file = file.display();
    let want = format!(
        "stoa: {file}: processor.filestorage: downloads go to a directory here, and not to a bucket\n\
         stoa: {file}: redis.addr: it is missing\n"
    );
    assert_eq!((refused.code, refused.stderr), (Some(64), want));
}

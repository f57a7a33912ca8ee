//! Downloads of URLs, as skroutz/downloader takes and tells them.

use std::fs;
use std::time::Duration;

use serde_json::{Value, json};
use stoa_testing::content::Content;
use stoa_testing::gate::Gate;
use stoa_testing::http;
use stoa_testing::process::StoaProcess;
use stoa_testing::reply::Reply;
use stoa_testing::upstream::Upstream;
use tempfile::TempDir;

use crate::STOA;

/// A server that downloads, an origin, and who is told.
struct Scene {
    directory: TempDir,
    origin: Upstream,
    told: Upstream,
    stoa: StoaProcess,
}

fn start(directory: &TempDir, allow_private: bool) -> StoaProcess {
    let at = |name: &str| directory.path().join(name);
    fs::write(at("secret"), "a secret of sixteen bytes at least\n").unwrap();
    StoaProcess::command(STOA)
        .storage(&at("storage"))
        .env("STOA_UPSTREAM", "off")
        .env("STOA_JOBS_LEASE", "5s")
        .env("STOA_DRAIN_TIMEOUT", "2s")
        .env("STOA_JOBS_DOWNLOADS", at("downloads").to_str().unwrap())
        .env("STOA_JOBS_DOWNLOAD_URL", "https://files.example/d")
        .env("STOA_JOBS_MIN_FREE", "1MiB")
        .env("STOA_JOBS_FULL_AT", "100")
        .env("STOA_JOBS_CALLBACK_SECRET_FILE", at("secret").to_str().unwrap())
        .env(
            "STOA_JOBS_ALLOW_PRIVATE_ADDRESSES",
            if allow_private { "true" } else { "false" },
        )
        .start()
}

impl Scene {
    fn new(allow_private: bool) -> Self {
        let directory = stoa_testing::scene::private_directory();
        let (origin, told) = (Upstream::start_blocking(), Upstream::start_blocking());
        told.on_everything(Reply::text(200, "thanks"));
        let stoa = start(&directory, allow_private);
        Self {
            directory,
            origin,
            told,
            stoa,
        }
    }

    async fn ask(&self, method: &str, path: &str, body: &str) -> (u16, String) {
        let token = self.stoa.admin_authorization().unwrap();
        let headers = [
            ("Authorization", token.as_str()),
            ("Content-Type", "application/json"),
        ];
        let url = format!("{}{path}", self.stoa.url());
        let answer = http::request(method, &url, &headers, body.as_bytes())
            .await
            .unwrap();
        (answer.status, answer.text().to_owned())
    }

    /// Submits a download as clients of the origin do, and returns its id.
    async fn download(&self, path: &str, more: &Value) -> String {
        let mut body = json!({
            "url": format!("{}{path}", self.origin.url()),
            "aggr_id": "a",
            "aggr_limit": 4,
            "callback_url": format!("{}/told", self.told.url()),
        });
        for (name, value) in more.as_object().unwrap() {
            body[name] = value.clone();
        }
        let (status, answer) = self.ask("POST", "/download", &body.to_string()).await;
        assert_eq!(status, 201, "{answer}");
        let answer: Value = serde_json::from_str(&answer).unwrap();
        let id = answer["id"].as_str().unwrap().to_owned();
        assert_eq!((id.len(), answer), (14, json!({ "id": id })));
        id
    }

    /// The callbacks, when there are so many.
    async fn callbacks(&self, count: usize) -> Vec<Value> {
        self.told.arrived("/told", count).await;
        let requests = self.told.requests();
        requests
            .iter()
            .map(|request| serde_json::from_slice(&request.body).unwrap())
            .collect()
    }

    fn file(&self, id: &str) -> std::path::PathBuf {
        self.directory.path().join("downloads").join(&id[..3]).join(id)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_download_is_told_with_the_fields_of_the_origin() {
    let scene = Scene::new(true);
    scene.origin.file("/x.bin", Content::random(100_000, 7));
    let id = scene.download("/x.bin", &json!({ "extra": "mine" })).await;
    let told = scene.callbacks(1).await.remove(0);
    let want = json!({
        "success": true,
        "error": "",
        "extra": "mine",
        "image_size": "",
        "resource_url": format!("{}/x.bin", scene.origin.url()),
        "download_url": format!("https://files.example/d/{}/{id}", &id[..3]),
        "job_id": id,
        "response_code": 200,
        "delivered": true,
        "delivery_error": "",
    });
    assert_eq!(told, want);
    assert_eq!(
        fs::read(scene.file(&id)).unwrap(),
        Content::random(100_000, 7).to_bytes()
    );
    let request = &scene.told.requests()[0];
    assert_eq!(
        request.header("idempotency-key"),
        Some(format!("{id}-0-0").as_str())
    );
    assert!(request.header("x-stoa-signature").unwrap().starts_with("sha256="));
    let gone = scene.download("/none", &json!({})).await;
    let told = scene.callbacks(2).await.remove(1);
    assert_eq!(
        (&told["success"], &told["response_code"], &told["download_url"]),
        (&json!(false), &json!(404), &json!(""))
    );
    assert_eq!(
        (told["job_id"].as_str(), scene.origin.count("/none")),
        (Some(gone.as_str()), 1),
        "it is not asked again"
    );
    assert_eq!(scene.ask("GET", "/hb", "").await, (200, "OK\n".to_owned()));
    assert_eq!(
        scene.ask("POST", &format!("/retry/{id}"), "").await.0,
        400,
        "its callback was delivered"
    );
    assert_eq!(scene.ask("GET", "/download", "").await.0, 405);
    assert_eq!(scene.ask("GET", "/stats/processor", "").await.0, 200);
}

impl Scene {
    /// The JSON that is at a path, which says nothing of the secrets of callbacks.
    async fn json(&self, path: &str) -> Value {
        let (status, text) = self.ask("GET", path, "").await;
        assert_eq!(status, 200, "{text}");
        assert!(!text.contains("hunter2") && !text.contains("s3cret"), "{text}");
        serde_json::from_str(&text).unwrap()
    }

    /// The ids of a download and of its callback, whose target says that it does not come back.
    async fn dead_callback(&self) -> (String, String) {
        self.origin.file("/x.bin", "content");
        self.told.on_everything(Reply::text(410, "gone"));
        let told = self.told.url().replace("http://", "http://ann:hunter2@");
        let more = json!({ "callback_url": format!("{told}/told?token=s3cret") });
        let id = self.download("/x.bin", &more).await;
        self.json(&format!("/api/v1/jobs/{id}?wait=20s")).await;
        let all = self.json("/api/v1/callbacks").await;
        let callback = all["callbacks"][0]["id"].as_str().unwrap().to_owned();
        let job = self.json(&format!("/api/v1/jobs/{callback}?wait=20s")).await;
        assert_eq!(job["state"], "dead", "{job}");
        (id, callback)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_callback_is_listed_without_its_secrets() {
    let scene = Scene::new(true);
    let (id, callback) = scene.dead_callback().await;
    let all = scene.json("/api/v1/callbacks").await;
    let one = &all["callbacks"][0];
    let target = format!("{}/told?...", scene.told.url());
    assert_eq!(
        (&one["job"], &one["target"], &one["charged"]),
        (&json!(id), &json!(target), &json!(1)),
        "{all}"
    );
    let attempt = &one["attempts"][0];
    assert_eq!(
        (
            &attempt["ended"],
            &attempt["notes"]["status"],
            &one["failure"]["class"]
        ),
        (&json!("failed"), &json!(410), &json!("status")),
        "{all}"
    );
    for query in ["?state=dead&limit=1".to_owned(), format!("?job={id}")] {
        let list = scene.json(&format!("/api/v1/callbacks{query}")).await;
        assert_eq!(list["callbacks"][0]["id"], json!(callback), "{query}");
    }
    let none = scene.json("/api/v1/callbacks?state=ok").await;
    assert_eq!(none, json!({ "callbacks": [], "next": null }));
    assert_eq!(scene.ask("GET", "/api/v1/callbacks?colour=blue", "").await.0, 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_callback_is_told_once_more_and_counted() {
    let scene = Scene::new(true);
    let (id, callback) = scene.dead_callback().await;
    scene.told.on_everything(Reply::text(200, "thanks"));
    let retry = |id: &str| format!("/api/v1/callbacks/{id}/retry");
    assert_eq!(
        scene.ask("POST", &retry(&id), "").await.0,
        404,
        "a download is no callback"
    );
    assert_eq!(scene.ask("POST", &retry(&callback), "").await.0, 200);
    scene.told.arrived("/told", 2).await;
    scene.json(&format!("/api/v1/jobs/{callback}?wait=20s")).await;
    let list = scene.json("/api/v1/callbacks?state=ok").await;
    assert_eq!(list["callbacks"][0]["id"], json!(callback));
    assert_eq!(
        scene.ask("POST", &retry(&callback), "").await.0,
        409,
        "it was delivered"
    );
    let requests = scene.told.requests();
    let keys: Vec<_> = requests
        .iter()
        .map(|request| request.header("idempotency-key"))
        .collect();
    assert_eq!(keys[0], keys[1], "it is the same message");
    let notifier = scene.json("/stats/notifier").await;
    assert_eq!(
        (&notifier["successfulCallbacks"], &notifier["failedCallbacks"]),
        (&json!(1), &json!(1)),
        "{notifier}"
    );
    let processor = scene.json("/stats/processor").await;
    assert_eq!(
        (
            &processor["spawnedWorkers"],
            &processor["failures"],
            &processor["download.response.200"]
        ),
        (&json!(1), &json!(0), &json!(1)),
        "{processor}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_strangers_url_reaches_no_private_address() {
    let scene = Scene::new(false);
    scene.origin.file("/x", "secret");
    let port = scene.origin.address().port();
    for url in [
        scene.origin.url(),
        format!("http://localhost:{port}"),
        format!("http://[::1]:{port}"),
    ] {
        let body = json!({ "url": { "url": format!("{url}/x") } }).to_string();
        let (status, job) = scene.ask("POST", "/api/v1/jobs", &body).await;
        assert_eq!(status, 201, "{job}");
        let id = serde_json::from_str::<Value>(&job).unwrap()["id"]
            .as_str()
            .unwrap()
            .to_owned();
        let (_, job) = scene.ask("GET", &format!("/api/v1/jobs/{id}?wait=20s"), "").await;
        let job: Value = serde_json::from_str(&job).unwrap();
        assert_eq!(
            (&job["state"], &job["failure"]["class"]),
            (&json!("dead"), &json!("refused")),
            "{job}"
        );
    }
    // Nor by way of a proxy that the stranger names.
    for proxy in [scene.origin.url(), format!("http://localhost:{port}")] {
        let job = json!({ "url": "http://far.example/x", "aggr_id": proxy, "aggr_proxy": proxy });
        let id = scene.download("/x", &job).await;
        let (_, job) = scene.ask("GET", &format!("/api/v1/jobs/{id}?wait=20s"), "").await;
        let job: Value = serde_json::from_str(&job).unwrap();
        assert_eq!(
            (&job["state"], &job["failure"]["class"]),
            (&json!("dead"), &json!("refused")),
            "{job}"
        );
    }
    assert_eq!(scene.origin.connections(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_many_ask_for_is_downloaded_once_and_told_to_all() {
    let scene = Scene::new(true);
    let gate = Gate::new();
    scene.origin.on(
        "/x",
        Reply::Held(gate.clone(), Box::new(Reply::text(200, "content"))),
    );
    let mut ids = Vec::new();
    for number in 0..50 {
        ids.push(
            scene
                .download("/x", &json!({ "extra": number.to_string() }))
                .await,
        );
    }
    ids.dedup();
    assert_eq!(ids.len(), 1, "one job");
    gate.release();
    let mut extras: Vec<u32> = scene
        .callbacks(50)
        .await
        .iter()
        .map(|told| told["extra"].as_str().unwrap().parse().unwrap())
        .collect();
    extras.sort_unstable();
    assert_eq!(extras, (0..50).collect::<Vec<_>>());
    assert_eq!(scene.origin.count("/x"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_download_goes_on_where_it_broke_off_also_after_a_kill() {
    let mut scene = Scene::new(true);
    let body = Content::random(16 << 20, 7);
    let sent = 9_000_000;
    let mut cut = b"HTTP/1.1 200 OK\r\nETag: \"a\"\r\nContent-Length: 16777216\r\n\r\n".to_vec();
    cut.extend_from_slice(&body.to_bytes()[..sent]);
    let whole = Reply::Ranged {
        etag: "\"a\"".into(),
        body: body.clone(),
    };
    scene
        .origin
        .script("/x", [Reply::Raw(cut.into()), Reply::Hang, whole]);
    let id = scene.download("/x", &json!({})).await;
    // Its first attempt is over, what came is on the disk, and the second one waits for an answer.
    scene.origin.arrived("/x", 2).await;
    scene.stoa.kill9();
    scene.stoa = start(&scene.directory, true);
    let told = scene.callbacks(1).await.remove(0);
    assert_eq!(
        (&told["success"], told["job_id"].as_str()),
        (&json!(true), Some(id.as_str())),
        "{told}"
    );
    assert_eq!(fs::read(scene.file(&id)).unwrap(), body.to_bytes());
    let ranges: Vec<_> = scene
        .origin
        .requests()
        .iter()
        .map(|request| request.header("range").map(str::to_owned))
        .collect();
    // Of what came, nothing is asked for again.
    let rest = Some(format!("bytes={sent}-"));
    assert_eq!(ranges, [None, rest.clone(), rest]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shutdown_is_charged_to_nobody_and_the_next_server_goes_on_at_once() {
    let mut scene = Scene::new(true);
    let gate = Gate::new();
    let answer = Reply::Held(gate.clone(), Box::new(Reply::text(200, "content")));
    scene.origin.on("/slow", answer);
    let slow = scene
        .download("/slow", &json!({ "aggr_limit": 1, "max_retries": 0 }))
        .await;
    let mut waiting = Vec::new();
    for number in 0..5 {
        let path = format!("/x{number}");
        scene.origin.file(&path, "content");
        waiting.push(scene.download(&path, &json!({ "aggr_limit": 1 })).await);
    }
    scene.origin.arrived("/slow", 1).await;
    let ended = scene.stoa.sigterm_and_wait(Duration::from_secs(30));
    assert!(ended.success(), "{ended}");
    assert_eq!(scene.told.total(), 0, "nothing is over");
    let began = std::time::Instant::now();
    scene.stoa = start(&scene.directory, true);
    scene.origin.arrived("/slow", 2).await;
    let elapsed = began.elapsed();
    println!("the next server went on after {elapsed:?}");
    assert!(elapsed < Duration::from_secs(2), "{elapsed:?}");
    gate.release();
    for told in scene.callbacks(6).await {
        assert_eq!(told["success"], true, "{told}");
    }
    let (_, job) = scene.ask("GET", &format!("/api/v1/jobs/{slow}"), "").await;
    let job: Value = serde_json::from_str(&job).unwrap();
    let ended: Vec<_> = job["attempts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|attempt| attempt["ended"].clone())
        .collect();
    assert_eq!(
        (&job["charged"], ended),
        (&json!(1), vec![json!("interrupted"), json!("ok")]),
        "{job}"
    );
    assert_eq!(scene.origin.peak_in_flight(), 1, "the limit held");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_downloads_survive_a_loop_of_kills_and_are_told_once_each() {
    const JOBS: usize = 200;
    let mut scene = Scene::new(true);
    let seed = stoa_testing::go::environment("STOA_SEED").and_then(|seed| seed.parse().ok());
    let mut seed = seed.unwrap_or_else(|| u64::from(std::process::id()));
    println!("seed {seed}");
    let body = |number: usize| Content::random(3_000 + number as u64, number as u64);
    let mut ids = Vec::new();
    for number in 0..JOBS {
        let path = format!("/x{number}");
        let (chunk, every) = (1_000, Duration::from_millis(150));
        scene.origin.on(
            &path,
            Reply::Drip {
                body: body(number),
                chunk,
                every,
            },
        );
        ids.push(scene.download(&path, &json!({ "aggr_limit": 16 })).await);
    }
    for _ in 0..8 {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        // A random moment is what this is about; nothing is waited for.
        tokio::time::sleep(Duration::from_millis(100 + (seed >> 33) % 400)).await;
        scene.stoa.kill9();
        scene.stoa = start(&scene.directory, true);
    }
    for id in &ids {
        let (_, job) = scene.ask("GET", &format!("/api/v1/jobs/{id}?wait=60s"), "").await;
        let job: Value = serde_json::from_str(&job).unwrap();
        assert_eq!(job["state"], "ok", "{job}");
    }
    // A callback may arrive twice, if its sender was killed before it knew; its key says so.
    let mut told = std::collections::BTreeMap::new();
    let mut posts = JOBS;
    while told.len() < JOBS {
        scene.told.arrived("/told", posts).await;
        for request in scene.told.requests() {
            let message: Value = serde_json::from_slice(&request.body).unwrap();
            assert_eq!(message["success"], true, "{message}");
            let key = request.header("idempotency-key").unwrap().to_owned();
            told.insert(key, message["job_id"].clone());
        }
        posts += JOBS - told.len();
    }
    let (downloads, posts) = (scene.origin.total(), scene.told.total());
    println!(
        "{JOBS} jobs: {downloads} downloads, {posts} callbacks under {} keys",
        told.len()
    );
    assert!(downloads > JOBS, "no kill met a download");
    let mut of: Vec<_> = told.values().map(|id| id.as_str().unwrap().to_owned()).collect();
    let mut want = ids.clone();
    of.sort();
    want.sort();
    assert_eq!(of, want, "each job is told under one key");
    for (number, id) in ids.iter().enumerate() {
        assert_eq!(fs::read(scene.file(id)).unwrap(), body(number).to_bytes(), "{id}");
    }
    assert!(
        scene.origin.peak_in_flight() <= 16,
        "{}",
        scene.origin.peak_in_flight()
    );
}

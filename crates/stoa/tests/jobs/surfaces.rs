//! Metrics, events, callbacks, batches and quotas of jobs over HTTP.

use std::time::Duration;

use serde_json::{Value, json};
use stoa_testing::gate::Gate;
use stoa_testing::http::{self, Streaming};
use stoa_testing::reply::Reply;

use crate::scene::{Scene, module};

impl Scene {
    /// Asks the API with these headers and the token: the status, the header `Retry-After`, and the text of the answer.
    async fn raw(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> (u16, String) {
        let token = self.stoa.admin_authorization().unwrap();
        let headers = [headers, &[("Authorization", token.as_str())]].concat();
        let url = format!("{}{path}", self.stoa.url());
        let answer = http::request(method, &url, &headers, body.as_bytes())
            .await
            .unwrap();
        (answer.status, answer.text().to_owned())
    }

    /// Submits a module that no gate lets in, and returns its id.
    async fn submit(&self, name: &str) -> String {
        let body = json!({ "module": format!("example.com/{name}@v1.0.0") }).to_string();
        let (status, job) = self.api("POST", "jobs", &body).await;
        assert_eq!(status, 201, "{job}");
        job["id"].as_str().unwrap().to_owned()
    }

    /// Lets no job of a module start.
    async fn pause(&self) {
        let (status, _) = self
            .api("PUT", "aggregations/module/example.com", r#"{"paused":true}"#)
            .await;
        assert_eq!(status, 200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_tell_of_jobs() {
    let scene = Scene::of(&[module("a")]);
    let id = scene.submit("a").await;
    assert_eq!(scene.ended(&id).await["state"], "ok");
    let (status, text) = scene.raw("GET", "/metrics", &[], "").await;
    assert_eq!(status, 200);
    for line in [
        "stoa_job_run_seconds_count{kind=\"module\",outcome=\"ok\"} 1",
        "stoa_job_start_delay_seconds_count{kind=\"module\"} 1",
        "stoa_job_attempts_count{kind=\"module\"} 1",
        "stoa_job_transitions_total{to=\"running\",class=\"\"} 1",
        "stoa_job_transitions_total{to=\"ok\",class=\"\"} 1",
        "stoa_store_latency_seconds_count{op=\"submit\"} 1",
        "stoa_jobs{state=\"dead\",kind=\"all\"} 0",
        "stoa_leases_expired_total 0",
    ] {
        assert!(text.contains(&format!("\n{line}\n")), "no {line} in\n{text}");
    }
    assert!(!text.contains("example.com/a"), "no job is a label");
}

#[tokio::test(flavor = "multi_thread")]
async fn events_are_streamed_and_end_at_a_drain() {
    let mut scene = Scene::of(&[module("a")]);
    let id = scene.submit("a").await;
    assert_eq!(scene.ended(&id).await["state"], "ok");
    let token = scene.stoa.admin_authorization().unwrap();
    let url = format!("{}/api/v1/events?job={id}", scene.stoa.url());
    assert_eq!(http::get(&url).await.unwrap().status, 401);
    let headers = [("Authorization", token.as_str()), ("Last-Event-ID", "0")];
    let mut stream = Streaming::open(&url, &headers).await.unwrap();
    let mut text = String::new();
    while text.matches("event: job").count() < 3 {
        let part = stream.next().await.unwrap().expect("more events");
        text += std::str::from_utf8(&part).unwrap();
    }
    let states: Vec<Value> = text
        .lines()
        .filter_map(|line| line.strip_prefix("data: "))
        .map(|data| serde_json::from_str::<Value>(data).unwrap()["state"].take())
        .collect();
    assert_eq!(states, ["ready", "running", "ok"], "{text}");
    scene.stoa.sigterm();
    while stream.next().await.unwrap().is_some() {}
    assert_eq!(stream.end(), Some(http::BodyEnd::Clean));
    assert!(
        scene.stoa.wait(Duration::from_secs(10)).is_some(),
        "no stream keeps it"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_is_taken_whole_or_not_at_all() {
    let scene = Scene::of(&[module("a"), module("b")]);
    let ndjson = [("Content-Type", "application/x-ndjson")];
    let bad = "{\"module\":\"example.com/a@v1.0.0\"}\n\n{\"modul\":\"example.com/b@v1.0.0\"}\n";
    let (status, text) = scene.raw("POST", "/api/v1/jobs", &ndjson, bad).await;
    assert_eq!(status, 400);
    assert!(
        text.contains("line 3: the body makes no sense: unknown field `modul`"),
        "{text}"
    );
    let (_, list) = scene.api("GET", "jobs", "").await;
    assert_eq!(list["jobs"], json!([]), "no job was taken");
    let many = "{\"module\":\"example.com/a@v1.0.0\"}\n".repeat(1_001);
    let (status, text) = scene.raw("POST", "/api/v1/jobs", &ndjson, &many).await;
    assert!(
        status == 400 && text.contains("line 1001: a batch has at most 1000"),
        "{text}"
    );
    assert_eq!(scene.raw("POST", "/api/v1/jobs", &ndjson, "\n \n").await.0, 400);
    assert_eq!(
        scene
            .raw("POST", "/api/v1/jobs", &[("Content-Type", "text/csv")], bad)
            .await
            .0,
        415
    );
    scene.pause().await;
    let good = "{\"module\":\"example.com/a@v1.0.0\"}\r\n{\"module\":\"example.com/b@v1.0.0\"}\n{\"module\":\"example.com/a@v1.0.0\"}";
    let (status, text) = scene.raw("POST", "/api/v1/jobs", &ndjson, good).await;
    let answers: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!((status, answers.len()), (201, 3), "{text}");
    let statuses: Vec<_> = answers
        .iter()
        .map(|answer| answer["status"].as_u64().unwrap())
        .collect();
    assert_eq!(statuses, [201, 201, 200], "the last one is the first one again");
    assert_eq!(answers[0]["id"], answers[2]["id"]);
    assert_eq!(
        scene.raw("POST", "/api/v1/jobs", &ndjson, good).await.0,
        200,
        "nothing is new"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_makes_one_job_however_often_it_comes() {
    let scene = Scene::of(&[module("a"), module("b")]);
    let keyed = [
        ("Content-Type", "application/json"),
        ("Idempotency-Key", "7f3c-1"),
    ];
    let a = r#"{"module":"example.com/a@v1.0.0"}"#;
    let id = |text: &str| {
        serde_json::from_str::<Value>(text).unwrap()["id"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let (first, second) = tokio::join!(
        scene.raw("POST", "/api/v1/jobs", &keyed, a),
        scene.raw("POST", "/api/v1/jobs", &keyed, a)
    );
    let mut statuses = [first.0, second.0];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 201]);
    assert_eq!(id(&first.1), id(&second.1));
    assert_eq!(scene.ended(&id(&first.1)).await["state"], "ok");
    let (status, text) = scene.raw("POST", "/api/v1/jobs", &keyed, a).await;
    assert_eq!((status, id(&text)), (200, id(&first.1)), "also when it has ended");
    let (status, text) = scene
        .raw(
            "POST",
            "/api/v1/jobs",
            &keyed,
            r#"{"module":"example.com/b@v1.0.0"}"#,
        )
        .await;
    assert!(status == 422 && text.contains("another body"), "{status} {text}");
    let other = [
        ("Content-Type", "application/json"),
        ("Idempotency-Key", "7f3c-2"),
    ];
    let (status, text) = scene.raw("POST", "/api/v1/jobs", &other, a).await;
    assert!(status == 201 && id(&text) != id(&first.1), "{status} {text}");
    let batch = [
        ("Content-Type", "application/x-ndjson"),
        ("Idempotency-Key", "7f3c-3"),
    ];
    assert_eq!(scene.raw("POST", "/api/v1/jobs", &batch, a).await.0, 400);
    let (_, list) = scene.api("GET", "jobs", "").await;
    assert_eq!(list["jobs"].as_array().unwrap().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_jobs_are_cancelled_and_started_anew_page_by_page() {
    let names: Vec<String> = (0..25).map(|number| format!("m{number}")).collect();
    let scene = Scene::of(&names.iter().map(|name| module(name)).collect::<Vec<_>>());
    scene.pause().await;
    for name in &names {
        scene.submit(name).await;
    }
    let bulk = async |body: Value| scene.api("POST", "jobs/bulk", &body.to_string()).await;
    for (body, says) in [
        (json!({ "filter": {}, "action": "cancel" }), "filter: name one of"),
        (
            json!({ "filter": { "state": "," }, "action": "cancel" }),
            "names none",
        ),
        (
            json!({ "filter": { "colour": "blue" }, "action": "cancel" }),
            "unknown field `colour`",
        ),
        (
            json!({ "filter": { "kind": "module" }, "action": "forget" }),
            "unknown variant `forget`",
        ),
        (
            json!({ "filter": { "kind": "module" }, "action": "cancel", "cursor": "x" }),
            "cursor: ",
        ),
    ] {
        let (status, answer) = bulk(body).await;
        assert_eq!(status, 400, "{answer}");
        assert!(answer["detail"].as_str().unwrap().contains(says), "{answer}");
    }
    let filter = json!({ "aggregation": "module/example.com" });
    let (status, first) = bulk(json!({ "filter": filter, "action": "cancel", "limit": 20 })).await;
    assert_eq!(
        (status, &first["done"], &first["skipped"]),
        (200, &json!(20), &json!(0)),
        "{first}"
    );
    let rest = json!({ "filter": filter, "action": "cancel", "limit": 20, "cursor": first["next"] });
    assert_eq!(
        bulk(rest).await.1,
        json!({ "done": 5, "skipped": 0, "next": null })
    );
    let (_, list) = scene.api("GET", "jobs", "").await;
    assert_eq!(list["counts"]["cancelled"], 25, "{list}");
    let ended = json!({ "filter": { "state": "cancelled" }, "action": "promote" });
    assert_eq!(
        bulk(ended).await.1,
        json!({ "done": 0, "skipped": 25, "next": null })
    );
    let some = json!({ "filter": { "text": "example.com/m1" }, "action": "retry" });
    assert_eq!(bulk(some).await.1["done"], 11, "m1 and m10 to m19");
    let (_, list) = scene.api("GET", "jobs?state=ready", "").await;
    assert_eq!(list["jobs"].as_array().unwrap().len(), 11);
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_stay_where_they_are_while_jobs_come_and_change() {
    let scene = Scene::of(&["a", "b", "c", "d", "e"].map(module));
    scene.pause().await;
    let mut ids = Vec::new();
    for name in ["a", "b", "c", "d"] {
        ids.push(scene.submit(name).await);
    }
    let path = "jobs?aggr=module/example.com&kind=module&q=example.com/&limit=2";
    let (_, first) = scene.api("GET", path, "").await;
    let of = |page: &Value| -> Vec<String> {
        let jobs = page["jobs"].as_array().unwrap();
        jobs.iter()
            .map(|job| job["id"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(of(&first), [ids[3].clone(), ids[2].clone()]);
    scene.submit("e").await;
    scene.api("POST", &format!("jobs/{}/cancel", ids[3]), "").await;
    scene.api("POST", &format!("jobs/{}/promote", ids[0]), "").await;
    let cursor = first["next"].as_str().unwrap();
    let (_, second) = scene.api("GET", &format!("{path}&cursor={cursor}"), "").await;
    assert_eq!(of(&second), [ids[1].clone(), ids[0].clone()]);
    assert_eq!(second["next"], Value::Null);
    let (_, same) = scene.api("GET", &format!("{path}&before={cursor}"), "").await;
    assert_eq!(of(&same), of(&second));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_job_is_cancelled_with_others() {
    let scene = Scene::of(&[module("a")]);
    let gate = Gate::new();
    let held = Reply::Held(
        gate.clone(),
        Box::new(Reply::text(200, r#"{"Version":"v1.0.0"}"#)),
    );
    scene.upstream.on("/example.com/a/@v/v1.0.0.info", held);
    let id = scene.submit("a").await;
    scene.upstream.arrived("/example.com/a/@v/v1.0.0.info", 1).await;
    let body = r#"{"filter":{"state":"running"},"action":"cancel"}"#;
    let (status, done) = scene.api("POST", "jobs/bulk", body).await;
    assert_eq!(
        (status, done),
        (200, json!({ "done": 1, "skipped": 0, "next": null }))
    );
    assert_eq!(scene.ended(&id).await["state"], "cancelled");
    gate.release();
}

//! `/api/v1/jobs` and `/api/v1/aggregations`.

use serde_json::json;
use stoa_testing::gate::Gate;
use stoa_testing::reply::Reply;

use crate::scene::{Scene, module};

#[tokio::test(flavor = "multi_thread")]
async fn a_job_is_taken_shown_and_done() {
    let scene = Scene::of(&[module("a")]);
    let (status, job) = scene
        .api("POST", "jobs", r#"{"module":"example.com/a@v1.0.0"}"#)
        .await;
    assert_eq!(status, 201, "{job}");
    let id = job["id"].as_str().unwrap();
    let job = scene.ended(id).await;
    assert_eq!(
        (&job["state"], &job["charged"], &job["kind"]),
        (&json!("ok"), &json!(1), &json!("module")),
        "{job}"
    );
    assert_eq!(
        job["result"],
        json!({ "module": "example.com/a", "version": "v1.0.0", "bytes": module("a").zip().len() })
    );
    assert_eq!(job["attempts"].as_array().unwrap().len(), 1);
    let (_, list) = scene.api("GET", "jobs?state=ok&q=example.com/a", "").await;
    assert_eq!(
        (list["jobs"][0]["id"].as_str(), list["counts"]["ok"].as_u64()),
        (Some(id), Some(1)),
        "{list}"
    );
    let ls = scene.command(&["jobs", "ls"]);
    assert_eq!(
        ls.stdout,
        format!("{id}  ok         example.com/a@v1.0.0\n1 ok\n"),
        "{ls:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_is_refused_with_its_reason() {
    let scene = Scene::of(&[]);
    for (method, path, body, status, says) in [
        (
            "POST",
            "jobs",
            "{}",
            400,
            "name one of module, prefetch, mirror and url",
        ),
        (
            "POST",
            "jobs",
            r#"{"module":"x"}"#,
            400,
            "module: malformed module path",
        ),
        ("POST", "jobs", "[", 400, "the body makes no sense"),
        ("GET", "jobs/AAAAAAAAAAAAAA", "", 404, "there is no job"),
        ("GET", "jobs/no%20id", "", 404, "there is no job"),
        (
            "GET",
            "jobs?state=fine",
            "",
            400,
            "there is no \"fine\", only ready",
        ),
        ("GET", "jobs?colour=blue", "", 400, "unknown field `colour`"),
        ("GET", "jobs/AAAAAAAAAAAAAA?wait=soon", "", 400, "wait: "),
        ("POST", "jobs/AAAAAAAAAAAAAA/cancel", "", 404, "there is no job"),
        (
            "PUT",
            "aggregations/module/x",
            r#"{"concurrency":0}"#,
            400,
            "nonzero",
        ),
        (
            "PUT",
            "aggregations/module/x",
            r#"{"rate":"fast"}"#,
            400,
            "rate: a rate is written COUNT/s",
        ),
        ("PUT", "aggregations/X/x", "{}", 400, "a kind of jobs is a word"),
        ("GET", "aggregations/module/x", "", 404, "has no jobs"),
    ] {
        let (got, answer) = scene.api(method, path, body).await;
        assert_eq!(got, status, "{method} {path} {body}: {answer}");
        assert!(
            answer["detail"].as_str().unwrap_or_default().contains(says),
            "{method} {path} {body}: {answer}"
        );
    }
    let url = format!("{}/api/v1/jobs", scene.stoa.url());
    let stranger = stoa_testing::http::get(&url).await.unwrap();
    assert_eq!(stranger.status, 401, "jobs are for who knows the token");
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_change_while_jobs_run_and_a_running_one_is_cancelled() {
    let names = ["a", "b", "c", "d"];
    let scene = Scene::of(&names.map(module));
    let gate = Gate::new();
    for name in names {
        let path = format!("/example.com/{name}/@v/v1.0.0.info");
        scene.upstream.on(
            &path,
            Reply::Held(
                gate.clone(),
                Box::new(Reply::text(200, r#"{"Version":"v1.0.0"}"#)),
            ),
        );
    }
    let (status, set) = scene
        .api("PUT", "aggregations/module/example.com", r#"{"concurrency":1}"#)
        .await;
    assert_eq!((status, &set["pinned"]), (200, &json!(true)), "{set}");
    let mut ids = Vec::new();
    for name in names {
        let (_, job) = scene
            .api(
                "POST",
                "jobs",
                &format!(r#"{{"module":"example.com/{name}@v1.0.0"}}"#),
            )
            .await;
        ids.push(job["id"].as_str().unwrap().to_owned());
    }
    scene.upstream.arrived("/example.com/a/@v/v1.0.0.info", 1).await;
    let (_, waiting) = scene.api("GET", &format!("jobs/{}", ids[1]), "").await;
    assert_eq!(
        (&waiting["state"], &waiting["waiting_for"]),
        (&json!("ready"), &json!("slot")),
        "{waiting}"
    );
    let (status, job) = scene.api("POST", &format!("jobs/{}/cancel", ids[0]), "").await;
    assert_eq!(status, 200, "{job}");
    assert_eq!(scene.ended(&ids[0]).await["state"], "cancelled");
    scene.upstream.arrived("/example.com/b/@v/v1.0.0.info", 1).await;
    scene
        .api("PUT", "aggregations/module/example.com", r#"{"concurrency":3}"#)
        .await;
    for name in ["c", "d"] {
        scene
            .upstream
            .arrived(&format!("/example.com/{name}/@v/v1.0.0.info"), 1)
            .await;
    }
    gate.release();
    for id in &ids[1..] {
        assert_eq!(scene.ended(id).await["state"], "ok");
    }
    let again = scene.command(&["jobs", "retry", &ids[0]]);
    assert_eq!(again.code, Some(0), "{again:?}");
    assert_eq!(scene.ended(&ids[0]).await["state"], "ok");
}

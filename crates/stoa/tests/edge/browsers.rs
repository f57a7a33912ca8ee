//! No answer that holds bytes from outside is one that a browser runs.

use stoa_testing::http::{self, Response};
use stoa_testing::reply::Reply;

use crate::admin::{TOKEN, VERSION, bearer, start_with_token};
use crate::support::{get, get_with, scene};

const NOTHING: &str = "default-src 'none'; sandbox; frame-ancestors 'none'";

#[track_caller]
fn assert_inert(case: &str, answer: &Response) {
    for (name, want) in [
        ("x-content-type-options", "nosniff"),
        ("content-security-policy", NOTHING),
        ("cross-origin-resource-policy", "same-origin"),
    ] {
        assert_eq!(answer.header(name), Some(want), "{case}: {name}");
    }
    let kind = answer.header("content-type").unwrap_or("none");
    let kinds = [
        "none",
        "text/plain; charset=utf-8",
        "application/json",
        "application/problem+json",
        "application/zip",
        "application/openmetrics-text; version=1.0.0; charset=utf-8",
    ];
    assert!(kinds.contains(&kind), "{case}: {kind}");
}

#[tokio::test]
async fn a_script_of_an_upstream_arrives_as_nothing_that_runs() {
    let scene = scene();
    let stoa = scene.start();
    let script = "<script>fetch('/example.com/private/@v/v1.0.0.zip')</script>";
    for (code, kind) in [
        (404, "text/html"),
        (410, "text/html; charset=utf-8"),
        (404, "image/svg+xml"),
        (404, "application/xhtml+xml"),
        (404, "text/javascript"),
        (404, "text/plain"),
        (404, "TEXT/HTML"),
        (403, "text/html"),
        (500, "text/plain"),
    ] {
        let path = format!(
            "/example.com/m{code}/{}/@v/list",
            kind.replace(|c: char| !c.is_ascii_lowercase(), "")
        );
        let reply = Reply::Status(code, kind.to_owned(), script.to_owned().into());
        scene.upstream.on(&path, reply);
        for _ in ["fetched", "remembered"] {
            let answer = get(&stoa, &path).await;
            assert_inert(kind, &answer);
            assert_eq!(
                answer.header("content-type"),
                Some("text/plain; charset=utf-8"),
                "{kind}"
            );
            let is_text = kind == "text/plain";
            assert_eq!(
                answer.text().contains("<script>"),
                is_text,
                "{kind}: {}",
                answer.text()
            );
        }
    }
}

#[tokio::test]
async fn every_answer_but_a_page_of_our_own_is_inert() {
    let scene = scene();
    let stoa = start_with_token(&scene);
    let greet = scene.greet();
    let files = ["info", "mod", "zip"].map(|kind| greet.url_path(kind));
    let lists = ["/example.com/greet/@v/list", "/example.com/greet/@latest"].map(str::to_owned);
    for path in files.iter().chain(&lists) {
        for case in ["fetched", "stored", "in memory"] {
            let answer = get(&stoa, path).await;
            assert_eq!(answer.status, 200, "{case} {path}");
            assert_inert(path, &answer);
        }
        let head = http::head(&format!("{}{path}", stoa.url())).await.unwrap();
        assert_inert("HEAD", &head);
    }
    let zip = get(&stoa, &files[2]).await;
    let etag = zip.header("etag").unwrap();
    for (name, value, status) in [
        ("If-None-Match", etag, 304),
        ("Range", "bytes=0-3", 206),
        ("Range", "bytes=99999999-", 416),
    ] {
        let answer = get_with(&stoa, &files[2], &[(name, value)]).await;
        assert_eq!(answer.status, status, "{name}");
        assert_inert(name, &answer);
    }
    for (path, status) in [
        ("/healthz", 200),
        ("/readyz", 200),
        ("/version", 200),
        ("/robots.txt", 200),
        ("/metrics", 200),
        (VERSION, 200),
        ("/api/v1/lanes", 200),
        ("/api/v1/nothing", 404),
        ("/nothing", 404),
        ("/sumdb/nothing/latest", 404),
        ("/example.com/%ff/@v/list", 400),
    ] {
        let answer = get_with(&stoa, path, &[("Authorization", &bearer(TOKEN))]).await;
        assert_eq!(answer.status, status, "{path}");
        assert_inert(path, &answer);
    }
    assert_inert("no token", &get(&stoa, VERSION).await);
    let post = http::request("POST", &format!("{}/healthz", stoa.url()), &[], b"")
        .await
        .unwrap();
    assert_inert("another method", &post);

    let home = get(&stoa, "/").await;
    assert_eq!(home.header("content-type"), Some("text/html; charset=utf-8"));
    let policy = home.header("content-security-policy").unwrap();
    assert!(
        policy.contains("default-src 'none'") && !policy.contains("script-src"),
        "{policy}"
    );
    assert!(
        policy.contains("frame-ancestors 'none'") && !home.text().contains("<script"),
        "{policy}"
    );
    assert_eq!(home.header("x-content-type-options"), Some("nosniff"));
}

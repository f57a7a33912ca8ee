//! What there is: `/dl/?mode=json`, with everything or without.

use serde_json::Value;
use stoa_testing::reply::Reply;

use crate::mirror::{LARGE, Mirror, SMALL, ask, assert_error, get};

const ALL: &str = "/dl/?mode=json&include=all";

fn names(index: &Value) -> Vec<&str> {
    let releases = index.as_array().unwrap().iter();
    releases
        .map(|release| release["files"][0]["filename"].as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn both_indexes_are_passed_on_as_they_are_and_asked_for_once() {
    let mirror = Mirror::new();
    let stoa = mirror.start();
    let all = get(&stoa, ALL).await;
    assert_eq!(
        (all.status, all.header("content-type")),
        (200, Some("application/json"))
    );
    assert_eq!(names(&all.json()), [SMALL, LARGE]);
    let recent = get(&stoa, "/dl/?mode=json").await;
    assert_eq!(names(&recent.json()), [LARGE]);
    let max_age = all.header("cache-control").unwrap();
    assert_eq!(max_age, "public, max-age=60");
    for path in [ALL, "/dl?include=all&mode=json"] {
        let again = get(&stoa, path).await;
        assert_eq!((again.status, &again.body), (200, &all.body), "{path}");
        let etag = again.header("etag").unwrap();
        let same = ask(&stoa, "GET", path, &[("If-None-Match", etag)]).await;
        assert_eq!((same.status, same.body.len()), (304, 0), "{path}");
        let head = ask(&stoa, "HEAD", path, &[]).await;
        let len = all.body.len().to_string();
        assert_eq!(
            (head.status, head.header("content-length")),
            (200, Some(len.as_str())),
            "{path}"
        );
    }
    assert_eq!(mirror.front.total(), 2, "one request for each index");
}

#[tokio::test]
async fn without_the_mode_there_is_a_text_and_no_html() {
    let mirror = Mirror::new();
    let stoa = mirror.start();
    for path in ["/dl/", "/dl", "/dl/?mode=html"] {
        let page = get(&stoa, path).await;
        assert_eq!(page.status, 200, "{path}");
        assert_eq!(
            page.header("content-type"),
            Some("text/plain; charset=utf-8"),
            "{path}"
        );
        assert!(page.text().contains("?mode=json"), "{path}");
    }
    let post = ask(&stoa, "POST", ALL, &[]).await;
    assert_eq!((post.status, post.header("allow")), (405, Some("GET, HEAD")));
    assert_eq!(mirror.front.total(), 0);
}

#[tokio::test]
async fn an_old_index_stands_while_there_is_no_other() {
    let mirror = Mirror::new();
    let mut stoa = mirror.stoa().env("STOA_TOOLCHAINS_INDEX_TTL", "0s").start();
    let first = get(&stoa, ALL).await;
    assert_eq!(first.status, 200);
    for bad in [
        Reply::text(500, "out of order\n"),
        Reply::text(404, "404 page not found\n"),
        Reply::ok("<!doctype html><title>Sign in</title>"),
        Reply::ok("[{\"files\":7}]"),
        Reply::Truncate {
            announce: 1000,
            send: "[".to_owned().into(),
        },
    ] {
        mirror.front.script("/dl/", [bad.clone()]);
        let answer = get(&stoa, ALL).await;
        assert_eq!((answer.status, &answer.body), (200, &first.body), "{bad:?}");
    }
    mirror.front.kill();
    assert_eq!(get(&stoa, ALL).await.body, first.body);
    // Also by a server that has only what another one kept.
    stoa.kill9();
    let mut stoa = mirror.start();
    assert_eq!(get(&stoa, ALL).await.body, first.body);
    stoa.kill9();
    let stoa = mirror.stoa().args(&["--network", "offline"]).start();
    assert_eq!(get(&stoa, ALL).await.body, first.body);
    assert_error(
        "offline",
        &get(&stoa, "/dl/?mode=json").await,
        404,
        &["not stored here", "offline"],
    );
}

#[tokio::test]
async fn a_server_without_an_index_is_a_bad_one_and_never_not_found() {
    let mirror = Mirror::new();
    let stoa = mirror.start();
    for (bad, words) in [
        (Reply::text(404, "404 page not found\n"), "it has no index"),
        (Reply::text(403, "no\n"), "answered 403"),
        (Reply::text(500, "out of order\n"), "answered 500"),
        (Reply::ok("<!doctype html>"), "not an index of releases"),
        (Reply::Reset, "127.0.0.1"),
    ] {
        mirror.front.script("/dl/", [bad.clone()]);
        assert_error(&format!("{bad:?}"), &get(&stoa, ALL).await, 502, &[words]);
        mirror.front.script("/dl/", [bad.clone()]);
        let archive = get(&stoa, &format!("/dl/{SMALL}")).await;
        assert_error(&format!("{bad:?}"), &archive, 502, &[words]);
    }
    assert_eq!(get(&stoa, ALL).await.status, 200);
}

#[tokio::test]
async fn a_release_that_came_out_just_now_is_found_by_its_name() {
    let mirror = Mirror::new();
    let stoa = mirror.stoa().env("STOA_TOOLCHAINS_INDEX_TTL", "0s").start();
    let new = "go1.100.0.linux-amd64.tar.gz";
    assert_eq!(get(&stoa, &format!("/dl/{new}")).await.status, 404);
    mirror.release(new);
    let archive = get(&stoa, &format!("/dl/{new}")).await;
    assert_eq!(archive.status, 200, "{}", archive.text());
}

#[tokio::test]
async fn nothing_is_there_unless_an_upstream_is_named() {
    let mirror = Mirror::new();
    let stoa = mirror.stoa_in("storage").start();
    for path in [ALL, "/dl/", "/dl/go1.99.0.linux-amd64.tar.gz"] {
        assert_error(
            path,
            &get(&stoa, path).await,
            404,
            &["toolchains.upstream is not set"],
        );
    }
}

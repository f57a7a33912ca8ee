//! How long answers are believed: "no such thing", lists, and the old answer while the upstream is slow or away.

use stoa_testing::gate::Gate;
use stoa_testing::reply::Reply;

use crate::support::{eventually, get, scene};

const LIST: &str = "/example.com/greet/@v/list";

#[tokio::test]
async fn not_found_is_asked_once_while_it_is_believed() {
    let scene = scene();
    let stoa = scene.start_with(&[("STOA_CACHE_NEGATIVE_TTL", "1h")]);
    for path in [
        "/example.com/nobody/@v/list",
        "/example.com/nobody/@latest",
        "/example.com/greet/@v/v1.9.0.info",
        "/example.com/greet/@v/v1.9.0.mod",
        "/example.com/greet/@v/v1.9.0.zip",
        "/example.com/greet/@v/nobranch.info",
    ] {
        for _ in 0..5 {
            let answer = get(&stoa, path).await;
            assert_eq!(
                (answer.status, answer.text()),
                (404, format!("not found: {path}\n").as_str())
            );
        }
        assert_eq!(scene.upstream.count(path), 1, "{path}");
        // Pushed too early for those who asked before: that is what believing costs.
        scene.upstream.on(path, Reply::ok("pushed"));
        assert_eq!(get(&stoa, path).await.status, 404, "{path}");
    }
}

#[tokio::test]
async fn a_pushed_version_appears_when_not_found_is_no_longer_believed() {
    let scene = scene();
    let stoa = scene.start_with(&[("STOA_CACHE_NEGATIVE_TTL", "300ms")]);
    let pushed = stoa_testing::fixtures::ModuleFixture::new("example.com/greet", "v1.3.0");
    for extension in ["info", "mod", "zip"] {
        assert_eq!(get(&stoa, &pushed.url_path(extension)).await.status, 404);
    }
    scene.upstream.module(&pushed);
    let zip = eventually("the pushed version", async || {
        let answer = get(&stoa, &pushed.url_path("zip")).await;
        (answer.status == 200).then_some(answer.body)
    })
    .await;
    assert_eq!(zip, pushed.zip().to_bytes());
    assert_eq!(scene.upstream.count(&pushed.url_path("zip")), 2);
    for extension in ["info", "mod"] {
        assert_eq!(get(&stoa, &pushed.url_path(extension)).await.status, 200);
    }
}

#[tokio::test]
async fn a_list_is_asked_once_while_it_is_fresh() {
    let scene = scene();
    let stoa = scene.start_with(&[("STOA_CACHE_LIST_TTL", "1h")]);
    for path in [LIST, "/example.com/greet/@latest"] {
        let first = get(&stoa, path).await;
        scene.upstream.on(path, Reply::text(500, "down"));
        for _ in 0..5 {
            assert_eq!(get(&stoa, path).await.body, first.body);
        }
        assert_eq!(scene.upstream.count(path), 1, "{path}");
    }
}

#[tokio::test]
async fn a_new_version_is_listed_when_the_list_is_no_longer_fresh() {
    let scene = scene();
    let stoa = scene.start_with(&[("STOA_CACHE_LIST_TTL", "300ms"), ("STOA_CACHE_STALE_TTL", "0s")]);
    assert_eq!(
        get(&stoa, LIST).await.text(),
        "v1.0.0\nv1.0.1\nv1.1.0\nv1.2.0-rc.1\n"
    );
    scene.upstream.file(LIST, "v1.0.0\nv1.4.0\n");
    let list = eventually("the new list", async || {
        let list = get(&stoa, LIST).await;
        list.text().contains("v1.4.0").then_some(list)
    })
    .await;
    assert_eq!(list.text(), "v1.0.0\nv1.4.0\n");
    assert_eq!(scene.upstream.count(LIST), 2);
}

#[tokio::test]
async fn an_old_list_is_given_at_once_while_one_refresh_runs() {
    let scene = scene();
    let stoa = scene.start_with(&[("STOA_CACHE_LIST_TTL", "0s"), ("STOA_CACHE_STALE_TTL", "1h")]);
    let old = get(&stoa, LIST).await;
    let gate = Gate::new();
    scene.upstream.on(LIST, Reply::ok("v1.4.0\n").held(&gate));
    for _ in 0..10 {
        assert_eq!(
            get(&stoa, LIST).await.body,
            old.body,
            "nobody waits for the refresh"
        );
    }
    gate.reached(1).await;
    assert_eq!(scene.upstream.count(LIST), 2, "one refresh for all of them");
    gate.release();
    eventually("the refreshed list", async || {
        (get(&stoa, LIST).await.text() == "v1.4.0\n").then_some(())
    })
    .await;
}

#[tokio::test]
async fn an_old_answer_is_better_than_a_failure_and_the_upstream_is_left_alone() {
    let scene = scene();
    let stoa = scene.start_with(&[
        ("STOA_CACHE_LIST_TTL", "0s"),
        ("STOA_CACHE_STALE_TTL", "0s"),
        ("STOA_CACHE_NEGATIVE_TTL", "1h"),
        // Only for the one that hangs: with less, a request on a busy machine can end before it has been heard.
        ("STOA_FETCH_RESPONSE_TIMEOUT", "3s"),
    ]);
    let paths = [LIST, "/example.com/greet/@latest"];
    for (path, fault) in paths.iter().zip([Reply::text(500, "down"), Reply::Hang]) {
        let old = get(&stoa, path).await;
        scene.upstream.on(path, fault);
        for _ in 0..5 {
            let answer = get(&stoa, path).await;
            assert_eq!((answer.status, &answer.body), (200, &old.body), "{path}");
        }
        assert_eq!(
            scene.upstream.count(path),
            2,
            "{path}: it fails once, then it has a rest"
        );
    }
}

#[tokio::test]
async fn a_list_comes_back_when_the_upstream_does() {
    let scene = scene();
    let stoa = scene.start_with(&[
        ("STOA_CACHE_LIST_TTL", "0s"),
        ("STOA_CACHE_STALE_TTL", "0s"),
        ("STOA_CACHE_NEGATIVE_TTL", "200ms"),
    ]);
    let old = get(&stoa, LIST).await;
    scene.upstream.kill();
    assert_eq!(get(&stoa, LIST).await.body, old.body);
    scene.upstream.file(LIST, "v1.4.0\n");
    scene.upstream.restart_same_port();
    eventually("the new list", async || {
        (get(&stoa, LIST).await.text() == "v1.4.0\n").then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_missing_file_whose_upstream_fails_later_is_a_failure() {
    let scene = scene();
    let stoa = scene.start_with(&[("STOA_CACHE_NEGATIVE_TTL", "100ms")]);
    let path = "/example.com/greet/@v/v1.9.0.info";
    assert_eq!(get(&stoa, path).await.status, 404);
    scene.upstream.on(path, Reply::text(500, "down"));
    // A 404 would send the client elsewhere although nobody knows any more.
    eventually("the failure", async || {
        (get(&stoa, path).await.status == 502).then_some(())
    })
    .await;
}

//! The service pages.

use stoa_testing::http;

use crate::support::{eventually, get, get_with, scene};

#[tokio::test]
async fn the_home_page_has_the_line_that_makes_go_use_it() {
    let scene = scene();
    let stoa = scene.start();
    let home = get(&stoa, "/").await;
    assert_eq!(
        (home.status, home.header("content-type")),
        (200, Some("text/html; charset=utf-8"))
    );
    assert!(
        home.text().contains(&format!("export GOPROXY={}", stoa.url())),
        "{}",
        home.text()
    );
    assert!(home.text().contains(env!("CARGO_PKG_VERSION")), "{}", home.text());
    let named = get_with(&stoa, "/", &[("Host", "go.corp.example")]).await;
    assert!(
        named.text().contains("export GOPROXY=http://go.corp.example"),
        "{}",
        named.text()
    );
    let hostile = get_with(&stoa, "/", &[("Host", "<script>\"&'")]).await;
    assert!(
        hostile.status == 400 || !hostile.text().contains("<script>"),
        "{}",
        hostile.text()
    );
}

#[tokio::test]
async fn health_version_and_robots() {
    let scene = scene();
    let stoa = scene.start();
    for (path, content_type, body) in [
        ("/healthz", "text/plain; charset=utf-8", "ok\n"),
        ("/readyz", "text/plain; charset=utf-8", "ready\n"),
        (
            "/robots.txt",
            "text/plain; charset=utf-8",
            "User-agent: *\nDisallow: /\n",
        ),
    ] {
        let answer = get(&stoa, path).await;
        assert_eq!(
            (answer.status, answer.header("content-type")),
            (200, Some(content_type)),
            "{path}"
        );
        assert_eq!(answer.text(), body);
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{path}");
        let head = http::head(&format!("{}{path}", stoa.url())).await.unwrap();
        assert_eq!((head.status, head.body.len()), (200, 0), "{path}");
    }
    for (method, path, status) in [("GET", "/nowhere", 404), ("DELETE", "/", 405), ("GET", "/", 200)] {
        let answer = http::request(method, &format!("{}{path}", stoa.url()), &[], b"")
            .await
            .unwrap();
        assert_eq!(
            (answer.status, answer.header("cache-control")),
            (status, Some("no-store")),
            "{method} {path}"
        );
    }
    let version = get(&stoa, "/version").await;
    assert_eq!(version.header("content-type"), Some("application/json"));
    assert_eq!(version.json()["version"], env!("CARGO_PKG_VERSION"));
    scene.upstream.kill();
    assert_eq!(
        get(&stoa, "/readyz").await.status,
        200,
        "what is stored is served without any upstream"
    );
}

#[tokio::test]
async fn not_ready_while_storage_cannot_be_written_and_ready_again() {
    let scene = scene();
    let stoa = scene.start();
    assert_eq!(get(&stoa, &scene.greet().url_path("mod")).await.status, 200);
    // A file in the place of the directory stops root as well.
    let (tmp, aside) = (
        scene.storage().join(".stoa/tmp"),
        scene.storage().join(".stoa/aside"),
    );
    std::fs::rename(&tmp, &aside).unwrap();
    std::fs::write(&tmp, "").unwrap();
    let not_ready = eventually("not ready", async || {
        let answer = get(&stoa, "/readyz").await;
        (answer.status == 503).then_some(answer)
    })
    .await;
    assert!(
        not_ready.text().starts_with("not ready: "),
        "{}",
        not_ready.text()
    );
    assert!(!not_ready.text().contains(".stoa/tmp"), "{}", not_ready.text());
    stoa.wait_for_log(".stoa/tmp");
    assert_eq!(
        get(&stoa, "/healthz").await.status,
        200,
        "a restart would not help"
    );
    assert_eq!(
        get(&stoa, &scene.greet().url_path("mod")).await.status,
        200,
        "what is stored is served"
    );

    std::fs::remove_file(&tmp).unwrap();
    std::fs::rename(&aside, &tmp).unwrap();
    eventually("ready again", async || {
        (get(&stoa, "/readyz").await.status == 200).then_some(())
    })
    .await;
}

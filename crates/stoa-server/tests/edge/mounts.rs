//! What reaches a mounted part, and what does not.

use std::sync::Arc;

use axum::{
    Router,
    body::Bytes,
    extract::Request,
    routing::{get, post},
};
use stoa_fetch::Context;
use stoa_server::{AdminGuard, Mount, Peer, ServicePages};
use stoa_testing::http::{self, BodyEnd, Connection};

use crate::{lab::Lab, parts::mount};

fn part() -> Mount {
    let routes = Router::new()
        .route(
            "/part/path",
            get(async |request: Request| request.uri().to_string()),
        )
        .route(
            "/part/body",
            post(async |body: Bytes| format!("{} bytes", body.len())),
        )
        .route(
            "/part/who",
            get(async |request: Request| {
                let (peer, context) = (
                    request.extensions().get::<Peer>(),
                    request.extensions().get::<Context>(),
                );
                format!(
                    "{} {}",
                    matches!(peer, Some(Peer::Tcp(_))),
                    context.unwrap().trace
                )
            }),
        );
    mount("/part", routes).with_max_body(1000)
}

#[tokio::test]
async fn the_longest_prefix_wins_and_modules_keep_their_paths() {
    let deeper = mount("/part/deeper", Router::new().fallback(async || "deeper"));
    let root = mount("/", Router::new().route("/hello", get("hello")));
    let lab = Lab {
        mounts: vec![root, part(), deeper],
        prefix: "/go".parse().unwrap(),
        ..Lab::default()
    };
    let server = lab.start().await;
    for (path, status, text) in [
        ("/part/path?a=b", 200, "/part/path?a=b"),
        ("/go/part/path?a=b", 200, "/part/path?a=b"),
        ("/go/part/deeper/x", 200, "deeper"),
        ("/part/deepest", 404, ""),
        ("/partly", 404, ""),
        ("/hello", 200, "hello"),
        ("/go/hello", 200, "hello"),
        ("/example.com/a/@v/v1.0.0.mod", 200, "example.com/a@v1.0.0.mod"),
    ] {
        let answer = http::get(&server.url(path)).await.unwrap();
        assert_eq!((answer.status, answer.end), (status, BodyEnd::Clean), "{path}");
        assert!(answer.text().contains(text), "{path}: {}", answer.text());
    }
    let id = [("X-Request-Id", "me")];
    let answer = http::request("GET", &server.url("/part/who"), &id, b"")
        .await
        .unwrap();
    assert_eq!(
        (answer.text(), answer.header("x-request-id")),
        ("true me", Some("me"))
    );
    for (len, status, text) in [(1000, 200, "1000 bytes"), (1001, 413, "larger than 1000 bytes")] {
        let answer = http::request("POST", &server.url("/part/body"), &[], &vec![b'x'; len])
            .await
            .unwrap();
        assert_eq!(answer.status, status);
        assert!(answer.text().contains(text), "{}", answer.text());
    }
}

#[tokio::test]
async fn without_a_part_at_the_root_other_paths_are_unknown() {
    let server = Lab::default().start().await;
    let answer = http::get(&server.url("/hello")).await.unwrap();
    assert_eq!(answer.status, 404);
    assert!(
        answer.text().starts_with("not a GOPROXY path: "),
        "{}",
        answer.text()
    );
    assert!(answer.text().len() <= 648);
}

#[tokio::test]
async fn a_guard_keeps_out_before_the_part_is_asked() {
    let admin = AdminGuard::new("correct-horse-battery".parse().unwrap(), "the.setting");
    let routes = Router::new()
        .route("/part/x", get("in"))
        .fallback(async || "unknown");
    let lab = Lab {
        mounts: vec![Mount::new("/part", Arc::new(admin), routes)],
        ..Lab::default()
    };
    let server = lab.start().await;
    for path in ["/part/x", "/part", "/part/y"] {
        let answer = http::get(&server.url(path)).await.unwrap();
        assert_eq!(
            (answer.status, answer.header("content-type")),
            (401, Some("application/problem+json"))
        );
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        assert!(
            answer.text().contains("with the token of the the.setting"),
            "{}",
            answer.text()
        );
    }
    let token = [("Authorization", "Bearer correct-horse-battery")];
    let answer = http::request("GET", &server.url("/part/x"), &token, b"")
        .await
        .unwrap();
    assert_eq!(answer.text(), "in");
}

#[tokio::test]
async fn answers_without_a_body_end_at_once_and_keep_their_connection() {
    let (live, _pieces) = crate::parts::live("text/plain");
    let routes = Router::new()
        .route("/part/none", get(async || http_status(204)))
        .route("/part/same", get(async || http_status(304)))
        .route("/part/page", get("a page"));
    let lab = Lab {
        mounts: vec![mount("/part", routes), live],
        ..Lab::default()
    };
    let server = lab.start().await;
    let mut connection = Connection::open(&server.address).await.unwrap();
    for (method, path, status) in [
        ("GET", "/part/none", 204),
        ("GET", "/part/same", 304),
        ("HEAD", "/part/page", 200),
        ("HEAD", "/live", 200),
        ("GET", "/part/page", 200),
    ] {
        let id = format!("{method}{}", path.replace('/', "-"));
        let headers = [("X-Request-Id", id.as_str())];
        let answer = connection.send(method, path, &headers, b"").await.unwrap();
        assert_eq!((answer.status, answer.end), (status, BodyEnd::Clean), "{path}");
        let line = server.access(&id).await;
        let bytes = if method == "GET" && status == 200 { 6 } else { 0 };
        assert_eq!((&line["bytes"], line.get("cut")), (&bytes.into(), None), "{line}");
    }
}

fn http_status(status: u16) -> axum::http::StatusCode {
    axum::http::StatusCode::from_u16(status).unwrap()
}

/// The pages and the API of the binary are parts like others; its own tests hold what they answer.
#[test]
fn the_pages_are_mounted_at_the_root() {
    use stoa_server::Readiness;

    let storage = Arc::new(stoa_storage::MemoryStorage::new(1 << 20));
    let pages = ServicePages {
        readiness: Arc::new(Readiness::new(storage)),
        prefix: stoa_server::PathPrefix::default(),
        secure: false,
        version: "1",
    };
    assert_eq!(pages.mount().prefix(), "/");
}

//! Routing, the log, and the life of the server.

use std::io::ErrorKind;

use stoa_testing::fixtures::ModuleFixture;
use stoa_testing::http::{self, Connection};
use stoa_testing::reply::Reply;
use stoa_testing::upstream::{Request, Upstream};

#[tokio::test]
async fn scripts_come_before_standing_replies_and_files() {
    let upstream = Upstream::start().await;
    let url = format!("{}/x", upstream.url());
    upstream
        .file("/x", "file")
        .script("/x", [Reply::text(500, "first"), Reply::text(502, "second")]);
    let mut seen = Vec::new();
    for _ in 0..3 {
        seen.push(http::get(&url).await.unwrap().status);
    }
    upstream.on("/x", Reply::text(503, "standing"));
    seen.push(http::get(&url).await.unwrap().status);
    upstream.on_everything(Reply::text(429, "all"));
    seen.push(http::get(&url).await.unwrap().status);
    upstream.recover("/x");
    seen.push(http::get(&url).await.unwrap().status);
    assert_eq!(seen, [500, 502, 200, 503, 429, 200]);
    assert_eq!(
        http::get(&format!("{}/unknown", upstream.url()))
            .await
            .unwrap()
            .status,
        404
    );
}

#[tokio::test]
async fn a_module_is_served_as_the_protocol_has_it() {
    let upstream = Upstream::start().await;
    for version in ["v1.10.0", "v1.9.0", "v1.11.0-rc.1"] {
        upstream.module(&ModuleFixture::new("example.com/Upper", version).file("a.go", "package a\n"));
    }
    let get = async |path: &str| http::get(&format!("{}{path}", upstream.url())).await.unwrap();
    assert_eq!(
        get("/example.com/!upper/@v/list").await.text(),
        "v1.9.0\nv1.10.0\nv1.11.0-rc.1\n"
    );
    assert_eq!(
        get("/example.com/%21upper/@latest").await.json()["Version"],
        "v1.10.0"
    );
    let info = get("/example.com/!upper/@v/v1.9.0.info").await;
    assert_eq!(info.header("content-type"), Some("application/json"));
    assert_eq!(info.json()["Origin"]["Ref"], "refs/tags/v1.9.0");
    assert_eq!(
        get("/example.com/!upper/@v/v1.9.0.mod").await.text(),
        "module example.com/Upper\n\ngo 1.24\n"
    );
    let zip = get("/example.com/!upper/@v/v1.9.0.zip").await;
    assert_eq!(zip.header("content-type"), Some("application/zip"));
    assert!(zip.body.starts_with(b"PK\x03\x04"));
    assert_eq!(get("/example.com/upper/@v/list").await.status, 404);
}

#[tokio::test]
async fn one_connection_carries_many_requests_and_bodies() {
    let upstream = Upstream::start().await;
    upstream.file("/x", "body");
    let mut connection = Connection::open(&upstream.url()).await.unwrap();
    let head = connection.send("HEAD", "/x", &[], b"").await.unwrap();
    assert_eq!((head.header("content-length"), head.body.len()), (Some("4"), 0));
    let posted = connection
        .send("POST", "/x?id=1", &[("X-Test", "yes")], b"{\"done\":true}")
        .await
        .unwrap();
    assert_eq!(posted.text(), "body");
    connection
        .write(b"GET /x HTTP/1.1\r\nHost: h\r\n\r\nGET /y HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
        .await
        .unwrap();
    assert_eq!(connection.read_response("GET").await.unwrap().status, 200);
    assert_eq!(connection.read_response("GET").await.unwrap().status, 404);
    assert!(connection.closed().await);

    let log = upstream.requests();
    let lines: Vec<_> = log.iter().map(Request::line).collect();
    assert_eq!(lines, ["HEAD /x", "POST /x", "GET /x", "GET /y"]);
    assert_eq!(
        (log[1].target.as_str(), log[1].header("x-test")),
        ("/x?id=1", Some("yes"))
    );
    assert_eq!(log[1].body, "{\"done\":true}");
    assert_eq!(
        (upstream.count("/x"), upstream.total(), upstream.hang_ups("/x")),
        (3, 4, 0)
    );
    upstream.forget_requests();
    assert_eq!(
        (upstream.count("/x"), upstream.total(), upstream.requests().len()),
        (0, 0, 0)
    );
}

#[tokio::test]
async fn a_killed_server_refuses_until_it_is_back() {
    let upstream = Upstream::start().await;
    upstream.file("/x", "still here").on("/hang", Reply::Hang);
    let url = format!("{}/x", upstream.url());
    let mut open = Connection::open(&upstream.url()).await.unwrap();
    open.write_request("GET", "/hang", &[], b"").await.unwrap();
    upstream.arrived("/hang", 1).await;

    upstream.kill();
    assert!(open.closed().await);
    assert_eq!(
        http::get(&url).await.unwrap_err().kind(),
        ErrorKind::ConnectionRefused
    );
    upstream.restart_same_port();
    assert_eq!(http::get(&url).await.unwrap().text(), "still here");

    let address = upstream.address();
    drop(upstream);
    let refused = http::raw_bytes(address, b"").await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
}

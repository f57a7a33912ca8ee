//! Requests that no go command sends: a clear no, nothing written, and the server goes on.

use std::collections::BTreeSet;
use std::path::Path;

use stoa_testing::http::{self, Connection};
use stoa_testing::process::StoaProcess;
use stoa_testing::reply::Reply;

use crate::support::{assert_error, get, scene};

/// Every path below a directory.
fn tree(directory: &Path) -> BTreeSet<String> {
    let mut paths = BTreeSet::new();
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        paths.insert(path.display().to_string());
        if path.is_dir() {
            paths.extend(tree(&path));
        }
    }
    paths
}

async fn assert_alive(stoa: &StoaProcess) {
    assert_eq!(get(stoa, "/healthz").await.text(), "ok\n");
}

#[tokio::test]
async fn paths_that_name_no_module_are_refused_and_nothing_is_written() {
    let scene = scene();
    let stoa = scene.start();
    // An upstream that would have anything, so that whatever is let through is also stored.
    scene.upstream.on_everything(Reply::ok("module example.com/x\n"));
    let before = tree(scene.directory());
    let long = format!("/example.com/{}/@v/v1.0.0.mod", "a".repeat(5000));
    let deep = format!("/example.com{}/@v/v1.0.0.mod", "/a".repeat(2500));
    for path in [
        "/example.com/greet/@v/v1.0.0%zz.mod",
        "/example.com/greet/@v/v1.0.0%2.mod",
        "/example.com/greet/@v/v1.0.0.mod%",
        "/example.com/%ff/@v/v1.0.0.mod",
        "/example.com/Greet/@v/v1.0.0.mod",
        "/example.com/greet/@v/v1.0.0-RC1.mod",
        "/example.com/!Greet/@v/v1.0.0.mod",
        "/example.com/greet!/@v/v1.0.0.mod",
        "/example.com/!!greet/@v/v1.0.0.mod",
        "/example.com/../greet/@v/v1.0.0.mod",
        "/../../../etc/@v/v1.0.0.mod",
        "/%2e%2e/%2e%2e/etc/@v/v1.0.0.mod",
        "/..%2f..%2fetc/@v/v1.0.0.mod",
        "/example.com/./greet/@v/v1.0.0.mod",
        "/example.com/greet/@v/..%2f..%2f..%2fx.mod",
        "/example.com/greet/@v/v1.0.0%2f..%2f..%2fx.mod",
        "/example.com/greet/@v/%2e%2e.mod",
        "/example.com/greet/@v/v1.0.0%00.mod",
        "/example.com/gr%00eet/@v/v1.0.0.mod",
        "/example.com/greet/@v/v1.0.0%0a.mod",
        "/example.com/greet/@v/v1.0.0%0d%0aX:%20y.mod",
        "/example.com/gr%5ceet/@v/v1.0.0.mod",
        "/example.com/gr:eet/@v/v1.0.0.mod",
        "/example.com/gr%20eet/@v/v1.0.0.mod",
        "/example.com/gr%c3%a9et/@v/v1.0.0.mod",
        "//example.com/greet/@v/v1.0.0.mod",
        "/example.com//greet/@v/v1.0.0.mod",
        "/example.com/greet//@v/v1.0.0.mod",
        "/example.com/greet/@v//v1.0.0.mod",
        "/example.com/greet/@v/v1.0.0.mod/",
        "/example.com/greet/@v/list/",
        "/example.com/greet/@v/",
        "/.stoa/tmp/@v/v1.0.0.mod",
        "/example.com/.stoa/@v/v1.0.0.mod",
        "/example.com/con/@v/v1.0.0.mod",
        "/example.com/greet./@v/v1.0.0.mod",
        "/localhost/greet/@v/v1.0.0.mod",
        "/-example.com/greet/@v/v1.0.0.mod",
        "/example.com/greet/v1/@v/v1.0.0.mod",
        "/example.com/greet/@v/v1.mod",
        "/example.com/greet/@v/v1.0.mod",
        "/example.com/greet/@v/1.0.0.mod",
        "/example.com/greet/@v/v01.0.0.mod",
        "/example.com/greet/@v/v1.0.0+meta.mod",
        "/example.com/greet/@v/v2.0.0.mod",
        "/example.com/greet/v2/@v/v1.0.0.zip",
        "/example.com/greet/@v/main.zip",
        "/example.com/greet/@v/.mod",
        &long,
        &deep,
    ] {
        let answer = get(&stoa, path).await;
        assert_error(path, &answer, 400, "");
        assert!(answer.text().len() > 10, "{path}: {:?}", answer.text());
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{path}");
    }
    assert_eq!(scene.upstream.total(), 0);
    assert_eq!(tree(scene.directory()), before);
    assert_alive(&stoa).await;
}

#[tokio::test]
async fn paths_of_no_protocol_are_not_found() {
    let scene = scene();
    let stoa = scene.start();
    for path in [
        "/nothing",
        "/example.com/greet",
        "/example.com/greet/@v",
        "/example.com/greet/@v/v1.0.0",
        "/example.com/greet/@v/v1.0.0.lock",
        "/example.com/greet/@v/v1.0.0.ziphash",
        "/example.com/greet/@v/v1.0.0.exe",
        "/@v/list",
        "/@latest",
        "/example.com/greet/@latest/x",
        "/sumdb/sum.golang.org/supported",
        "/%68ealthz",
        "/favicon.ico",
    ] {
        assert_error(path, &get(&stoa, path).await, 404, "");
    }
    assert_eq!(scene.upstream.total(), 0);
}

#[tokio::test]
async fn other_methods_are_refused_with_those_that_are_not() {
    let scene = scene();
    let stoa = scene.start();
    for path in [
        "/example.com/greet/@v/list",
        "/example.com/greet/@v/v1.0.0.zip",
        "/",
        "/healthz",
        "/metrics",
    ] {
        for method in ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "BREW"] {
            let answer = http::request(method, &format!("{}{path}", stoa.url()), &[], b"")
                .await
                .unwrap();
            assert_error(&format!("{method} {path}"), &answer, 405, "only GET and HEAD");
            let allow = answer.header("allow").unwrap().replace(' ', "");
            assert_eq!(allow, "GET,HEAD", "{method} {path}");
        }
    }
    assert_eq!(scene.upstream.total(), 0);
}

#[tokio::test]
async fn garbage_on_the_socket_gets_a_client_error_or_a_closed_door() {
    let scene = scene();
    let prefixed = scene.stoa().env("STOA_PATH_PREFIX", "/go").start();
    let many = format!("GET / HTTP/1.1\r\nHost: x\r\n{}\r\n", "X-A: b\r\n".repeat(5000));
    let large = format!(
        "GET / HTTP/1.1\r\nHost: x\r\nX-A: {}\r\n\r\n",
        "b".repeat(1 << 20)
    );
    let endless = format!("GET /{} HTTP/1.1\r\nHost: x\r\n\r\n", "a".repeat(1 << 20));
    for stoa in [&scene.start(), &prefixed] {
        let address = stoa.url().trim_start_matches("http://").parse().unwrap();
        for bytes in [
            b"\0\x01\x02\xff\r\n\r\n".as_slice(),
            b"\r\n\r\n\r\n",
            b"GET\r\n\r\n",
            b"GET /\r\n\r\n",
            b"GET / HTTP/9.9\r\n\r\n",
            b"GET /\0 HTTP/1.1\r\nHost: x\r\n\r\n",
            b"GET /a b HTTP/1.1\r\nHost: x\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost x\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\ngarbage that is no frame at all",
            b"CONNECT example.com:80 HTTP/1.1\r\nHost: example.com:80\r\nConnection: close\r\n\r\n",
            b"OPTIONS * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
            many.as_bytes(),
            large.as_bytes(),
            endless.as_bytes(),
        ] {
            let shown = String::from_utf8_lossy(&bytes[..bytes.len().min(60)]).into_owned();
            let mut connection = Connection::open(stoa.url()).await.unwrap();
            // A server that has seen enough closes before everything is written.
            let _refused_early = connection.write(bytes).await;
            let is_whole = ["CONNECT", "OPTIONS"]
                .iter()
                .any(|method| shown.starts_with(method));
            if !is_whole {
                // Who hangs up is owed no answer.
                let _closed = connection.finish_writing().await;
            }
            let answer = connection.read_to_close().await.unwrap();
            let is_refusal = answer.starts_with(b"HTTP/1.1 4");
            let is_http2 = shown.starts_with("PRI");
            assert!(
                is_refusal || (answer.is_empty() && !is_whole) || is_http2,
                "{shown:?}: {:?}",
                String::from_utf8_lossy(&answer)
            );
            assert!(
                http::raw(address, b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
                    .await
                    .is_ok()
            );
        }
        assert_alive(stoa).await;
        assert!(!stoa.output().contains("panicked"), "{}", stoa.output());
    }
}

#[tokio::test]
async fn a_request_may_be_written_oddly_and_still_be_right() {
    let scene = scene();
    let stoa = scene.start();
    let address = stoa.url().trim_start_matches("http://").parse().unwrap();
    let path = scene.greet().url_path("mod");
    for request in [
        format!("GET http://elsewhere.example{path} HTTP/1.1\r\nHost: x\r\n\r\n"),
        format!("GET {path}?go-get=1 HTTP/1.1\r\nHost: x\r\n\r\n"),
        format!("GET {path} HTTP/1.0\r\n\r\n"),
        format!("GET {path} HTTP/1.1\r\nhOsT:x\r\nX-Odd: é\r\n\r\n"),
        format!("GET {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbody"),
        format!("\r\nGET {path} HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n\r\n"),
    ] {
        let answer = http::raw(address, request.as_bytes()).await.unwrap();
        assert_eq!(
            (answer.status, &answer.body),
            (200, &scene.greet().go_mod()),
            "{request:?}"
        );
    }
    let mut connection = Connection::open(stoa.url()).await.unwrap();
    let one = format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n");
    connection.write(one.repeat(20).as_bytes()).await.unwrap();
    for _ in 0..20 {
        let answer = connection.read_response("GET").await.unwrap();
        assert_eq!(answer.body, scene.greet().go_mod(), "pipelined");
    }
}

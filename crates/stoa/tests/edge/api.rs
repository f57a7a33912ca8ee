//! Methods, paths and bodies of the API.

use stoa_testing::http::{self, Connection, Response};
use stoa_testing::process::StoaProcess;

use crate::admin::{TOKEN, VERSION, assert_problem, assert_version, bearer, start_with_token};
use crate::support::{assert_error, get, get_with, scene};

/// Any request.
async fn ask(
    stoa: &StoaProcess,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Response {
    let answer = http::request(method, &format!("{}{path}", stoa.url()), headers, body).await;
    answer.unwrap_or_else(|error| panic!("{method} {path}: {error}\n{}", stoa.output()))
}

#[tokio::test]
async fn the_guard_is_in_front_of_every_method_and_path() {
    let scene = scene();
    let stoa = start_with_token(&scene);
    let header = [("Authorization", &*bearer(TOKEN))];
    let long = format!("/api/v1/{}", "a".repeat(5000));
    for path in [
        VERSION,
        "/api/v1",
        "/api/v1/",
        "/api/v1/nothing",
        "/api/v1/version/",
        "/api/v1//version",
        "/api/v1/../../healthz",
        "/api/v1/%2e%2e/%2e%2e/healthz",
        "/api/v1/%ff%zz",
        "/api/v1/@v/list",
        "/api/v1/@latest",
        &long,
    ] {
        for method in ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "BREW"] {
            let case = format!("{method} {path}");
            let refused = ask(&stoa, method, path, &[], b"").await;
            let answer = ask(&stoa, method, path, &header, b"").await;
            let want = match (method, path) {
                ("GET" | "HEAD", VERSION) => 200,
                (_, VERSION) => 405,
                _ => 404,
            };
            assert_eq!((refused.status, answer.status), (401, want), "{case}");
            if method == "HEAD" {
                assert_eq!((refused.body.len(), answer.body.len()), (0, 0), "{case}");
                continue;
            }
            assert_problem(&case, &refused, 401, "missing");
            if want != 200 {
                assert_problem(
                    &case,
                    &answer,
                    want,
                    if want == 404 { "nothing is at" } else { method },
                );
            }
            if want == 405 {
                assert_eq!(answer.header("allow"), Some("GET,HEAD"), "{case}");
            }
        }
    }
    for path in [
        "/api",
        "/api/v2",
        "/api/v1x",
        "/API/v1/version",
        "/%61pi/v1/version",
        "/x/api/v1/version",
    ] {
        assert_error(path, &get(&stoa, path).await, 404, "not a GOPROXY path");
    }
}

#[tokio::test]
async fn the_api_is_below_the_prefix_and_at_the_root() {
    let scene = scene();
    let stoa = scene.start_with(&[("STOA_PATH_PREFIX", "/build/go/")]);
    for prefix in ["/build/go", ""] {
        let path = format!("{prefix}{VERSION}");
        assert_version(&path, &get(&stoa, &path).await);
        assert_version("query", &get(&stoa, &format!("{path}?x=1")).await);
        let foreign = [("Host", "evil.example")];
        assert_problem(&path, &get_with(&stoa, &path, &foreign).await, 401, "missing");
        let unknown = format!("{prefix}/api/v1/x");
        assert_problem(
            &unknown,
            &get(&stoa, &unknown).await,
            404,
            "nothing is at /api/v1/x",
        );
    }
    let twice = format!("/build/go/build/go{VERSION}");
    assert_eq!(get(&stoa, &twice).await.status, 404);
}

#[tokio::test]
async fn bodies_are_bounded_and_those_that_nobody_reads_do_no_harm() {
    let scene = scene();
    let stoa = start_with_token(&scene);
    let right = bearer(TOKEN);
    let header = ("Authorization", right.as_str());
    let body = vec![b' '; (64 << 10) + 1];
    for path in [VERSION, "/api/v1/nothing"] {
        let case = format!("PUT {path}");
        let answer = ask(&stoa, "PUT", path, &[header], &body).await;
        assert_problem(&case, &answer, 413, "larger than 65536 bytes");
        assert_problem(&case, &ask(&stoa, "PUT", path, &[], &body).await, 401, "missing");
        let fits = ask(&stoa, "PUT", path, &[header], &body[1..]).await.status;
        assert_eq!(fits, if path == VERSION { 405 } else { 404 }, "{case}");
    }
    let mut connection = Connection::open(stoa.url()).await.unwrap();
    for path in [VERSION, "/healthz", &scene.greet().url_path("mod")] {
        let put = connection.send("PUT", path, &[header], b"{}").await.unwrap();
        assert_eq!(put.status, 405, "{path}");
        let get = connection.send("GET", path, &[header], b"{}").await.unwrap();
        assert_eq!(get.status, 200, "{path}: on the same connection");
    }
    for path in [VERSION, "/healthz", &scene.greet().url_path("mod")] {
        for framing in ["Content-Length: 1000000000", "Transfer-Encoding: chunked"] {
            let mut connection = Connection::open(stoa.url()).await.unwrap();
            let head = format!("GET {path} HTTP/1.1\r\nHost: x\r\n{framing}\r\n\r\n1\r\nx\r\n");
            connection.write(head.as_bytes()).await.unwrap();
            let answer = connection.read_response("GET").await.unwrap();
            assert!(
                answer.is_clean() && [200, 401].contains(&answer.status),
                "{path} {framing}"
            );
            assert!(
                connection.closed().await,
                "{path} {framing}: the rest is not waited for"
            );
        }
    }
}

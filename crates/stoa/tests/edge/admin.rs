//! Who may use the API, and how it refuses the others.
#![expect(clippy::disallowed_methods, reason = "a client of the server that is tested")]

use std::path::{Path, PathBuf};

use stoa_testing::http::{self, Response};
use stoa_testing::process::{StoaProcess, run};
use stoa_testing::scene::Scene;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpSocket, UnixStream};
use tokio::task::JoinSet;

use crate::http2;
use crate::support::{STOA, get, get_with, scene};

pub(crate) const VERSION: &str = "/api/v1/version";
pub(crate) const TOKEN: &str = "q7Zr-correct_horse.battery~staple";

/// A file with this in it, in the directory of the scene.
fn token_file(scene: &Scene, content: &str) -> PathBuf {
    let path = scene.directory().join("token");
    std::fs::write(&path, content).unwrap();
    path
}

pub(crate) fn start_with_token(scene: &Scene) -> StoaProcess {
    let file = token_file(scene, &format!("{TOKEN}\n"));
    scene.start_with(&[
        ("STOA_ADMIN_TOKEN_FILE", file.to_str().unwrap()),
        ("STOA_LOG_LEVEL", "trace"),
    ])
}

pub(crate) fn bearer(token: &str) -> String {
    format!("Bearer {token}")
}

/// The status line and everything after it, of a request written as it is.
async fn raw<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S, request: &str) -> String {
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

async fn over_unix(socket: &Path, headers: &str) -> String {
    let request = format!("GET {VERSION} HTTP/1.1\r\n{headers}Connection: close\r\n\r\n");
    raw(UnixStream::connect(socket).await.unwrap(), &request).await
}

#[track_caller]
pub(crate) fn assert_version(case: &str, answer: &Response) {
    assert_eq!(answer.status, 200, "{case}: {}", answer.text());
    assert_eq!(answer.header("content-type"), Some("application/json"), "{case}");
    assert_eq!(answer.header("cache-control"), Some("no-store"), "{case}");
    let want = format!("{{\"version\":\"{}\"}}", env!("CARGO_PKG_VERSION"));
    assert_eq!(answer.text(), want, "{case}");
}

#[track_caller]
pub(crate) fn assert_problem(case: &str, answer: &Response, status: u16, detail: &str) {
    assert_eq!(answer.status, status, "{case}: {}", answer.text());
    assert!(answer.is_clean(), "{case}: {:?}", answer.end);
    let kind = answer.header("content-type");
    assert_eq!(kind, Some("application/problem+json"), "{case}");
    assert_eq!(answer.header("cache-control"), Some("no-store"), "{case}");
    let challenge = (status == 401).then_some("Bearer");
    assert_eq!(answer.header("www-authenticate"), challenge, "{case}");
    let problem = answer.json();
    assert_eq!(
        (&problem["type"], &problem["status"]),
        (&"about:blank".into(), &status.into())
    );
    assert!(problem["title"].is_string(), "{case}: {problem}");
    let said = problem["detail"].as_str().unwrap();
    assert!(said.contains(detail), "{case}: no {detail:?} in {said:?}");
    assert!(!said.contains(TOKEN), "{case}: {said}");
}

#[tokio::test]
async fn without_a_token_programs_on_this_machine_are_let_in() {
    let scene = scene();
    let stoa = scene.start();
    assert_version("127.0.0.1", &get(&stoa, VERSION).await);
    let port = stoa.url().rsplit_once(':').unwrap().1;
    for headers in [
        &[("Host", "localhost")][..],
        &[("Host", &format!("localhost:{port}"))],
        &[("Host", "[::1]:80")],
        &[("Sec-Fetch-Site", "none")],
        &[("Authorization", "Bearer whatever")],
    ] {
        assert_version(&format!("{headers:?}"), &get_with(&stoa, VERSION, headers).await);
    }
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.2:0".parse().unwrap()).unwrap();
    let address = stoa.url().trim_start_matches("http://").parse().unwrap();
    let stream = socket.connect(address).await.unwrap();
    let request = format!("GET {VERSION} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    let answer = raw(stream, &request).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    stoa.wait_for_log("remote=127.0.0.2:");
}

#[tokio::test]
async fn without_a_token_nobody_else_is() {
    let scene = scene();
    let stoa = scene.start();
    for (header, value, detail) in [
        ("X-Forwarded-For", "127.0.0.1", "forwarded"),
        ("X-Forwarded-For", "203.0.113.9", "forwarded"),
        ("X-Forwarded-Host", "localhost", "forwarded"),
        ("X-Forwarded-Proto", "http", "forwarded"),
        ("X-Real-Ip", "127.0.0.1", "forwarded"),
        ("Forwarded", "for=127.0.0.1", "forwarded"),
        ("Via", "1.1 proxy", "forwarded"),
        ("Origin", "https://evil.example", "web page"),
        ("Origin", stoa.url(), "web page"),
        ("Origin", "null", "web page"),
        ("Sec-Fetch-Site", "cross-site", "web page"),
        ("Host", "evil.example", "localhost"),
        ("Host", "localhost.evil.example:3000", "localhost"),
        ("Host", "10.0.0.1", "localhost"),
        ("Host", "0.0.0.0", "localhost"),
        ("Host", "", "localhost"),
    ] {
        let case = format!("{header}: {value}");
        let answer = get_with(&stoa, VERSION, &[(header, value)]).await;
        assert_problem(&case, &answer, 403, detail);
        assert_problem(&case, &answer, 403, "set admin.token_file");
        let pages = get_with(&stoa, "/version", &[(header, value)]).await;
        assert_eq!(pages.status, 200, "{case}: the service pages are for everybody");
    }
    let address = stoa.url().trim_start_matches("http://").parse().unwrap();
    for head in [
        format!("GET {VERSION} HTTP/1.0\r\n\r\n"),
        format!("GET {VERSION} HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n"),
        format!("GET http://evil.example{VERSION} HTTP/1.1\r\nHost: localhost\r\n\r\n"),
    ] {
        let answer = http::raw(address, head.as_bytes()).await.unwrap();
        assert_problem(&head, &answer, 403, "localhost");
    }
}

#[tokio::test]
async fn with_a_token_it_alone_is_let_in() {
    let scene = scene();
    let stoa = start_with_token(&scene);
    let (right, mut near, mut short) = (bearer(TOKEN), TOKEN.to_owned(), TOKEN.to_owned());
    near.replace_range(TOKEN.len() - 1.., "f");
    short.pop();
    let missing = get(&stoa, VERSION).await;
    assert_problem(
        "none",
        &missing,
        401,
        "the admin token is missing; send \"Authorization: Bearer TOKEN\"",
    );
    for wrong in [
        bearer(&near),
        bearer(&short),
        bearer(&format!("{TOKEN}x")),
        bearer(&TOKEN.to_uppercase()),
        bearer(""),
        format!("Basic {TOKEN}"),
        TOKEN.to_owned(),
        bearer(scene.directory().join("token").to_str().unwrap()),
    ] {
        let answer = get_with(&stoa, VERSION, &[("Authorization", &wrong)]).await;
        assert_problem(&wrong, &answer, 401, "admin token");
    }
    let twice = [("Authorization", right.as_str()), ("Authorization", &right)];
    assert_problem("twice", &get_with(&stoa, VERSION, &twice).await, 401, "");
    let query = format!("{VERSION}?access_token={near}");
    assert_problem("query", &get(&stoa, &query).await, 401, "missing");

    let header = ("Authorization", right.as_str());
    for more in [
        ("X-Forwarded-For", "203.0.113.9"),
        ("Host", "stoa.corp.example"),
        ("Origin", "https://console.corp.example"),
        ("User-Agent", "x"),
    ] {
        let answer = get_with(&stoa, VERSION, &[header, more]).await;
        assert_version(&format!("{more:?}"), &answer);
    }
    assert_eq!(
        get(&stoa, "/version").await.status,
        200,
        "the service pages want no token"
    );
}

#[tokio::test]
async fn over_http2_the_same_rules_hold() {
    let scene = scene();
    for environment in [vec![], vec![("STOA_PATH_PREFIX", "/api")]] {
        let stoa = scene.start_with(&environment);
        let mut tasks = JoinSet::new();
        let client = http2::connect(&stoa, &mut tasks).await;
        let prefix = if environment.is_empty() { "" } else { "/api" };
        for (authority, want) in [("localhost:1", 200), ("127.0.0.1", 200), ("evil.example", 403)] {
            let url = format!("http://{authority}{prefix}{VERSION}");
            let (status, body) = http2::ask(client.clone(), url).await;
            assert_eq!((status, body.is_ok()), (want, true), "{authority} {prefix}");
        }
    }
}

#[tokio::test]
async fn the_unix_socket_is_local_and_has_no_name() {
    let scene = scene();
    let socket = scene.directory().join("stoa.sock");
    let stoa = scene.stoa().listen(&format!("unix:{}", socket.display()));
    let stoa = stoa.start();
    for (headers, status) in [
        ("Host: localhost\r\n", 200),
        ("Host: \r\n", 200),
        ("Host: evil.example\r\n", 403),
        ("Host: localhost\r\nX-Forwarded-For: 127.0.0.1\r\n", 403),
        ("Host: localhost\r\nOrigin: http://localhost\r\n", 403),
    ] {
        let answer = over_unix(&socket, headers).await;
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status} ")),
            "{headers}: {answer}"
        );
    }
    drop(stoa);
    let file = token_file(&scene, TOKEN);
    let stoa = scene.stoa().listen(&format!("unix:{}", socket.display()));
    let _stoa = stoa.env("STOA_ADMIN_TOKEN_FILE", file.to_str().unwrap()).start();
    let missing = over_unix(&socket, "Host: localhost\r\n").await;
    assert!(missing.starts_with("HTTP/1.1 401 "), "{missing}");
    let right = over_unix(
        &socket,
        &format!("Host: x\r\nAuthorization: {}\r\n", bearer(TOKEN)),
    )
    .await;
    assert!(right.starts_with("HTTP/1.1 200 "), "{right}");
}

#[tokio::test]
async fn the_token_is_nowhere_to_be_read() {
    let scene = scene();
    let mut stoa = start_with_token(&scene);
    let mut near = TOKEN.to_owned();
    near.replace_range(..1, "x");
    for token in [TOKEN, &near] {
        let headers = [("Authorization", &*bearer(token))];
        get_with(&stoa, VERSION, &headers).await;
        let url = format!("{}{VERSION}", stoa.url());
        let put = http::request("PUT", &url, &headers, token.as_bytes())
            .await
            .unwrap();
        assert!([401, 405].contains(&put.status));
        get_with(&stoa, "/healthz", &headers).await;
    }
    assert_eq!(
        stoa.sigterm_and_wait(std::time::Duration::from_secs(30)).code(),
        Some(0)
    );
    let output = stoa.output();
    assert!(
        output.contains("path=/api/v1/version") && output.contains("status=401"),
        "{output}"
    );
    for token in [TOKEN, &near] {
        assert!(!output.contains(token), "{output}");
    }
    let file = scene.directory().join("token");
    let shown = run(
        STOA,
        &["config", "show", "--storage", "memory:"],
        &[("STOA_ADMIN_TOKEN_FILE", file.to_str().unwrap())],
    );
    let line = format!("token_file = \"{}\"  # STOA_ADMIN_TOKEN_FILE", file.display());
    assert!(shown.stdout.contains(&line), "{shown:?}");
    assert!(!format!("{shown:?}").contains(TOKEN), "{shown:?}");
}

#[test]
fn a_file_without_a_token_is_a_fault_of_the_configuration() {
    let scene = scene();
    for (content, want) in [
        (None, "No such file or directory"),
        (Some(""), "a token has 16 to 4096 bytes, this one has 0"),
        (
            Some("fifteen-letters\n"),
            "a token has 16 to 4096 bytes, this one has 15",
        ),
        (
            Some("sixteen letters.\n"),
            "a token is one word of printable ASCII characters",
        ),
        (Some("one-token-in-a-line\nand-another\n"), "a token is one word"),
        (Some("sixteen-lett\u{e9}rs-or-so"), "a token is one word"),
    ] {
        let file = scene.directory().join("token");
        let _absent = std::fs::remove_file(&file);
        if let Some(content) = content {
            std::fs::write(&file, content).unwrap();
        }
        let config = scene.directory().join("stoa.toml");
        std::fs::write(&config, format!("[admin]\ntoken_file = \"{}\"\n", file.display())).unwrap();
        let stoa = scene.stoa().args(&["--config", config.to_str().unwrap()]);
        let (code, output) = stoa.start_expecting_exit();
        assert_eq!(code, Some(64), "{output}");
        let fault = format!(
            "stoa: {}:2: admin.token_file: {}: {want}",
            config.display(),
            file.display()
        );
        assert!(
            output.starts_with(&fault) && output.trim_end().lines().count() == 1,
            "{fault}\n{output}"
        );
        for secret in content.iter().flat_map(|content| content.split_whitespace()) {
            assert!(!output.contains(secret), "{output}");
        }
    }
}

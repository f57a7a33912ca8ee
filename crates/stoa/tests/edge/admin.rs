//! Who may use the API, and how it refuses the others.
#![expect(clippy::disallowed_methods, reason = "a client of the server that is tested")]

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use stoa_testing::http::{self, Response};
use stoa_testing::process::{StoaProcess, run};
use stoa_testing::scene::Scene;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::UnixStream;
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

/// What proxies say of the client, whose address would otherwise be theirs.
const PROXIES: [&str; 16] = [
    "Forwarded",
    "Via",
    "X-Forwarded-For",
    "X-Forwarded-Host",
    "X-Forwarded-Proto",
    "X-Real-Ip",
    "X-Client-Ip",
    "X-Cluster-Client-Ip",
    "X-Original-Forwarded-For",
    "X-Envoy-External-Address",
    "True-Client-Ip",
    "CF-Connecting-IP",
    "Fastly-Client-Ip",
    "X-Azure-ClientIP",
    "X-Appengine-User-Ip",
    "Client-Ip",
];

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[tokio::test]
async fn a_token_is_made_at_the_first_start_and_asked_of_everybody() {
    let scene = scene();
    let stoa = scene.start_with(&[("STOA_METRICS_PUBLIC", "false")]);
    let file = stoa.admin_token_file().unwrap();
    assert_eq!(file, scene.storage().join(".stoa/admin-token"));
    assert_eq!(mode(&file), 0o600);
    stoa.wait_for_log(&format!(
        "the admin token is in this file file={}",
        file.display()
    ));
    let token = std::fs::read_to_string(&file).unwrap();
    assert!(token.trim_end().len() == 64 && !stoa.output().contains(token.trim_end()));
    let right = stoa.admin_authorization().unwrap();
    for path in [VERSION, "/api/v1/lanes", "/metrics"] {
        let missing = get_with(&stoa, path, &[("Host", "localhost")]).await;
        assert_problem(path, &missing, 401, "the admin token is missing");
        for name in PROXIES {
            let answer = get_with(&stoa, path, &[(name, "127.0.0.1")]).await;
            assert_problem(name, &answer, 401, "the admin token is missing");
        }
        let wrong = get_with(&stoa, path, &[("Authorization", &bearer(TOKEN))]).await;
        assert_problem(path, &wrong, 401, "this is not the admin token");
        let answer = get_with(&stoa, path, &[("Authorization", &right)]).await;
        assert_eq!(answer.status, 200, "{path}");
    }
    for path in ["/healthz", "/readyz", "/version", "/"] {
        assert_eq!(
            get_with(&stoa, path, &[]).await.status,
            200,
            "{path} is for everybody"
        );
    }
}

#[tokio::test]
async fn all_servers_of_a_storage_have_one_token_and_keep_it() {
    let scene = scene();
    let (first, second) = (scene.start(), scene.start());
    let token = first.admin_authorization().unwrap();
    assert_eq!(second.admin_authorization().unwrap(), token);
    drop(first);
    let third = scene.start();
    for stoa in [&second, &third] {
        let answer = get_with(stoa, VERSION, &[("Authorization", &token)]).await;
        assert_version("one token", &answer);
    }
}

#[tokio::test]
async fn without_a_directory_to_store_in_the_token_is_in_the_run_time_directory() {
    let scene = scene();
    let runtime = scene.directory().to_str().unwrap();
    let start = || {
        let stoa = StoaProcess::command(STOA).args(&["--storage", "memory:"]);
        stoa.env("XDG_RUNTIME_DIR", runtime).start()
    };
    let (stoa, other) = (start(), start());
    let file = scene.directory().join("stoa/admin-token");
    assert_eq!(stoa.admin_token_file().unwrap(), file);
    assert_eq!((mode(&file), mode(file.parent().unwrap())), (0o600, 0o700));
    for stoa in [&stoa, &other] {
        assert_version("in memory", &get(stoa, VERSION).await);
    }
    // What others may read is no secret any more.
    std::fs::set_permissions(&file, PermissionsExt::from_mode(0o644)).unwrap();
    let again = StoaProcess::command(STOA).args(&["--storage", "memory:"]);
    let (code, output) = again.env("XDG_RUNTIME_DIR", runtime).start_expecting_exit();
    assert_eq!(code, Some(1), "{output}");
    assert!(
        output.contains("admin-token: others may read it or write it: remove it"),
        "{output}"
    );
}

#[tokio::test]
async fn commands_find_the_token_of_a_server_on_this_machine() {
    let scene = scene();
    let stoa = scene.start();
    let (url, storage) = (stoa.url(), scene.storage());
    let address = url.trim_start_matches("http://");
    let storage = storage.to_str().unwrap();
    let token = stoa.admin_token_file().unwrap();
    let token = token.to_str().unwrap();
    for (storage, more) in [
        (storage, &[][..]),
        (storage, &["--server", url]),
        ("memory:", &["--token-file", token]),
    ] {
        let arguments = [&["lanes", "ls", "--json"], more].concat();
        let ls = run(
            STOA,
            &arguments,
            &[("STOA_LISTEN", address), ("STOA_STORAGE", storage)],
        );
        assert_eq!(ls.code, Some(0), "{arguments:?}: {ls:?}");
        assert!(ls.stdout.contains("\"lanes\""), "{ls:?}");
    }
    let elsewhere = scene.directory().join("elsewhere");
    let runtime = scene.directory().join("none");
    let environment = [
        ("STOA_LISTEN", address),
        ("STOA_STORAGE", elsewhere.to_str().unwrap()),
        ("XDG_RUNTIME_DIR", runtime.to_str().unwrap()),
    ];
    let ls = run(STOA, &["lanes", "ls"], &environment);
    assert_eq!(ls.code, Some(1), "{ls:?}");
    assert!(
        ls.stderr.contains("the admin token is missing") && ls.stderr.contains("--token-file"),
        "{ls:?}"
    );
    assert!(!elsewhere.exists());
}

#[test]
fn a_token_file_that_others_may_read_or_write_is_a_fault() {
    let scene = scene();
    // The directory of the scene keeps everybody out, so that modes below it would not matter.
    std::fs::set_permissions(scene.directory(), PermissionsExt::from_mode(0o755)).unwrap();
    let file = token_file(&scene, TOKEN);
    let config = scene.directory().join("stoa.toml");
    std::fs::write(&config, format!("[admin]\ntoken_file = \"{}\"\n", file.display())).unwrap();
    for (mode, want) in [
        (0o644, Some("every user of this machine may read it")),
        (0o620, Some("other users of its group may write it")),
        (0o606, Some("every user of this machine may write it")),
        (0o600, None),
        (0o440, None),
    ] {
        std::fs::set_permissions(&file, PermissionsExt::from_mode(mode)).unwrap();
        let arguments = [
            "config",
            "check",
            "--storage",
            "memory:",
            "--config",
            config.to_str().unwrap(),
        ];
        let check = run(STOA, &arguments, &[]);
        let Some(want) = want else {
            assert_eq!(check.code, Some(0), "{mode:o}: {check:?}");
            continue;
        };
        let path = file.display();
        let fault = format!(
            "stoa: {}:2: admin.token_file: {path}: {want}: chmod go= {path}\n",
            config.display()
        );
        assert_eq!((check.code, check.stderr.as_str()), (Some(64), fault.as_str()));
        let serve = scene.stoa().args(&["--config", config.to_str().unwrap()]);
        let (code, output) = serve.start_expecting_exit();
        assert_eq!((code, output.trim_end()), (Some(64), fault.trim_end()));
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
        for (authority, want) in [("localhost:1", 401), ("127.0.0.1", 401), ("evil.example", 401)] {
            let url = format!("http://{authority}{prefix}{VERSION}");
            let (status, body) = http2::ask(client.clone(), url).await;
            assert_eq!((status, body.is_ok()), (want, true), "{authority} {prefix}");
        }
    }
}

#[tokio::test]
async fn over_the_unix_socket_the_token_is_asked_for_too() {
    let scene = scene();
    let socket = scene.directory().join("stoa.sock");
    let stoa = scene.stoa().listen(&format!("unix:{}", socket.display()));
    let stoa = stoa.start();
    let authorization = format!("Authorization: {}\r\n", stoa.admin_authorization().unwrap());
    for host in ["Host: localhost\r\n", "Host: \r\n", "Host: evil.example\r\n"] {
        for (header, status) in [("", 401), (authorization.as_str(), 200)] {
            let answer = over_unix(&socket, &format!("{host}{header}")).await;
            assert!(
                answer.starts_with(&format!("HTTP/1.1 {status} ")),
                "{host}: {answer}"
            );
        }
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

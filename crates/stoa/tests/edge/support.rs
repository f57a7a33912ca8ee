//! What the tests share.

use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

use stoa_testing::http::{self, Response};
use stoa_testing::process::{StoaCommand, StoaProcess};
use stoa_testing::scene::Scene;

pub(crate) const STOA: &str = env!("CARGO_BIN_EXE_stoa");

/// How long something that must come may take.
const DEADLINE: Duration = Duration::from_secs(30);

pub(crate) fn scene() -> Scene {
    Scene::new(STOA)
}

/// `GET`s a path; one of the API as an operator would, with the token that the server has made.
pub(crate) async fn get(stoa: &StoaProcess, path: &str) -> Response {
    let is_api = path.contains("/api/v1");
    let token = is_api.then(|| stoa.admin_authorization()).flatten();
    let header = token.as_deref().map(|token| ("Authorization", token));
    get_with(stoa, path, header.as_slice()).await
}

/// `GET`s a path with headers.
pub(crate) async fn get_with(stoa: &StoaProcess, path: &str, headers: &[(&str, &str)]) -> Response {
    let url = format!("{}{path}", stoa.url());
    let answer = http::request("GET", &url, headers, b"").await;
    answer.unwrap_or_else(|error| panic!("{path}: {error}\n{}", stoa.output()))
}

/// Looks again and again until there is something to see.
pub(crate) async fn eventually<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(seen) = look().await {
            return seen;
        }
        assert!(started.elapsed() < DEADLINE, "waited in vain for {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// An error as the go command can print it: plain text of at most 8 lines and 648 bytes, the cause first.
#[track_caller]
pub(crate) fn assert_error(case: &str, answer: &Response, status: u16, cause: &str) {
    assert_eq!(answer.status, status, "{case}: {}", answer.text());
    assert!(answer.is_clean(), "{case}: {:?}", answer.end);
    assert_eq!(
        answer.header("content-type"),
        Some("text/plain; charset=utf-8"),
        "{case}"
    );
    let text = answer.text();
    let first = text.lines().next().unwrap_or_default();
    assert!(
        first.contains(cause),
        "{case}: no {cause:?} in the first line of {text:?}"
    );
    assert!(text.lines().count() <= 8 && text.len() <= 648, "{case}: {text:?}");
    assert!(
        text.lines().all(|line| !line.trim().is_empty()),
        "{case}: {text:?}"
    );
}

/// stoa under limits of the shell's `ulimit`.
pub(crate) fn limited(scene: &Scene, limits: &str) -> StoaCommand {
    let script = scene.directory().join("limited");
    std::fs::write(&script, format!("#!/bin/sh\n{limits}\nexec {STOA} \"$@\"\n")).unwrap();
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).unwrap();
    StoaProcess::command(script.to_str().unwrap())
        .storage(&scene.storage())
        .upstream(&scene.upstream.url())
}

//! Upstreams that lead back to where the question came from.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use stoa_testing::http;
use stoa_testing::process::StoaProcess;

use crate::support::{STOA, get};

const PATHS: [&str; 4] = ["@v/list", "@latest", "@v/v1.0.0.info", "@v/v1.0.0.zip"];

/// A server at this port, which asks the one at another.
fn at(port: u16, upstream: u16) -> StoaProcess {
    StoaProcess::command(STOA)
        .listen(&format!("127.0.0.1:{port}"))
        .args(&["--storage", "memory:"])
        .env("STOA_DISPATCH_BREAKER", "disabled")
        .upstream(&format!("http://127.0.0.1:{upstream}"))
        .start()
}

/// Ports that nobody has.
fn ports<const N: usize>() -> [u16; N] {
    let held = [(); N].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
    held.map(|listener| listener.local_addr().unwrap().port())
}

#[tokio::test]
async fn a_question_that_comes_back_is_answered_at_once() {
    let [alone, first, second] = ports();
    let stoa = at(alone, alone);
    let (one, _two) = (at(first, second), at(second, first));
    for (case, stoa) in [("itself", &stoa), ("two in a circle", &one)] {
        for (number, path) in PATHS.iter().enumerate() {
            let began = Instant::now();
            let answer = get(stoa, &format!("/example.com/m{number}/{path}")).await;
            assert_eq!(answer.status, 502, "{case} {path}: {}", answer.text());
            assert!(answer.text().contains("508"), "{case} {path}: {}", answer.text());
            assert!(
                began.elapsed() < Duration::from_secs(5),
                "{case} {path}: {:?}",
                began.elapsed()
            );
        }
    }
}

#[tokio::test]
async fn what_has_passed_other_proxies_is_answered() {
    let [port, nowhere] = ports();
    let stoa = at(port, nowhere);
    let url = format!("{}/example.com/m/@v/list", stoa.url());
    for (passed, status) in [
        ("cdn.example;v=1, stoa-0000000000000001", 502),
        (&"x, ".repeat(20), 508),
    ] {
        let answer = http::request("GET", &url, &[("CDN-Loop", passed)], b"")
            .await
            .unwrap();
        assert_eq!(answer.status, status, "{passed}: {}", answer.text());
    }
}

//! Upstreams that lead back to where the question came from.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use stoa_testing::process::StoaProcess;
use stoa_testing::reply::Reply;

use crate::support::{STOA, assert_error, get, get_with, scene};

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
async fn a_name_that_an_upstream_has_seen_stops_no_other_module() {
    let scene = scene();
    let stoa = scene.start();
    let list = |module: &str| format!("/example.com/{module}/@v/list");
    for module in ["seen", "other", "third"] {
        scene.upstream.on(&list(module), Reply::text(200, "v1.0.0\n"));
    }
    assert_eq!(get(&stoa, &list("seen")).await.status, 200);
    let name = scene.upstream.requests()[0]
        .header("cdn-loop")
        .unwrap()
        .to_owned();
    assert!(name.starts_with("stoa-"), "{name}");
    let latest = "/example.com/seen/@latest";
    let again = get_with(&stoa, latest, &[("CDN-Loop", &name)]).await;
    assert_error("the same module", &again, 508, "leads in a circle");
    // Names of other systems are not sent on, and however many there are, others are answered.
    let many = "x, ".repeat(2000);
    for (module, passed) in [("other", &*name), ("third", &*many)] {
        let answer = get_with(&stoa, &list(module), &[("CDN-Loop", passed)]).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
    let sent = scene.upstream.requests();
    let sent: Vec<_> = sent
        .iter()
        .map(|request| request.header("cdn-loop").unwrap().to_owned())
        .collect();
    assert_eq!(sent.len(), 3);
    assert!(sent[1].starts_with(&format!("{name}, stoa-")), "{sent:?}");
    assert!(!sent[2].contains('x'), "{sent:?}");
}

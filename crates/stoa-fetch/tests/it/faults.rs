//! Sources that fail: each fault is the error that says so, within its deadline.

use std::time::{Duration, Instant};

use stoa_fetch::{Deadlines, FetchError, Fetcher, Limits, Phase};
use stoa_testing::{content::Content, gate::Gate, reply::Reply, upstream::Upstream};

use crate::support::{INFO, MOD, ZIP, chain, chain_with, fetch, question, soon};

const SHORT: Duration = Duration::from_millis(200);

fn assert_unreachable(error: &FetchError) {
    assert!(matches!(error, FetchError::Unreachable { .. }), "{error:?}");
}

fn assert_timeout(error: &FetchError, wanted: Phase) {
    assert!(
        matches!(error, FetchError::Timeout { phase, after, .. } if *phase == wanted && *after == SHORT),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_server_that_is_not_there_is_unreachable() {
    let server = Upstream::start().await;
    server.kill();
    let error = soon(fetch(&chain(&server.url()), INFO)).await.unwrap_err();
    assert_unreachable(&error);
    assert!(error.to_string().contains("refused"), "{error}");
}

#[tokio::test]
async fn a_connection_that_is_cut_is_broken_and_never_a_short_answer() {
    let server = Upstream::start().await;
    let source = chain(&server.url());
    let half = || Content::from("half of it");
    for reply in [
        Reply::Reset,
        Reply::ResetAfter {
            announce: 1000,
            send: half(),
        },
        Reply::Truncate {
            announce: 1000,
            send: half(),
        },
        Reply::Truncate {
            announce: 1000,
            send: Content::default(),
        },
        Reply::TruncateChunked(half()),
        Reply::Raw("SSH-2.0-OpenSSH_9.6\r\n".into()),
        Reply::Raw("".into()),
    ] {
        server.on(&format!("/{MOD}"), reply.clone());
        let error = soon(fetch(&source, MOD)).await.expect_err("a failure");
        assert!(
            match reply {
                // What is no HTTP was read, at least.
                Reply::Raw(ref bytes) if !bytes.is_empty() => matches!(error, FetchError::Unreadable { .. }),
                _ => matches!(error, FetchError::Broken { .. }),
            },
            "{reply:?}: {error:?}"
        );
        assert!(error.to_string().contains(&server.url()), "{error}");
    }
}

#[tokio::test]
async fn silence_before_the_head_ends_with_the_response_deadline() {
    let server = Upstream::start().await;
    server.on_everything(Reply::Hang);
    let deadlines = Deadlines {
        response: SHORT,
        ..Deadlines::default()
    };
    let source = chain_with(&server.url(), &deadlines, Limits::default());
    let began = Instant::now();
    let error = soon(fetch(&source, INFO)).await.unwrap_err();
    assert_timeout(&error, Phase::Response);
    assert!(began.elapsed() >= SHORT);
    server.hung_up(&format!("/{INFO}"), 1).await;
}

#[tokio::test]
async fn a_redirect_has_a_response_deadline_of_its_own_and_all_share_the_total_one() {
    let server = Upstream::start().await;
    server.on(&format!("/{INFO}"), Reply::Redirect("/hang".to_owned()));
    server.on("/hang", Reply::Hang);
    for (phase, deadlines) in [
        (
            Phase::Response,
            Deadlines {
                response: SHORT,
                ..Deadlines::default()
            },
        ),
        (
            Phase::Total,
            Deadlines {
                total: SHORT,
                ..Deadlines::default()
            },
        ),
    ] {
        let source = chain_with(&server.url(), &deadlines, Limits::default());
        assert_timeout(&soon(fetch(&source, INFO)).await.unwrap_err(), phase);
    }
}

fn idle() -> Deadlines {
    Deadlines {
        idle: SHORT,
        ..Deadlines::default()
    }
}

#[tokio::test]
async fn silence_and_long_pauses_in_a_body_end_with_the_idle_deadline() {
    let server = Upstream::start().await;
    let source = chain_with(&server.url(), &idle(), Limits::default());
    for reply in [
        Reply::HangAfterHeaders { announce: 100 },
        Reply::Drip {
            body: "abc".into(),
            chunk: 1,
            every: Duration::from_secs(600),
        },
        Reply::gated_at_end("abc", 1, &Gate::new()),
    ] {
        server.on(&format!("/{ZIP}"), reply);
        let fetched = source.fetch(&question(ZIP)).await.expect("the head arrives");
        assert_timeout(&soon(fetched.bytes()).await.unwrap_err(), Phase::Idle);
    }
    server.hung_up(&format!("/{ZIP}"), 3).await;
}

#[tokio::test]
async fn a_steady_drip_ends_with_the_total_deadline() {
    let server = Upstream::start().await;
    let drip = Reply::Drip {
        body: Content::zeros(100_000),
        chunk: 1,
        every: Duration::from_millis(10),
    };
    server.on(&format!("/{ZIP}"), drip);
    let deadlines = Deadlines {
        total: SHORT,
        ..Deadlines::default()
    };
    let source = chain_with(&server.url(), &deadlines, Limits::default());
    assert_timeout(&soon(fetch(&source, ZIP)).await.unwrap_err(), Phase::Total);
}

#[tokio::test]
async fn an_error_status_whose_text_stalls_keeps_its_meaning() {
    let server = Upstream::start().await;
    let source = chain_with(&server.url(), &idle(), Limits::default());
    for (code, not_found) in [(404, true), (500, false)] {
        let head = format!("HTTP/1.1 {code} X\r\nContent-Length: 100\r\n\r\npart");
        server.on(&format!("/{INFO}"), Reply::Raw(head.into()));
        let error = soon(fetch(&source, INFO)).await.unwrap_err();
        assert_eq!(error.is_not_found(), not_found, "{error:?}");
    }
}

fn limits() -> Limits {
    Limits {
        list: 100,
        info: 200,
        go_mod: 300,
        zip: 400,
        ..Limits::default()
    }
}

#[tokio::test]
async fn a_body_over_its_limit_ends_the_transfer() {
    let server = Upstream::start().await;
    server.on_everything(Reply::Endless);
    let source = chain_with(&server.url(), &Deadlines::default(), limits());
    for (path, limit) in [
        ("example.com/a/@v/list", "100"),
        ("example.com/a/@latest", "200"),
        ("example.com/a/@v/main.info", "200"),
        (INFO, "200"),
        (MOD, "300"),
        (ZIP, "400"),
    ] {
        let error = soon(fetch(&source, path)).await.unwrap_err();
        assert!(
            matches!(&error, FetchError::Invalid { reason, .. } if reason.contains(&format!("limit of {limit} bytes"))),
            "{path}: {error:?}"
        );
        server.hung_up(&format!("/{path}"), 1).await;
    }
}

#[tokio::test]
async fn an_announced_length_over_the_limit_is_refused_before_the_body() {
    let server = Upstream::start().await;
    server.on(&format!("/{ZIP}"), Reply::HangAfterHeaders { announce: 401 });
    let source = chain_with(&server.url(), &Deadlines::default(), limits());
    let error = soon(source.fetch(&question(ZIP))).await.unwrap_err();
    assert!(matches!(error, FetchError::Invalid { .. }), "{error:?}");
    server.hung_up(&format!("/{ZIP}"), 1).await;
}

#[tokio::test]
async fn a_body_of_exactly_the_limit_is_taken() {
    let server = Upstream::start().await;
    let source = chain_with(&server.url(), &Deadlines::default(), limits());
    for reply in [
        Reply::ok(Content::zeros(400)),
        Reply::Chunked(Content::zeros(400)),
    ] {
        server.on(&format!("/{ZIP}"), reply);
        assert_eq!(fetch(&source, ZIP).await.unwrap().len(), 400);
    }
}

#[tokio::test]
async fn a_body_that_is_dropped_gives_up_the_transfer() {
    let server = Upstream::start().await;
    server.on(&format!("/{ZIP}"), Reply::Endless);
    let mut fetched = chain(&server.url()).fetch(&question(ZIP)).await.unwrap();
    fetched.body.next().await.unwrap().unwrap();
    drop(fetched);
    server.hung_up(&format!("/{ZIP}"), 1).await;
}

#[tokio::test]
async fn after_an_error_a_body_has_nothing_more() {
    let server = Upstream::start().await;
    server.on(&format!("/{MOD}"), Reply::Endless);
    let source = chain_with(&server.url(), &Deadlines::default(), limits());
    let mut body = source.fetch(&question(MOD)).await.unwrap().body;
    while let Some(piece) = soon(body.next()).await {
        if piece.is_err() {
            break;
        }
    }
    assert!(body.next().await.is_none());
}

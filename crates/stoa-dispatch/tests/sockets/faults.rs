//! What goes wrong on the wire, and what it is called.

use std::{sync::Arc, time::Duration};

use stoa_dispatch::{DispatchError, HttpOptions, HttpTransports, Pool, TransportErrorKind as Kind};
use stoa_testing::{reply::Reply, upstream::Upstream};

use crate::{
    lab::{fetch, kind, lane_of, once, pool, shared},
    origin::Origin,
};

fn raw(text: &'static str) -> Reply {
    Reply::Raw(text.into())
}

/// Fails before or after the head.
async fn failure(upstream: &Upstream) -> DispatchError {
    let pool = pool(once());
    let outcome = fetch(&pool, &(upstream.url() + "/")).await;
    outcome.expect_err("a failure")
}

#[tokio::test]
async fn each_failure_has_its_kind() {
    let _shared = shared().await;
    let truncated = Reply::Truncate {
        announce: 100,
        send: "some".into(),
    };
    let reset_late = Reply::ResetAfter {
        announce: 100,
        send: "some".into(),
    };
    for (reply, expected) in [
        (Reply::Reset, Kind::Cut),
        (raw(""), Kind::Cut),
        (raw("HTTP/1.1 200 OK\r\nconte"), Kind::Cut),
        (truncated, Kind::Cut),
        (reset_late, Kind::Cut),
        (Reply::TruncateChunked("some".into()), Kind::Cut),
        (raw("SSH-2.0-OpenSSH_9.2\r\n\r\n"), Kind::Protocol),
        (
            raw("HTTP/1.1 200 OK\r\ncontent-length: many\r\n\r\n"),
            Kind::Protocol,
        ),
        (raw("HTTP/1.1 9999 What\r\n\r\n"), Kind::Protocol),
        (raw("HTTP/1.1 200 OK\r\na header\r\n\r\n"), Kind::Protocol),
        (
            raw("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n"),
            Kind::Protocol,
        ),
    ] {
        let upstream = Upstream::start().await;
        upstream.on("/", reply.clone());
        let error = failure(&upstream).await;
        println!("{reply:?}: {error}");
        assert_eq!(kind(&error), expected, "{reply:?}: {error}");
    }
}

#[tokio::test]
async fn nobody_there_is_no_connection() {
    let _shared = shared().await;
    let upstream = Upstream::start().await;
    upstream.kill();
    let error = failure(&upstream).await;
    assert_eq!(kind(&error), Kind::Connect, "{error}");
    assert!(error.to_string().contains("refused"), "{error}");
    let error = fetch(&pool(once()), "http://no-such-host.invalid/").await;
    let error = error.expect_err("no such host");
    assert_eq!(kind(&error), Kind::Connect, "{error}");
}

#[tokio::test]
async fn a_header_that_never_ends_is_bounded() {
    let _shared = shared().await;
    let upstream = Upstream::start().await;
    let mut head = "HTTP/1.1 200 OK\r\n".to_owned();
    head.extend((0..100_000).map(|i| format!("x-{i}: {i}\r\n")));
    upstream.on("/", Reply::Raw(head.into()));
    let error = failure(&upstream).await;
    assert_eq!(kind(&error), Kind::Protocol, "{error}");
}

/// Connecting includes the handshake of TLS, which this server leaves unanswered.
#[tokio::test]
async fn connecting_for_too_long_says_so() {
    let _shared = shared().await;
    let origin = Origin::serving(|stream| async move {
        let _held = stream;
        std::future::pending().await
    })
    .await;
    let options = HttpOptions {
        connect_timeout: Duration::from_millis(100),
        ..HttpOptions::default()
    };
    let pool = Pool::builder(Arc::new(HttpTransports::new(options)))
        .settings(once())
        .start();
    let url = format!("https://127.0.0.1:{}/", origin.port());
    let error = fetch(&pool, &url).await.expect_err("too slow");
    assert_eq!(kind(&error), Kind::Connect, "{error}");
    assert_eq!(
        error.to_string(),
        format!("127.0.0.1:{}: connecting took too long", origin.port())
    );
}

#[tokio::test]
async fn no_error_shows_a_url_or_its_credentials() {
    let _shared = shared().await;
    let truncated = Reply::Truncate {
        announce: 100,
        send: "some".into(),
    };
    let upstream = Upstream::start().await;
    let down = Upstream::start().await;
    down.kill();
    upstream
        .on("/hidden/reset", Reply::Reset)
        .on("/hidden/garbage", raw("garbage\r\n\r\n"))
        .on("/hidden/truncated", truncated);
    let pool = pool(once());
    for (server, path) in [
        (&upstream, "reset"),
        (&upstream, "garbage"),
        (&upstream, "truncated"),
        (&down, "refused"),
    ] {
        let address = server.address();
        let url = format!("http://somebody:secret@{address}/hidden/{path}?token=t0ken");
        let error = fetch(&pool, &url).await.expect_err("a failure");
        let lane = pool.lane(&lane_of(&url)).expect("lane");
        let debug = format!("{error:?}");
        for text in [error.to_string(), debug, format!("{:?}", lane.last_failure)] {
            for word in ["somebody", "secret", "hidden", "t0ken"] {
                assert!(!text.contains(word), "{word} in {text}");
            }
        }
    }
}

//! Clients that connect and say nothing, or not enough to be a request.
#![expect(clippy::disallowed_methods, reason = "clients of the server that is tested")]

use std::time::{Duration, Instant};

use stoa_testing::http::Connection;
use stoa_testing::process::StoaProcess;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

use crate::raw_http2::{CONTINUATION, HEADERS, RST_STREAM, RawHttp2, frame, request};
use crate::support::{eventually, get, limited, scene};

fn address(stoa: &StoaProcess) -> std::net::SocketAddr {
    stoa.url().split_once("://").unwrap().1.parse().unwrap()
}

/// Connects and sends this much.
async fn says(stoa: &StoaProcess, bytes: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(address(stoa)).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    stream
}

/// What comes until the server closes, and when it does.
async fn closed(mut stream: TcpStream) -> (Vec<u8>, Duration) {
    let (started, mut read) = (Instant::now(), Vec::new());
    let end = tokio::time::timeout(Duration::from_secs(60), stream.read_to_end(&mut read));
    let _reset = end.await.expect("the server closes");
    (read, started.elapsed())
}

#[tokio::test]
async fn a_connection_that_says_nothing_is_closed_long_before_one_that_is_kept_alive() {
    let scene = scene();
    let stoa = scene.start_with(&[("STOA_EDGE_HANDSHAKE_TIMEOUT", "1s")]);
    let mut kept = Connection::open(stoa.url()).await.unwrap();
    assert_eq!(kept.send("GET", "/healthz", &[], b"").await.unwrap().status, 200);
    for bytes in [&b""[..], b"P", b"PRI * HT", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r"] {
        let (answer, took) = closed(says(&stoa, bytes).await).await;
        assert!(answer.is_empty());
        assert!(
            took > Duration::from_millis(500) && took < Duration::from_secs(20),
            "{took:?}"
        );
    }
    assert_eq!(kept.send("GET", "/healthz", &[], b"").await.unwrap().status, 200);
}

#[tokio::test]
async fn connections_without_a_request_are_closed_in_the_end() {
    let scene = scene();
    let stoa = scene.start_with(&[("STOA_EDGE_IDLE_TIMEOUT", "1s")]);
    // Half a head; a connection that was used; one of HTTP/2 that answers every ping.
    let (_, took) = closed(says(&stoa, b"GET / HTTP/1.1\r\nA: ").await).await;
    assert!(took < Duration::from_secs(20), "{took:?}");
    let mut kept = Connection::open(stoa.url()).await.unwrap();
    assert_eq!(kept.send("GET", "/healthz", &[], b"").await.unwrap().status, 200);
    assert!(kept.closed().await);
    let started = Instant::now();
    let mut client = RawHttp2::open(&stoa, 65_535).await;
    client.ask(1, "localhost", "/healthz").await;
    client.closed().await;
    let took = started.elapsed();
    assert!(
        took > Duration::from_millis(900) && took < Duration::from_secs(20),
        "{took:?}"
    );
}

#[tokio::test]
async fn an_unfinished_head_is_small() {
    let scene = scene();
    let stoa = scene.start();
    for endless in ["GET / HTTP/1.1\r\nHost: localhost\r\nA: ", "GET /"] {
        // More than is taken, and less than any buffer of the kernel.
        let half = format!("{endless}{}", "a".repeat(100 << 10));
        let stream = says(&stoa, half.as_bytes()).await;
        let (answer, took) = closed(stream).await;
        assert!(took < Duration::from_secs(20), "{took:?}");
        let answer = String::from_utf8_lossy(&answer);
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{answer}");
    }
    assert_eq!(get(&stoa, "/healthz").await.status, 200);
}

#[tokio::test]
async fn floods_of_http2_frames_end_their_connection() {
    let scene = scene();
    let stoa = scene.start();
    // A head that never ends.
    let mut client = RawHttp2::open(&stoa, 65_535).await;
    client.send(HEADERS, 0, 1, &[0x82]).await;
    for _ in 0..100 {
        let field = [&[0x40, 1, b'a', 100][..], &[b'b'; 100]].concat().repeat(100);
        client.send(CONTINUATION, 0, 1, &field).await;
    }
    client.closed().await;
    // Requests that are taken back at once.
    let mut client = RawHttp2::open(&stoa, 65_535).await;
    let back = 8_u32.to_be_bytes();
    let frames = (0..2000_u32).map(|n| 2 * n + 1).flat_map(|stream| {
        let asked = request(stream, "localhost", "/healthz");
        [asked, frame(RST_STREAM, 0, stream, &back)].concat()
    });
    client.write(&frames.collect::<Vec<_>>()).await;
    client.closed().await;
    assert_eq!(get(&stoa, "/healthz").await.status, 200);
}

async fn connect_from(stoa: &StoaProcess, source: &str) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(format!("{source}:0").parse().unwrap()).unwrap();
    socket.connect(address(stoa)).await.unwrap()
}

/// Whether a request on this connection is answered; not if the server has closed it.
async fn is_answered(stream: &mut TcpStream) -> bool {
    let request = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let mut answer = [0; 12];
    stream.write_all(request).await.is_ok()
        && stream.read_exact(&mut answer).await.is_ok()
        && answer == *b"HTTP/1.1 200"
}

#[tokio::test]
async fn an_address_has_its_share_of_the_connections() {
    let scene = scene();
    let stoa = scene.start_with(&[
        ("STOA_TRUSTED_PROXIES", "127.0.0.1"),
        ("STOA_POOL_CONNECTIONS_PER_ADDRESS", "3"),
    ]);
    let mut stranger = Vec::new();
    for _ in 0..3 {
        let mut stream = connect_from(&stoa, "127.0.0.2").await;
        assert!(is_answered(&mut stream).await);
        stranger.push(stream);
    }
    assert!(
        !is_answered(&mut connect_from(&stoa, "127.0.0.2").await).await,
        "a fourth"
    );
    assert!(
        is_answered(&mut connect_from(&stoa, "127.0.0.3").await).await,
        "another address"
    );
    let mut proxied = Vec::new();
    for _ in 0..6 {
        let mut stream = connect_from(&stoa, "127.0.0.1").await;
        assert!(is_answered(&mut stream).await, "a proxy brings many clients");
        proxied.push(stream);
    }
    assert!(
        get(&stoa, "/metrics")
            .await
            .text()
            .contains("stoa_connections_refused_total 1")
    );
    stranger.pop();
    eventually("the place of the one who left", async || {
        is_answered(&mut connect_from(&stoa, "127.0.0.2").await)
            .await
            .then_some(())
    })
    .await;
}

#[tokio::test]
async fn by_default_a_proxy_on_this_machine_has_no_share() {
    let scene = scene();
    let stoa = scene.start_with(&[("STOA_POOL_CONNECTIONS_PER_ADDRESS", "1")]);
    let mut all = Vec::new();
    for _ in 0..5 {
        let mut stream = connect_from(&stoa, "127.0.0.1").await;
        assert!(is_answered(&mut stream).await);
        all.push(stream);
    }
}

#[tokio::test]
async fn idle_connections_leave_files_for_misses() {
    let scene = scene();
    // The soft limit is raised; under a low hard limit, fewer connections are taken at once.
    for (limits, connections) in [("ulimit -Sn 128", 200), ("ulimit -n 128", 60)] {
        let stoa = limited(&scene, limits).start();
        let mut idle = Vec::new();
        for _ in 0..connections {
            let mut stream = says(&stoa, b"").await;
            assert!(is_answered(&mut stream).await, "{limits}");
            idle.push(stream);
        }
        for kind in ["info", "mod", "zip"] {
            let answer = get(&stoa, &scene.greet().url_path(kind)).await;
            assert_eq!(answer.status, 200, "{limits} {kind}: {}", answer.text());
        }
        drop(stoa);
        std::fs::remove_dir_all(scene.storage()).unwrap();
    }
}

#[tokio::test]
async fn without_a_descriptor_left_a_miss_is_refused_for_now() {
    let scene = scene();
    let stoa = limited(&scene, "ulimit -n 64")
        .env("STOA_POOL_CONNECTIONS", "1000")
        .start();
    stoa.wait_for_log("more than half of the open files");
    let path = scene.greet().url_path("zip");
    let mut asking = says(&stoa, b"").await;
    assert!(is_answered(&mut asking).await);
    let mut idle = Vec::new();
    for _ in 0..64 {
        idle.push(says(&stoa, b"G").await);
    }
    eventually("all descriptors to be taken", async || {
        (stoa.open_files() >= 64).then_some(())
    })
    .await;
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n");
    asking.read_u8().await.unwrap();
    asking.write_all(request.as_bytes()).await.unwrap();
    let mut text = String::new();
    while !text.contains("\r\n\r\n") || !text.contains("HTTP/1.1 5") {
        let mut bytes = [0; 4096];
        let read = asking.read(&mut bytes).await.unwrap();
        assert!(read > 0, "{text}");
        text += &String::from_utf8_lossy(&bytes[..read]);
    }
    assert!(text.contains("HTTP/1.1 503"), "{text}\n{}", stoa.output());
    drop(idle);
    eventually("everything to be as before", async || {
        (get(&stoa, &path).await.status == 200).then_some(())
    })
    .await;
}

#[tokio::test]
async fn what_is_no_request_yet_does_not_hold_a_drain() {
    let scene = scene();
    let mut stoa = scene.start_with(&[("STOA_DRAIN_NOTICE", "0s"), ("STOA_DRAIN_TIMEOUT", "60s")]);
    let _silent = says(&stoa, b"").await;
    let _preface = says(&stoa, b"PRI * HTTP/2.0\r\n").await;
    let _half = says(&stoa, b"GET /healthz HTTP/1.1\r\nHost: loc").await;
    let mut kept = says(&stoa, b"").await;
    assert!(is_answered(&mut kept).await);
    kept.write_all(b"GET /healthz HT").await.unwrap();
    // Never reads, so that it answers no ping.
    let mut http2 = RawHttp2::open(&stoa, 65_535).await;
    http2.ask(1, "localhost", "/healthz").await;
    let started = Instant::now();
    let status = stoa.sigterm_and_wait(Duration::from_secs(30));
    assert_eq!(status.code(), Some(0));
    assert!(
        started.elapsed() < Duration::from_secs(15),
        "{:?}",
        started.elapsed()
    );
    stoa.wait_for_log("connections_cut=0");
}

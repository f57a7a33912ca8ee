//! Stopping: not ready first, then nobody new, then those who are being served to their end.

use std::time::Duration;

use stoa_testing::content::Content;
use stoa_testing::fixtures::ModuleFixture;
use stoa_testing::gate::Gate;
use stoa_testing::http::{self, BodyEnd, Streaming};
use stoa_testing::reply::Reply;
use stoa_testing::scene::Scene;

use crate::support::{eventually, get, scene};

const PATIENCE: Duration = Duration::from_secs(30);

/// A download that is in the middle.
async fn slow_download(scene: &Scene, url: &str) -> (Streaming, Gate, ModuleFixture) {
    let module = ModuleFixture::new("example.com/big", "v1.0.0").file("data", Content::random(3 << 20, 3));
    let gate = Gate::new();
    scene.upstream.module(&module);
    let path = module.url_path("zip");
    scene
        .upstream
        .on(&path, Reply::gated_at_end(module.zip(), 1 << 20, &gate));
    let mut stream = Streaming::open(&format!("{url}{path}"), &[]).await.unwrap();
    assert!(stream.read_past(1000).await.unwrap());
    (stream, gate, module)
}

#[tokio::test]
async fn sigterm_lets_a_download_end_and_exits_with_0() {
    let scene = scene();
    let mut stoa = scene.start_with(&[("STOA_DRAIN_NOTICE", "2s")]);
    let (mut stream, gate, module) = slow_download(&scene, stoa.url()).await;
    assert_eq!(get(&stoa, "/readyz").await.status, 200);

    stoa.sigterm();
    stoa.wait_for_log("draining");
    let ready = get(&stoa, "/readyz").await;
    assert_eq!(
        (ready.status, ready.text()),
        (503, "not ready: draining\n"),
        "balancers hear of it first"
    );
    assert_eq!(
        get(&stoa, &scene.greet().url_path("mod")).await.status,
        200,
        "requests are still taken"
    );
    let url = format!("{}/healthz", stoa.url());
    eventually("the listener to close", async || {
        http::get(&url).await.is_err().then_some(())
    })
    .await;
    assert_eq!(
        stoa.wait(Duration::from_millis(100)),
        None,
        "it waits for the download"
    );

    gate.release();
    let digest = stream.digest().await.unwrap();
    assert_eq!(
        (digest.end, stream.received()),
        (BodyEnd::Clean, module.zip().len())
    );
    assert_eq!(stoa.wait(PATIENCE).unwrap().code(), Some(0));
    stoa.wait_for_log("connections_cut=0 transfers_finished=true");
    let stored = std::fs::read(scene.storage().join(&module.url_path("zip")[1..])).unwrap();
    assert_eq!(stored, module.zip().to_bytes());
}

#[tokio::test]
async fn an_idle_server_stops_at_once_and_idle_connections_do_not_hold_it() {
    let scene = scene();
    let mut stoa = scene.start_with(&[("STOA_DRAIN_NOTICE", "0s")]);
    let mut idle = http::Connection::open(stoa.url()).await.unwrap();
    assert_eq!(idle.send("GET", "/healthz", &[], b"").await.unwrap().status, 200);
    let _silent = http::Connection::open(stoa.url()).await.unwrap();
    stoa.signal("INT");
    assert!(idle.closed().await);
    assert_eq!(stoa.wait(PATIENCE).unwrap().code(), Some(0));
    stoa.wait_for_log("connections_cut=0");
}

#[tokio::test]
async fn a_download_that_takes_too_long_is_cut() {
    let scene = scene();
    let mut stoa = scene.start_with(&[("STOA_DRAIN_NOTICE", "0s"), ("STOA_DRAIN_TIMEOUT", "300ms")]);
    let (mut stream, _gate, module) = slow_download(&scene, stoa.url()).await;
    assert_eq!(stoa.sigterm_and_wait(PATIENCE).code(), Some(0));
    stoa.wait_for_log("connections_cut=1 transfers_finished=false");
    assert!(matches!(stream.digest().await.unwrap().end, BodyEnd::Cut { .. }));
    let left = scene.storage().join(&module.url_path("zip")[1..]);
    assert!(!std::fs::exists(left).unwrap(), "a part of a zip is not kept");
}

#[tokio::test]
async fn a_second_signal_ends_it_now() {
    let scene = scene();
    let mut stoa = scene.start_with(&[("STOA_DRAIN_NOTICE", "0s")]);
    let (_stream, _gate, _) = slow_download(&scene, stoa.url()).await;
    stoa.sigterm();
    let url = format!("{}/healthz", stoa.url());
    eventually("the listener to close", async || {
        http::get(&url).await.is_err().then_some(())
    })
    .await;
    assert_eq!(stoa.sigterm_and_wait(PATIENCE).code(), Some(1));
    stoa.wait_for_log("stopped at once by a second signal");
}

#[tokio::test]
async fn a_transfer_whose_clients_are_gone_is_finished_before_the_end() {
    let scene = scene();
    let mut stoa = scene.start_with(&[("STOA_DRAIN_NOTICE", "0s")]);
    let (stream, gate, module) = slow_download(&scene, stoa.url()).await;
    stream.reset();
    stoa.wait_for_log("cut=true");
    stoa.sigterm();
    stoa.wait_for_log("draining");
    gate.release();
    assert_eq!(stoa.wait(PATIENCE).unwrap().code(), Some(0));
    stoa.wait_for_log("transfers_finished=true");
    let stored = std::fs::read(scene.storage().join(&module.url_path("zip")[1..])).unwrap();
    assert_eq!(stored, module.zip().to_bytes());
}

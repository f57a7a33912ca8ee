//! HTTP/2 without TLS and without an upgrade (prior knowledge), on the port that speaks HTTP/1.1.
#![expect(clippy::disallowed_methods, reason = "a client of the server that is tested")]

use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper::client::conn::http2::{self, SendRequest};
use hyper::{Request, Version};
use hyper_util::rt::{TokioExecutor, TokioIo};
use stoa_testing::content::Content;
use stoa_testing::fixtures::ModuleFixture;
use stoa_testing::gate::Gate;
use stoa_testing::process::StoaProcess;
use stoa_testing::reply::Reply;
use tokio::task::JoinSet;

use crate::support::{get, scene};

pub(crate) type Client = SendRequest<Empty<Bytes>>;

/// A connection over any stream, driven by a task of the set.
pub(crate) async fn speak<S>(stream: S, tasks: &mut JoinSet<()>) -> Client
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
{
    let (client, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
        .await
        .unwrap();
    tasks.spawn(async move {
        let _closed = connection.await;
    });
    client
}

pub(crate) async fn connect(stoa: &StoaProcess, tasks: &mut JoinSet<()>) -> Client {
    let address = stoa.url().trim_start_matches("http://").to_owned();
    speak(tokio::net::TcpStream::connect(address).await.unwrap(), tasks).await
}

/// One exchange: the status, and the body or what became of it.
pub(crate) async fn ask(mut client: Client, url: String) -> (u16, Result<Bytes, hyper::Error>) {
    let request = Request::get(url).body(Empty::new()).unwrap();
    let answer = client.send_request(request).await.unwrap();
    assert_eq!(answer.version(), Version::HTTP_2);
    (
        answer.status().as_u16(),
        answer
            .into_body()
            .collect()
            .await
            .map(http_body_util::Collected::to_bytes),
    )
}

#[tokio::test]
async fn below_a_prefix_the_home_page_names_the_host_that_was_asked_for() {
    let scene = scene();
    let stoa = scene.start_with(&[("STOA_PATH_PREFIX", "/go")]);
    let mut tasks = JoinSet::new();
    let client = connect(&stoa, &mut tasks).await;
    let (status, home) = ask(client, "http://stoa.example/go/".to_owned()).await;
    let home = String::from_utf8(home.unwrap().into()).unwrap();
    assert_eq!(status, 200, "{home}");
    assert!(home.contains("export GOPROXY=http://stoa.example/go<"), "{home}");
}

#[tokio::test]
async fn many_streams_share_a_connection() {
    let scene = scene();
    let stoa = scene.start();
    let mut tasks = JoinSet::new();
    let client = connect(&stoa, &mut tasks).await;
    let gate = Gate::new();
    let slow = scene.example.module("example.com/multi", "v1.2.3");
    scene
        .upstream
        .on(&slow.url_path("zip"), Reply::gated_at_end(slow.zip(), 10, &gate));
    let mut slow_one = JoinSet::new();
    slow_one.spawn(ask(
        client.clone(),
        format!("{}{}", stoa.url(), slow.url_path("zip")),
    ));
    gate.reached(1).await;

    let mut answers = JoinSet::new();
    for _ in 0..100 {
        answers.spawn(ask(
            client.clone(),
            format!("{}{}", stoa.url(), scene.greet().url_path("zip")),
        ));
    }
    while let Some(answer) = answers.join_next().await {
        let (status, body) = answer.unwrap();
        assert_eq!((status, body.unwrap()), (200, scene.greet().zip().to_bytes()));
    }
    let (status, _) = ask(
        client.clone(),
        format!("{}/example.com/nobody/@v/list", stoa.url()),
    )
    .await;
    assert_eq!(status, 404);
    gate.release();
    let (status, body) = slow_one.join_next().await.unwrap().unwrap();
    assert_eq!((status, body.unwrap()), (200, slow.zip().to_bytes()));
    assert_eq!(
        get(&stoa, "/healthz").await.status,
        200,
        "HTTP/1.1 is spoken beside it"
    );
}

#[tokio::test]
async fn a_bad_zip_resets_its_stream_and_no_other() {
    let scene = scene();
    let stoa = scene.start();
    let mut tasks = JoinSet::new();
    let client = connect(&stoa, &mut tasks).await;
    let module = ModuleFixture::new("example.com/big", "v1.0.0").file("data", Content::random(3 << 20, 3));
    scene.upstream.module(&module);
    let (zip, path) = (module.zip(), module.url_path("zip"));
    let half = zip.to_bytes().slice(..2 << 20);
    scene.upstream.on(
        &path,
        Reply::Truncate {
            announce: zip.len(),
            send: half.into(),
        },
    );
    let (status, body) = ask(client.clone(), format!("{}{path}", stoa.url())).await;
    assert_eq!(status, 200);
    assert!(body.is_err(), "a cut body must not look whole");
    scene.upstream.recover(&path);
    let (_, body) = ask(client, format!("{}{path}", stoa.url())).await;
    assert_eq!(body.unwrap(), zip.to_bytes(), "on the same connection");
}

#[tokio::test]
async fn a_drain_says_goodbye_and_lets_streams_end() {
    let scene = scene();
    let mut stoa = scene.start_with(&[("STOA_DRAIN_NOTICE", "0s")]);
    let mut tasks = JoinSet::new();
    let client = connect(&stoa, &mut tasks).await;
    let gate = Gate::new();
    let (zip, path) = (scene.greet().zip(), scene.greet().url_path("zip"));
    scene
        .upstream
        .on(&path, Reply::gated_at_end(zip.clone(), 10, &gate));
    let mut answers = JoinSet::new();
    answers.spawn(ask(client, format!("{}{path}", stoa.url())));
    gate.reached(1).await;
    stoa.sigterm();
    stoa.wait_for_log("draining");
    gate.release();
    let (status, body) = answers.join_next().await.unwrap().unwrap();
    assert_eq!((status, body.unwrap()), (200, zip.to_bytes()));
    assert_eq!(
        stoa.wait(std::time::Duration::from_secs(30)).unwrap().code(),
        Some(0)
    );
}

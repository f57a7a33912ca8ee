//! TLS from files.
#![expect(clippy::disallowed_methods, reason = "a client of the server that is tested")]

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use stoa_testing::go::GoClient;
use stoa_testing::process::StoaCommand;
use stoa_testing::scene::Scene;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::http2;
use crate::support::scene;

/// A certificate for 127.0.0.1 and its key, as files.
struct Identity {
    der: Vec<u8>,
    cert: PathBuf,
    key: PathBuf,
}

fn identity(scene: &Scene, name: &str) -> Identity {
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let (cert, key) = (
        scene.directory().join(format!("{name}.pem")),
        scene.directory().join(format!("{name}.key")),
    );
    fs::write(&cert, made.cert.pem()).unwrap();
    fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    Identity {
        der: made.cert.der().to_vec(),
        cert,
        key,
    }
}

fn with_tls(scene: &Scene, identity: &Identity) -> StoaCommand {
    scene
        .stoa()
        .env("STOA_TLS_CERT", identity.cert.to_str().unwrap())
        .env("STOA_TLS_KEY", identity.key.to_str().unwrap())
}

/// A connection that trusts this one certificate and offers these protocols.
async fn connect(url: &str, identity: &Identity, protocols: &[&str]) -> TlsStream<TcpStream> {
    let mut roots = RootCertStore::empty();
    roots.add(identity.der.clone().into()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
    let stream = TcpStream::connect(url.trim_start_matches("https://"))
        .await
        .unwrap();
    let name = ServerName::try_from("127.0.0.1").unwrap();
    TlsConnector::from(Arc::new(config))
        .connect(name, stream)
        .await
        .unwrap()
}

#[tokio::test]
async fn both_versions_of_http_are_spoken() {
    let scene = scene();
    let identity = identity(&scene, "stoa");
    let stoa = with_tls(&scene, &identity).start();
    assert!(stoa.url().starts_with("https://127.0.0.1:"), "{}", stoa.url());
    stoa.wait_for_log(&format!("export GOPROXY={}", stoa.url()));

    let mut stream = connect(stoa.url(), &identity, &["http/1.1"]).await;
    let request = b"GET / HTTP/1.1\r\nHost: stoa.example\r\nConnection: close\r\n\r\n";
    stream.write_all(request).await.unwrap();
    let mut home = String::new();
    stream.read_to_string(&mut home).await.unwrap();
    assert!(home.starts_with("HTTP/1.1 200"), "{home}");
    assert!(home.contains("export GOPROXY=https://stoa.example"), "{home}");

    let stream = connect(stoa.url(), &identity, &["h2", "http/1.1"]).await;
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(b"h2".as_slice()));
    let mut tasks = JoinSet::new();
    let client = http2::speak(stream, &mut tasks).await;
    let (status, body) = http2::ask(client, format!("{}{}", stoa.url(), scene.greet().url_path("zip"))).await;
    assert_eq!((status, body.unwrap()), (200, scene.greet().zip().to_bytes()));
}

#[tokio::test]
async fn plain_text_on_the_tls_port_does_no_harm() {
    let scene = scene();
    let identity = identity(&scene, "stoa");
    let stoa = with_tls(&scene, &identity).start();
    let address = stoa.url().trim_start_matches("https://").parse().unwrap();
    let _alert_or_nothing = stoa_testing::http::raw_bytes(address, b"GET / HTTP/1.1\r\n\r\n").await;
    let stream = connect(stoa.url(), &identity, &["h2"]).await;
    let mut tasks = JoinSet::new();
    let client = http2::speak(stream, &mut tasks).await;
    assert_eq!(http2::ask(client, format!("{}/healthz", stoa.url())).await.0, 200);
}

#[tokio::test]
async fn the_go_command_trusts_the_certificate_it_is_given() {
    let scene = scene();
    let identity = identity(&scene, "stoa");
    let stoa = with_tls(&scene, &identity).start();
    let go = GoClient::new(stoa.url()).env("SSL_CERT_FILE", identity.cert.to_str().unwrap());
    let go = Arc::new(go);
    scene.example.write_app(&go.directory());
    let _ = go.run_async(&["mod", "tidy"]).await.expect_success();
    let ran = go.run_async(&["run", "."]).await.expect_success();
    assert_eq!(ran.stdout, stoa_testing::fixtures::ExampleWorkspace::OUTPUT);
    // Over https each no is asked for twice; the upstream hears of it once.
    let probed = "/example.com/multi/sub/deep/@v/list";
    assert_eq!(scene.upstream.count(probed), 1);

    let stranger = Arc::new(GoClient::new(stoa.url()));
    let failed = stranger
        .run_async(&["mod", "download", "example.com/greet@v1.0.0"])
        .await
        .expect_failure();
    assert!(failed.stderr.contains("certificate"), "{}", failed.stderr);
}

#[test]
fn files_that_make_no_identity_stop_the_start_with_one_line() {
    let scene = scene();
    let (good, other) = (identity(&scene, "good"), identity(&scene, "other"));
    let absent = scene.directory().join("absent.pem");
    let empty = scene.directory().join("empty.pem");
    fs::write(&empty, "").unwrap();
    for (cert, key, named) in [
        (&absent, &good.key, &absent),
        (&good.cert, &absent, &absent),
        (&empty, &good.key, &empty),
        (&good.cert, &empty, &empty),
        (&good.cert, &other.key, &other.key),
    ] {
        let identity = Identity {
            der: Vec::new(),
            cert: cert.clone(),
            key: key.clone(),
        };
        let (code, output) = with_tls(&scene, &identity).start_expecting_exit();
        assert_eq!(code, Some(1), "{output}");
        let complaints: Vec<_> = output.lines().filter(|line| line.starts_with("stoa: ")).collect();
        assert_eq!(complaints.len(), 1, "{output}");
        assert!(complaints[0].contains(named.to_str().unwrap()), "{output}");
    }
    let (code, output) = scene
        .stoa()
        .env("STOA_TLS_CERT", good.cert.to_str().unwrap())
        .start_expecting_exit();
    assert_eq!(code, Some(64), "{output}");
    assert!(
        output.contains("tls.cert and tls.key must be set together"),
        "{output}"
    );
}

#[tokio::test]
async fn a_handshake_that_does_not_go_on_is_given_up() {
    let scene = scene();
    let identity = identity(&scene, "stoa");
    let stoa = with_tls(&scene, &identity)
        .env("STOA_EDGE_HANDSHAKE_TIMEOUT", "1s")
        .start();
    let address = stoa.url().trim_start_matches("https://").to_owned();
    for half in [&b""[..], b"\x16\x03\x01\x02\x00\x01"] {
        let mut stream = TcpStream::connect(&address).await.unwrap();
        stream.write_all(half).await.unwrap();
        let mut read = Vec::new();
        let closed = tokio::time::timeout(Duration::from_secs(20), stream.read_to_end(&mut read));
        let _reset = closed.await.expect("the server closes");
    }
    // A handshake, and then nothing.
    let mut silent = connect(stoa.url(), &identity, &["h2"]).await;
    let mut read = Vec::new();
    let closed = tokio::time::timeout(Duration::from_secs(20), silent.read_to_end(&mut read));
    let _reset = closed.await.expect("the server closes");
}

//! Programs that go out by the proxy: where to, with which grant, and one request for each connection.
#![expect(clippy::disallowed_methods, reason = "the tests are the programs")]

use std::{net::IpAddr, sync::Arc, time::Duration};

use stoa_dispatch::{
    AddressPolicy, ForwardProxy, PrivateAddressError, ProxyAccess, ProxyGrant, SystemLookup, is_public,
};
use stoa_testing::{reply::Reply, upstream::Upstream};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    time::{Instant, timeout},
};

use crate::{addresses::names, lab::shared};

#[derive(Debug)]
struct Public(u16);

impl AddressPolicy for Public {
    fn allows(&self, _: &str, port: u16, address: IpAddr) -> bool {
        port == self.0 || is_public(address)
    }
}

/// What the proxy answers to a request, with the password or another.
async fn through(access: &ProxyAccess, request: &str, password: &str) -> String {
    use base64::{Engine as _, prelude::BASE64_STANDARD};
    let shown = BASE64_STANDARD.encode(format!("{}:{password}", ProxyAccess::USER));
    let mut stream = TcpStream::connect(access.address).await.expect("it listens");
    let text = request.replacen("\r\n", &format!("\r\nProxy-Authorization: Basic {shown}\r\n"), 1);
    stream.write_all(text.as_bytes()).await.expect("it reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("it answers");
    answer
}

#[tokio::test]
async fn programs_reach_what_the_policy_allows_and_nothing_else() {
    let _shared = shared().await;
    let (named, other) = (Upstream::start().await, Upstream::start().await);
    named.on("/a", Reply::text(200, "hello"));
    let lookup = names(&[("rebound.example", &[&["127.0.0.1"]])]);
    let policy = Arc::new(Public(named.address().port()));
    let proxy = ForwardProxy::start(lookup).await.expect("a port");
    let grant = ProxyGrant { policy, only: None };
    let access = &proxy.grant(grant).expect("random bytes");
    let (named_at, other_at) = (named.address(), other.address().port());
    let plain = format!("GET http://{named_at}/a HTTP/1.1\r\nHost: {named_at}\r\nX-Seen: yes\r\n\r\n");
    let answer = through(access, &plain, &access.password).await;
    assert!(
        answer.starts_with("HTTP/1.1 200") && answer.ends_with("hello"),
        "{answer}"
    );
    let seen = named.requests().pop().expect("a request");
    assert_eq!(seen.header("x-seen"), Some("yes"));
    assert_eq!(seen.header("proxy-authorization"), None);
    let tunnel = format!("CONNECT {named_at} HTTP/1.1\r\n\r\nGET /a HTTP/1.1\r\nConnection: close\r\n\r\n");
    let answer = through(access, &tunnel, &access.password).await;
    assert!(
        answer.contains("Connected") && answer.ends_with("hello"),
        "{answer}"
    );

    for (request, password, want) in [
        (plain.as_str(), "guessed", "HTTP/1.1 407 "),
        (
            &format!("CONNECT rebound.example:{other_at} HTTP/1.1\r\n\r\n"),
            &access.password,
            "HTTP/1.1 403 ",
        ),
        (
            &format!("CONNECT [::ffff:127.0.0.1]:{other_at} HTTP/1.1\r\n\r\n"),
            &access.password,
            "HTTP/1.1 403 ",
        ),
        (
            &format!("GET http://127.0.0.1:{other_at}/ HTTP/1.1\r\n\r\n"),
            &access.password,
            "HTTP/1.1 403 ",
        ),
        (
            "GET file:///etc/passwd HTTP/1.1\r\n\r\n",
            &access.password,
            "HTTP/1.1 400 ",
        ),
        (
            "CONNECT unknown.example:443 HTTP/1.1\r\n\r\n",
            &access.password,
            "HTTP/1.1 502 ",
        ),
        ("nonsense\r\n\r\n", &access.password, "HTTP/1.1 400 "),
    ] {
        let answer = through(access, request, password).await;
        assert!(answer.starts_with(want), "{request}: {answer}");
    }
    assert_eq!(other.connections(), 0, "nobody came");
    let error = PrivateAddressError {
        host: "a".to_owned(),
        address: "10.0.0.1".parse().expect("an address"),
    };
    assert_eq!(
        error.to_string(),
        "a leads to 10.0.0.1, which is no public address"
    );
    let address = access.address;
    drop(proxy);
    assert!(TcpStream::connect(address).await.is_err(), "it is gone");
}

/// Allows everything.
#[derive(Debug)]
struct Anywhere;

impl AddressPolicy for Anywhere {
    fn allows(&self, _: &str, _: u16, _: IpAddr) -> bool {
        true
    }
}

fn grant(proxy: &ForwardProxy, only: Option<(&str, u16)>) -> ProxyAccess {
    let grant = ProxyGrant {
        policy: Arc::new(Anywhere),
        only: only.map(|(host, port)| (host.to_owned(), port)),
    };
    proxy.grant(grant).expect("random bytes")
}

fn shown(password: &str) -> String {
    use base64::{Engine as _, prelude::BASE64_STANDARD};
    let shown = BASE64_STANDARD.encode(format!("{}:{password}", ProxyAccess::USER));
    format!("Proxy-Authorization: Basic {shown}\r\n")
}

#[tokio::test]
async fn a_grant_for_one_server_leads_to_no_other() {
    let _shared = shared().await;
    let (own, other) = (Upstream::start().await, Upstream::start().await);
    own.on("/a", Reply::text(200, "hello"));
    let proxy = ForwardProxy::start(Arc::new(SystemLookup)).await.expect("a port");
    let (port, elsewhere) = (own.address().port(), other.address().port());
    let only = grant(&proxy, Some(("127.0.0.1", port)));
    let plain = |host: &str, port: u16| format!("GET http://{host}:{port}/a HTTP/1.1\r\nHost: h\r\n\r\n");
    let tunnel = |host: &str, port: u16| format!("CONNECT {host}:{port} HTTP/1.1\r\n\r\n");
    let answer = through(&only, &plain("127.0.0.1", port), &only.password).await;
    assert!(answer.ends_with("hello"), "{answer}");
    assert_eq!(only.refusal(), None);
    assert!(only.received() > 5, "{}", only.received());
    for request in [
        plain("127.0.0.1", elsewhere),
        plain("127.0.0.2", port),
        plain("localhost", port),
        tunnel("127.0.0.1", elsewhere),
        tunnel("127.0.0.2", port),
        tunnel("[::ffff:127.0.0.1]", port),
    ] {
        let answer = through(&only, &request, &only.password).await;
        assert!(answer.starts_with("HTTP/1.1 403 "), "{request}: {answer}");
        assert!(
            answer.ends_with("its credential is for another server"),
            "{answer}"
        );
    }
    let refusal = only.refusal().expect("it was refused");
    assert_eq!(
        refusal,
        format!("it leads to 127.0.0.1:{elsewhere}, and its credential is for another server")
    );
    assert_eq!((own.connections(), other.connections()), (1, 0));
    // Others are not held by it, and nobody has its password once it has ended.
    let free = grant(&proxy, None);
    let answer = through(&free, &plain("127.0.0.1", elsewhere), &free.password).await;
    assert!(answer.starts_with("HTTP/1.1 404 "), "{answer}");
    let password = only.password.clone();
    drop(only);
    let answer = through(&free, &plain("127.0.0.1", port), &password).await;
    assert!(answer.starts_with("HTTP/1.1 407 "), "{answer}");
}

#[tokio::test]
async fn connections_end_with_their_grant() {
    let _shared = shared().await;
    let server = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let proxy = ForwardProxy::start(Arc::new(SystemLookup)).await.expect("a port");
    let access = grant(&proxy, None);
    let mut client = TcpStream::connect(access.address).await.expect("it listens");
    let at = server.local_addr().expect("an address");
    let tunnel = format!("CONNECT {at} HTTP/1.1\r\n{}\r\n", shown(&access.password));
    client.write_all(tunnel.as_bytes()).await.expect("it reads");
    let (mut arrived, _) = server.accept().await.expect("it comes");
    client.read_exact(&mut [0; 10]).await.expect("it is connected");
    drop(access);
    let ended = timeout(Duration::from_secs(10), arrived.read(&mut [0])).await;
    assert_eq!(ended.expect("in time").expect("an end"), 0);
}

/// A server that takes `Connection: close` for nothing, answers each request that it reads, and writes down what came.
async fn stubborn() -> (TcpListener, String) {
    let server = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let at = server.local_addr().expect("an address").to_string();
    (server, at)
}

#[tokio::test]
async fn a_connection_carries_one_request() {
    let _shared = shared().await;
    let proxy = ForwardProxy::start(Arc::new(SystemLookup)).await.expect("a port");
    let access = grant(&proxy, None);
    let secret = shown(&access.password);
    for (framing, body) in [
        ("", ""),
        ("Content-Length: 4\r\n", "body"),
        ("Transfer-Encoding: chunked\r\n", "4\r\nbody\r\n0\r\n\r\n"),
    ] {
        let (server, at) = stubborn().await;
        let first = format!("POST http://{at}/1 HTTP/1.1\r\nHost: {at}\r\n{secret}{framing}\r\n{body}");
        let second = format!("GET http://{at}/2 HTTP/1.1\r\nHost: {at}\r\n{secret}\r\n");
        let mut client = TcpStream::connect(access.address).await.expect("it listens");
        client.write_all(first.as_bytes()).await.expect("it reads");
        let (mut arrived, _) = server.accept().await.expect("it comes");
        let mut got = Vec::new();
        let whole = |got: &[u8]| {
            let text = String::from_utf8_lossy(got);
            text.split_once("\r\n\r\n").is_some_and(|(_, rest)| rest == body)
        };
        while !whole(&got) {
            assert_ne!(arrived.read_buf(&mut got).await.expect("it sends"), 0);
        }
        let reply = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok";
        arrived.write_all(reply.as_bytes()).await.expect("it reads");
        // The next request comes on the same connection.
        client.write_all(second.as_bytes()).await.expect("it is open");
        let mut answer = Vec::new();
        while !answer.ends_with(b"ok") {
            assert_ne!(client.read_buf(&mut answer).await.expect("it answers"), 0);
        }
        let answer = String::from_utf8_lossy(&answer).into_owned();
        assert!(
            answer.starts_with("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n"),
            "{answer}"
        );
        assert!(answer.contains("Connection: close"), "{answer}");
        assert!(!answer.contains("keep-alive"), "{answer}");
        // A server of HTTP ends the connection sooner or later; nothing of the second request came.
        arrived.shutdown().await.expect("it is open");
        assert_eq!(client.read(&mut [0]).await.unwrap_or(0), 0);
        drop(client);
        let rest = timeout(Duration::from_secs(10), arrived.read_to_end(&mut got)).await;
        let _cut_or_ended = rest.expect("it ends");
        let got = String::from_utf8_lossy(&got).into_owned();
        assert!(
            !got.contains("/2") && !got.contains("Proxy-Authorization"),
            "{got}"
        );
    }
}

#[tokio::test]
async fn a_body_without_a_clear_end_is_sent_to_nobody() {
    let _shared = shared().await;
    let other = Upstream::start().await;
    let proxy = ForwardProxy::start(Arc::new(SystemLookup)).await.expect("a port");
    let access = grant(&proxy, None);
    let request = format!(
        "POST http://{}/ HTTP/1.1\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        other.address()
    );
    let answer = through(&access, &request, &access.password).await;
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    assert_eq!(other.connections(), 0);
}

#[tokio::test]
async fn who_shows_no_password_takes_no_place_of_others_for_long() {
    let _shared = shared().await;
    let server = Upstream::start().await;
    server.on("/a", Reply::text(200, "hello"));
    let proxy = ForwardProxy::start(Arc::new(SystemLookup)).await.expect("a port");
    let access = grant(&proxy, None);
    // Another user of the machine, who says nothing.
    let mut silent = Vec::new();
    for _ in 0..300 {
        silent.push(
            TcpStream::connect(access.address)
                .await
                .expect("the kernel takes it"),
        );
    }
    let began = Instant::now();
    let request = format!("GET http://{}/a HTTP/1.1\r\nHost: h\r\n\r\n", server.address());
    drop(silent.split_off(31));
    let answer = timeout(
        Duration::from_secs(20),
        through(&access, &request, &access.password),
    )
    .await;
    assert!(answer.expect("in time").ends_with("hello"));
    assert!(
        began.elapsed() < Duration::from_secs(2),
        "one place was left: {:?}",
        began.elapsed()
    );
    // With all places taken it has to wait until the silent ones are cut.
    for _ in 0..40 {
        silent.push(
            TcpStream::connect(access.address)
                .await
                .expect("the kernel takes it"),
        );
    }
    let began = Instant::now();
    let answer = timeout(
        Duration::from_secs(20),
        through(&access, &request, &access.password),
    )
    .await;
    assert!(answer.expect("in time").ends_with("hello"));
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
}

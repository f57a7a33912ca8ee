//! Requests and programs that may reach public addresses only.
#![expect(clippy::disallowed_methods, reason = "the tests are the programs")]

use std::{
    collections::HashMap,
    io,
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use async_trait::async_trait;
use stoa_dispatch::{
    AddressPolicy, DispatchError, ForwardProxy, HttpOptions, HttpTransports, Lookup, Pool,
    PrivateAddressError, ProxyAccess, PublicOnly, Request, RequestBody, Task, TransportErrorKind, is_public,
};
use stoa_testing::{reply::Reply, upstream::Upstream};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::lab::{once, shared};

/// Names with the addresses of each lookup in turn; the last for all that follow.
#[derive(Debug, Default)]
struct Names {
    names: HashMap<&'static str, Vec<Vec<&'static str>>>,
    asked: AtomicUsize,
}

#[async_trait]
impl Lookup for Names {
    async fn lookup(&self, host: &str) -> io::Result<Vec<IpAddr>> {
        if let Ok(address) = host.parse() {
            return Ok(vec![address]);
        }
        let turn = self.asked.fetch_add(1, Ordering::SeqCst);
        let turns = self.names.get(host).ok_or(io::ErrorKind::NotFound)?;
        let turn = turns.get(turn).or(turns.last()).expect("an answer");
        Ok(turn
            .iter()
            .map(|text| text.parse().expect("an address"))
            .collect())
    }
}

fn names(names: &[(&'static str, &[&[&'static str]])]) -> Arc<Names> {
    let names = names
        .iter()
        .map(|(name, turns)| (*name, turns.iter().map(|turn| turn.to_vec()).collect()));
    Arc::new(Names {
        names: names.collect(),
        asked: AtomicUsize::new(0),
    })
}

fn pool(lookup: &Arc<Names>, proxy_hosts: &[&str]) -> Pool {
    let options = HttpOptions {
        lookup: Arc::clone(lookup) as _,
        proxy_hosts: proxy_hosts.iter().map(|host| (*host).to_owned()).collect(),
        ..HttpOptions::default()
    };
    Pool::builder(Arc::new(HttpTransports::new(options)))
        .settings(once())
        .start()
}

async fn ask(pool: &Pool, url: &str, public_only: bool) -> Result<u16, DispatchError> {
    let mut request = Request::new(RequestBody::empty());
    *request.uri_mut() = url.parse().expect("URL");
    if public_only {
        request.extensions_mut().insert(PublicOnly);
    }
    let response = pool.call(Task::ready(request).expect("a host")).await?;
    let status = response.status().as_u16();
    response.into_body().drain().await;
    Ok(status)
}

#[track_caller]
fn assert_private(result: Result<u16, DispatchError>) {
    match result {
        Err(DispatchError::Transport { error, .. }) => {
            assert_eq!(error.kind(), TransportErrorKind::Private, "{error}");
            assert!(error.to_string().contains("no public address"), "{error}");
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_name_that_leads_to_a_private_address_is_not_connected_to() {
    let _shared = shared().await;
    let server = Upstream::start().await;
    let port = server.address().port();
    let lookup = names(&[
        ("rebound.example", &[&["127.0.0.1"]]),
        (
            "mapped.example",
            &[&["::ffff:127.0.0.1", "::1", "0.0.0.0", "64:ff9b::7f00:1"]],
        ),
    ]);
    let pool = pool(&lookup, &[]);
    for host in [
        "rebound.example",
        "mapped.example",
        "127.0.0.1",
        "0.0.0.0",
        "[::1]",
        "[::ffff:7f00:1]",
    ] {
        assert_private(ask(&pool, &format!("http://{host}:{port}/"), true).await);
    }
    assert_eq!(server.connections(), 0, "nobody came");
    // Who is not marked may go there, and the marked one does not take its connection.
    let url = format!("http://rebound.example:{port}/");
    assert_eq!(ask(&pool, &url, false).await.expect("an answer"), 404);
    assert_private(ask(&pool, &url, true).await);
    assert_eq!((server.connections(), server.total()), (1, 1));
}

#[tokio::test]
async fn only_the_address_that_was_looked_at_is_connected_to() {
    let _shared = shared().await;
    let server = Upstream::start().await;
    // A second lookup, between the look and the connection, would find other addresses.
    let lookup = names(&[(
        "rebinds.example",
        &[&["192.0.2.1"], &["192.0.2.2"], &["127.0.0.1"]],
    )]);
    let pool = pool(&lookup, &[]);
    let url = format!("http://rebinds.example:{}/", server.address().port());
    assert_private(ask(&pool, &url, true).await);
    assert_private(ask(&pool, &url, true).await);
    assert_eq!(
        lookup.asked.load(Ordering::SeqCst),
        2,
        "one lookup for each request"
    );
    assert_eq!(server.connections(), 0, "nobody came");
}

#[tokio::test]
async fn the_proxy_of_the_environment_may_be_anywhere() {
    let _shared = shared().await;
    let server = Upstream::start().await;
    let lookup = names(&[("proxy.example", &[&["127.0.0.1"]])]);
    let url = format!("http://proxy.example:{}/", server.address().port());
    let pool = pool(&lookup, &["Proxy.example"]);
    assert_eq!(ask(&pool, &url, true).await.expect("an answer"), 404);
}

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
    let proxy = ForwardProxy::start(policy, lookup).await.expect("a port");
    let access = proxy.access();
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

//! Requests that may reach public addresses only.

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
    DispatchError, HttpOptions, HttpTransports, Lookup, Pool, PublicOnly, Request, RequestBody, Task,
    TransportErrorKind,
};
use stoa_testing::upstream::Upstream;

use crate::lab::{once, shared};

/// Names with the addresses of each lookup in turn; the last for all that follow.
#[derive(Debug, Default)]
pub(crate) struct Names {
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

pub(crate) fn names(names: &[(&'static str, &[&[&'static str]])]) -> Arc<Names> {
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

//! An etcd that dies, hangs, is replaced or is not there.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use async_trait::async_trait;
use bytes::Bytes;
use stoa_registry::{
    Change, Registration, Registry, RegistryError, Revision, Scope, Watch,
    etcd::{EtcdRegistry, HttpBody, HttpReply, Transport},
};
use stoa_testing::etcd::Etcd;
use tokio::time::timeout;
use url::Url;

use crate::{
    http::Http,
    place::{LONG, batch, client, next, node, nodes, open, options, proxy, short},
};

/// Answers that have begun can be hushed: what is said in them then goes nowhere, as behind a firewall that has forgotten a
/// connection.
#[derive(Clone, Debug, Default)]
struct Hushed(Arc<AtomicBool>);

#[derive(Debug)]
struct HushedBody {
    is_hushed: Arc<AtomicBool>,
    body: Box<dyn HttpBody>,
}

#[async_trait]
impl Transport for Hushed {
    async fn post(
        &self,
        url: &Url,
        headers: &[(&'static str, String)],
        body: Bytes,
        deadline: Duration,
    ) -> io::Result<HttpReply> {
        let reply = Http.post(url, headers, body, deadline).await?;
        if url.path() != "/v3/watch" {
            return Ok(reply);
        }
        let body = HushedBody {
            is_hushed: Arc::clone(&self.0),
            body: reply.body,
        };
        Ok(HttpReply {
            body: Box::new(body),
            ..reply
        })
    }
}

#[async_trait]
impl HttpBody for HushedBody {
    async fn next_chunk(&mut self) -> io::Result<Option<Bytes>> {
        let chunk = self.body.next_chunk().await;
        if self.is_hushed.load(Ordering::Relaxed) {
            std::future::pending::<()>().await;
        }
        chunk
    }
}

/// A port at which nobody listens.
fn dead() -> String {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    format!("http://{}", free.local_addr().unwrap())
}

#[tokio::test]
async fn one_that_is_killed_and_comes_back_goes_on() {
    let etcd = Etcd::start();
    let registry = client(&etcd);
    registry.register(&node("a"), LONG).await.unwrap();
    let at = registry.get(&proxy()).await.unwrap().revision;
    let mut watch = registry.watch(&Scope::All, at).await.unwrap();
    etcd.kill();
    let ended = next(&mut watch).await.unwrap_err();
    assert!(matches!(ended, RegistryError::Away { .. }), "{ended}");
    let error = registry.register(&node("a"), LONG).await.unwrap_err();
    assert!(matches!(error, RegistryError::Away { .. }), "{error}");
    assert!(error.to_string().contains(&etcd.port().to_string()), "{error}");
    etcd.restart();
    registry.register(&node("a"), LONG).await.unwrap();
    registry.register(&node("b"), LONG).await.unwrap();
    let mut watch = registry.watch(&Scope::All, at).await.unwrap();
    assert_eq!(
        batch(&mut watch).await,
        ["b"],
        "the heartbeat of a has written nothing"
    );
}

#[tokio::test]
async fn one_that_is_replaced_is_not_taken_for_the_first() {
    let etcd = Etcd::start();
    let registry = client(&etcd);
    registry.register(&node("a"), LONG).await.unwrap();
    let at = registry.get(&proxy()).await.unwrap().revision;
    etcd.replace();
    let mut watch = registry.watch(&Scope::All, at).await.unwrap();
    let told = next(&mut watch).await.unwrap();
    assert!(matches!(told, Change::Lost { .. }), "{told:?}");
    registry.register(&node("a"), LONG).await.unwrap();
    assert_eq!(nodes(&*registry).await, ["a"]);
}

#[tokio::test]
async fn one_that_hangs_is_away_in_bounded_time() {
    let etcd = Etcd::start();
    let registry = client(&etcd);
    let at = registry.get(&proxy()).await.unwrap().revision;
    let mut watch = registry.watch(&Scope::All, at).await.unwrap();
    etcd.freeze();
    let begun = Instant::now();
    let error = registry.register(&node("a"), LONG).await.unwrap_err();
    assert!(matches!(error, RegistryError::Away { .. }), "{error}");
    assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());
    let ended = next(&mut watch).await.unwrap_err();
    assert!(matches!(ended, RegistryError::Away { .. }), "{ended}");
    assert!(begun.elapsed() < Duration::from_secs(9), "{:?}", begun.elapsed());
    etcd.thaw();
    registry.register(&node("a"), LONG).await.unwrap();
}

#[tokio::test]
async fn one_of_two_is_enough() {
    let etcd = Etcd::start();
    let registry = open(options(&[dead(), etcd.url()]));
    registry.register(&node("a"), LONG).await.unwrap();
    let at = registry.get(&proxy()).await.unwrap().revision;
    let mut watch = registry.watch(&Scope::All, at).await.unwrap();
    registry.register(&node("b"), LONG).await.unwrap();
    assert_eq!(batch(&mut watch).await, ["b"]);
    let nobody = open(options(&[dead(), dead()]));
    let error = nobody.get(&proxy()).await.unwrap_err();
    assert!(matches!(error, RegistryError::Away { .. }), "{error}");
}

#[tokio::test]
async fn a_watch_whose_connection_says_nothing_is_found_out() {
    let etcd = Etcd::start();
    let hushed = Hushed::default();
    let registry = EtcdRegistry::new(options(&[etcd.url()]), Arc::new(hushed.clone())).unwrap();
    let direct = client(&etcd);
    direct.register(&node("a"), LONG).await.unwrap();
    let at = direct.get(&proxy()).await.unwrap().revision;
    let mut watch = registry.watch(&Scope::All, at).await.unwrap();
    // The count is asked for while nothing is amiss; what follows is a deletion, of which no key tells.
    let told = timeout(Duration::from_secs(6), watch.next()).await;
    assert_eq!(told.unwrap().unwrap(), Change::Bookmark { revision: at });
    hushed.0.store(true, Ordering::Relaxed);
    direct.deregister(&node("a")).await.unwrap();
    let begun = Instant::now();
    let ended = next(&mut watch).await.unwrap_err();
    assert!(matches!(ended, RegistryError::Away { .. }), "{ended}");
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn a_member_may_die_and_another_may_hang() {
    let etcds = Etcd::cluster(3);
    let urls: Vec<_> = etcds.iter().map(Etcd::url).collect();
    let registry = open(options(&urls));
    registry.register(&node("a"), LONG).await.unwrap();
    let mut at = registry.get(&proxy()).await.unwrap().revision;
    // The first one is the one that has answered so far.
    for (number, id) in [(0, "b"), (1, "c"), (2, "d")] {
        let mut watch = registry.watch(&Scope::All, at).await.unwrap();
        if number == 1 {
            etcds[number].freeze();
        } else {
            etcds[number].kill();
        }
        patiently(&*registry, &node(id)).await;
        let told = loop {
            match next(&mut watch).await {
                Ok(told) => break told,
                // It was listening to that member.
                Err(RegistryError::Away { .. }) => {
                    watch = patient_watch(&*registry, at).await;
                }
                Err(other) => panic!("{other}"),
            }
        };
        let Change::Batch { revision, events } = told else {
            panic!("nothing is lost: {told:?}");
        };
        assert_eq!(events.iter().map(short).collect::<Vec<_>>(), [id]);
        at = revision;
        if number == 1 {
            etcds[number].thaw();
        } else {
            etcds[number].restart();
        }
    }
    assert_eq!(nodes(&*registry).await, ["a", "b", "c", "d"]);
}

/// A cluster without its leader needs a moment to find another.
async fn patiently(registry: &dyn Registry, node: &Registration) {
    let begun = Instant::now();
    while let Err(error) = registry.register(node, LONG).await {
        assert!(begun.elapsed() < Duration::from_secs(30), "{error}");
    }
}

async fn patient_watch(registry: &dyn Registry, at: Revision) -> Box<dyn Watch> {
    let begun = Instant::now();
    loop {
        match registry.watch(&Scope::All, at).await {
            Ok(watch) => return watch,
            Err(error) => assert!(begun.elapsed() < Duration::from_secs(30), "{error}"),
        }
    }
}

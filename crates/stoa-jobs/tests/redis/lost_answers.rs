//! Answers that are lost on their way.

use std::time::Duration;

use stoa_jobs::{Finished, RedisOptions, RedisStore, Rules, StateName, Store as _, StoreError, Submitted};
use tokio::time::timeout;

use crate::{
    jobs::{LONG, claim, finish, job, look, same},
    proxy::Proxy,
    server::Server,
};

async fn open(proxy: &Proxy, server: &Server) -> RedisStore {
    let address = format!("redis://{}", proxy.address).parse().expect("an address");
    RedisStore::open(RedisOptions {
        address,
        ..server.options()
    })
    .await
    .expect("opens")
}

/// A word that only requests have which write a transaction: the hash of the script.
async fn hash_of(server: &Server, name: &str) -> String {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/redis/lua/");
    let read = |name: &str| std::fs::read_to_string(format!("{folder}{name}.lua")).expect("a script");
    let script = format!("{}\n{}\n", read("prelude"), read(name));
    server.ask(redis::cmd("SCRIPT").arg("LOAD").arg(script)).await
}

#[tokio::test]
async fn what_was_submitted_is_not_submitted_again() {
    let server = Server::start();
    let proxy = Proxy::to(&server.address()).await;
    let store = open(&proxy, &server).await;
    let commit = hash_of(&server, "commit").await;
    proxy.lose(&commit);
    let first = store
        .submit(vec![same("x", "f"), job("x")])
        .await
        .expect("submits");
    assert!(proxy.has_lost());
    assert!(matches!(first[0], Submitted::New(_)), "{first:?}");
    proxy.lose(&commit);
    let second = store.submit(vec![same("x", "f")]).await.expect("submits");
    assert!(proxy.has_lost());
    assert_eq!(second, [Submitted::Joined(first[0].id().clone())]);
    let joined = look(&store, first[0].id()).await;
    assert_eq!(joined.submitters.len(), 2, "each is remembered once");
    assert_eq!(store.counts().await.expect("counts")[&StateName::Ready], 2);
    store.close().await;
}

#[tokio::test]
async fn a_run_whose_end_was_stored_is_told_so() {
    let server = Server::start();
    let proxy = Proxy::to(&server.address()).await;
    let store = open(&proxy, &server).await;
    let commit = hash_of(&server, "commit").await;
    let id = store.submit(vec![job("x")]).await.expect("submits")[0]
        .id()
        .clone();
    let running = claim(&store, 1, LONG).await.expect("claims").remove(0);
    proxy.lose(&commit);
    assert_eq!(
        finish(&store, &running).await.expect("finishes"),
        Finished::Stored
    );
    assert!(proxy.has_lost());
    assert_eq!(look(&store, &id).await.attempts.len(), 1);
    assert_eq!(finish(&store, &running).await.expect("finishes"), Finished::Stale);
    store.close().await;
}

#[tokio::test]
async fn jobs_that_were_claimed_are_given_again() {
    let server = Server::start();
    let proxy = Proxy::to(&server.address()).await;
    let store = open(&proxy, &server).await;
    let script = hash_of(&server, "claim").await;
    store.submit(vec![job("x"); 8]).await.expect("submits");
    proxy.lose(&script);
    let first = claim(&store, 5, LONG).await.expect("claims");
    assert!(proxy.has_lost());
    let second = claim(&store, 5, LONG).await.expect("claims");
    assert_eq!((first.len(), second.len()), (5, 3));
    assert!(
        first
            .iter()
            .chain(&second)
            .all(|job| job.lease().is_some_and(|lease| lease.epoch == 1))
    );
    store.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_claimed_for_nobody_is_given_back() {
    let server = Server::start();
    let store = server.open(Rules::default(), "p").await;
    store.submit(vec![job("x"); 200]).await.expect("submits");
    let mut arrived = 0;
    for number in 0..100 {
        let patience = Duration::from_micros(number * 20);
        if let Ok(claimed) = timeout(patience, claim(&store, 1, LONG)).await {
            arrived += claimed.expect("claims").len();
        }
    }
    // It waits for what is under way.
    store.close().await;
    let other = server.open(Rules::default(), "p").await;
    let counts = other.counts().await.expect("counts");
    assert_eq!(counts[&StateName::Running], arrived as u64);
    let given_back = other.last_event().await.expect("looks").0;
    assert!(
        given_back > 200 + arrived as u64,
        "some were given back: {given_back}, {arrived}"
    );
    other.close().await;
}

#[tokio::test]
async fn the_end_of_a_run_is_known_also_after_a_failure() {
    let server = Server::start();
    let proxy = Proxy::to(&server.address()).await;
    let store = open(&proxy, &server).await;
    let commit = hash_of(&server, "commit").await;
    store.submit(vec![job("x")]).await.expect("submits");
    let running = claim(&store, 1, LONG).await.expect("claims").remove(0);
    proxy.lose_and_break(&commit);
    let error = finish(&store, &running)
        .await
        .expect_err("nobody answers any more");
    assert!(matches!(error, StoreError::Away(_)), "{error:?}");
    assert!(proxy.has_lost());
    proxy.mend();
    assert_eq!(
        finish(&store, &running).await.expect("finishes"),
        Finished::Stored
    );
    assert_eq!(
        finish(&store, &running).await.expect("finishes"),
        Finished::Stale,
        "only once"
    );
    store.close().await;
}

//! What a watch tells of transactions, leases and compactions.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use std::time::Duration;
use stoa_registry::{Change, Registration, Revision, Scope};
use stoa_testing::etcd::Etcd;

use crate::place::{LONG, PREFIX, batch, client, next, node, nodes, proxy};

fn put(registration: &Registration, lease: Option<&str>) -> Value {
    let key = format!("{PREFIX}{}/{}", registration.service, registration.node.id);
    let value = registration.to_json().unwrap();
    let (key, value) = (STANDARD.encode(key), STANDARD.encode(value));
    json!({ "request_put": { "key": key, "value": value, "lease": lease.unwrap_or("0") } })
}

fn put_together(etcd: &Etcd, ids: &[&str], lease: Option<&str>) {
    let puts: Vec<_> = ids.iter().map(|id| put(&node(id), lease)).collect();
    let answer = etcd.ask("/v3/kv/txn", &json!({ "success": puts }));
    assert_eq!(answer["succeeded"], true, "{answer}");
}

#[tokio::test]
async fn one_transaction_is_one_batch_also_for_who_comes_later() {
    let etcd = Etcd::start();
    let registry = client(&etcd);
    let start = registry.get(&proxy()).await.unwrap().revision;
    let mut live = registry.watch(&Scope::All, start).await.unwrap();
    put_together(&etcd, &["a", "b", "c"], None);
    etcd.put(&format!("{PREFIX}proxy/strange"), "nothing that can be read");
    etcd.delete(&format!("{PREFIX}proxy/"));
    let mut late = registry.watch(&Scope::Service(proxy()), start).await.unwrap();
    for watch in [&mut live, &mut late] {
        assert_eq!(batch(watch).await, ["a", "b", "c"]);
        assert_eq!(batch(watch).await, ["-strange"]);
        assert_eq!(batch(watch).await, ["-a", "-b", "-c", "-strange"]);
    }
}

#[tokio::test]
async fn the_end_of_a_lease_of_three_is_one_batch() {
    let etcd = Etcd::start();
    let registry = client(&etcd);
    let start = registry.get(&proxy()).await.unwrap().revision;
    let mut watch = registry.watch(&Scope::All, start).await.unwrap();
    let lease = etcd.ask("/v3/lease/grant", &json!({ "TTL": 1 }));
    put_together(&etcd, &["a", "b", "c"], lease["ID"].as_str());
    assert_eq!(batch(&mut watch).await, ["a", "b", "c"]);
    let mut gone = batch(&mut watch).await;
    gone.sort();
    assert_eq!(gone, ["-a", "-b", "-c"]);
}

#[tokio::test]
async fn heartbeats_write_nothing_and_bring_back_what_was_deleted() {
    let etcd = Etcd::start();
    let registry = client(&etcd);
    for id in ["a", "b"] {
        registry.register(&node(id), LONG).await.unwrap();
    }
    let before = etcd.revision();
    for id in ["a", "b"] {
        registry.register(&node(id), LONG).await.unwrap();
    }
    assert_eq!(etcd.revision(), before);
    etcd.delete(PREFIX);
    assert!(nodes(&*registry).await.is_empty());
    for id in ["a", "b"] {
        registry.register(&node(id), LONG).await.unwrap();
    }
    assert_eq!(nodes(&*registry).await, ["a", "b"]);
}

#[tokio::test]
async fn a_lease_that_somebody_ended_is_replaced() {
    let etcd = Etcd::start();
    let registry = client(&etcd);
    registry.register(&node("a"), LONG).await.unwrap();
    let leases = etcd.ask("/v3/lease/leases", &json!({}));
    let ended = etcd.ask("/v3/lease/revoke", &json!({ "ID": leases["leases"][0]["ID"] }));
    assert!(ended["error"].is_null(), "{ended}");
    assert!(nodes(&*registry).await.is_empty());
    registry.register(&node("a"), LONG).await.unwrap();
    assert_eq!(nodes(&*registry).await, ["a"]);
    registry.deregister(&node("a")).await.unwrap();
    let leases = etcd.ask("/v3/lease/leases", &json!({}));
    assert!(leases["leases"].is_null(), "no lease is left: {leases}");
}

#[tokio::test]
async fn who_finds_an_id_taken_leaves_no_lease() {
    let etcd = Etcd::start();
    let (registry, other) = (client(&etcd), client(&etcd));
    registry.register(&node("a"), LONG).await.unwrap();
    let mut second = node("a");
    second.instance = stoa_registry::InstanceId::from_number(9);
    second.node.address = "http://elsewhere.test".to_owned();
    for _ in 0..3 {
        other.register(&second, LONG).await.unwrap_err();
    }
    let leases = etcd.ask("/v3/lease/leases", &json!({}));
    assert_eq!(leases["leases"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_listing_of_many_pages_is_of_one_state() {
    let etcd = Etcd::start();
    let registry = client(&etcd);
    let ids: Vec<_> = (100..300).map(|number| format!("n{number}")).collect();
    for some in ids.chunks(50) {
        let some: Vec<_> = some.iter().map(String::as_str).collect();
        put_together(&etcd, &some, None);
    }
    // Half of an answer's bound, and none of it a registration.
    for id in ["x", "y"] {
        etcd.put(&format!("{PREFIX}proxy/{id}"), &"x".repeat(1_400_000));
    }
    let listing = registry.get(&proxy()).await.unwrap();
    assert_eq!(listing.entries.len(), 200);
    assert_eq!(listing.revision, Revision(etcd.revision()));
    assert_eq!(registry.list().await.unwrap(), [proxy()]);
    // More than one page of names, and many pages of values.
    for page in 0..11 {
        let value = STANDARD.encode("x".repeat(14_000));
        let puts: Vec<_> = (0..100)
            .map(|number| {
                let key = STANDARD.encode(format!("{PREFIX}full/n{page}.{number}"));
                json!({ "request_put": { "key": key, "value": value } })
            })
            .collect();
        let answer = etcd.ask("/v3/kv/txn", &json!({ "success": puts }));
        assert_eq!(answer["succeeded"], true, "{answer}");
    }
    assert_eq!(registry.list().await.unwrap(), ["full".parse().unwrap(), proxy()]);
    assert_eq!(registry.get(&"full".parse().unwrap()).await.unwrap().entries, []);
}

#[tokio::test]
async fn a_watch_over_a_compacted_history_is_lost() {
    let etcd = Etcd::start();
    let registry = client(&etcd);
    let start = registry.get(&proxy()).await.unwrap().revision;
    for id in ["a", "b"] {
        registry.register(&node(id), LONG).await.unwrap();
    }
    etcd.compact();
    let mut watch = registry.watch(&Scope::All, start).await.unwrap();
    let told = next(&mut watch).await.unwrap();
    assert!(matches!(told, Change::Lost { .. }), "{told:?}");
    watch.next().await.unwrap_err();
}

#[tokio::test]
async fn a_compaction_takes_nothing_from_a_watch_that_reads_late() {
    let etcd = Etcd::start();
    let registry = client(&etcd);
    let start = registry.get(&proxy()).await.unwrap().revision;
    let mut watch = registry.watch(&Scope::All, start).await.unwrap();
    // Nobody asks the watch meanwhile, and more comes than waits in it.
    for number in 0..300 {
        let mut changed = node("a");
        changed.version = number.to_string();
        registry.register(&changed, LONG).await.unwrap();
    }
    etcd.compact();
    let mut versions = Vec::new();
    while versions.last().is_none_or(|last| last != "299") {
        match next(&mut watch).await.unwrap() {
            Change::Batch { events, .. } => {
                for event in events {
                    let stoa_registry::Event::Put(entry) = event else {
                        panic!("{event:?}");
                    };
                    versions.push(entry.registration.version);
                }
            }
            other => panic!("{other:?}"),
        }
    }
    let want: Vec<_> = (0..300).map(|number| number.to_string()).collect();
    assert_eq!(versions, want);
}

#[tokio::test]
async fn a_bookmark_says_what_was_told_and_no_more() {
    let etcd = Etcd::start();
    let registry = client(&etcd);
    let start = registry.get(&proxy()).await.unwrap().revision;
    let mut watch = registry.watch(&Scope::All, start).await.unwrap();
    // Others write elsewhere.
    etcd.put("/elsewhere", "x");
    let told = tokio::time::timeout(Duration::from_secs(6), watch.next()).await;
    assert_eq!(told.unwrap().unwrap(), Change::Bookmark { revision: start });
    registry.register(&node("a"), LONG).await.unwrap();
    assert_eq!(batch(&mut watch).await, ["a"]);
}

#[tokio::test]
async fn what_etcd_says_in_the_stream_moves_a_bookmark() {
    let etcd = Etcd::with(&["--experimental-watch-progress-notify-interval", "1s"]);
    let registry = client(&etcd);
    registry.register(&node("a"), LONG).await.unwrap();
    let start = registry.get(&proxy()).await.unwrap().revision;
    let mut watch = registry.watch(&Scope::All, start).await.unwrap();
    etcd.put("/elsewhere", "x");
    etcd.put("/elsewhere", "y");
    let now = Revision(etcd.revision());
    let mut at = start;
    while at < now {
        let told = tokio::time::timeout(Duration::from_secs(6), watch.next()).await;
        let Change::Bookmark { revision } = told.unwrap().unwrap() else {
            panic!("nothing has changed");
        };
        at = revision;
    }
    assert_eq!(at, now);
    // What was before it may be forgotten.
    etcd.compact();
    drop(watch);
    let mut watch = registry.watch(&Scope::All, at).await.unwrap();
    registry.register(&node("b"), LONG).await.unwrap();
    assert_eq!(batch(&mut watch).await, ["b"]);
}

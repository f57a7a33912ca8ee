//! Whether nodes reach one another, and say so.

use std::time::{Duration, Instant};

use serde_json::Value;
use stoa_testing::{etcd::Etcd, fixtures::ModuleFixture, redis::Redis};
use tokio::time::sleep;

use crate::nodes::{Backing, Cluster, Node, TTL, free_address};

fn node<'a>(status: &'a Value, id: &str) -> &'a Value {
    let nodes = status["nodes"].as_array().unwrap();
    nodes.iter().find(|node| node["id"] == id).unwrap_or(&Value::Null)
}

/// A node of a list that died stays in it; nobody asks it anything, and all say that it is not reached, for as long as it is so.
#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_died_is_not_reached_until_it_is() {
    let mut cluster = Cluster::start(Backing::Static, 3).await;
    cluster.node_mut("c").process.kill9();
    for id in ["a", "b"] {
        let found = cluster
            .until(id, "c is not reached", |status| {
                node(status, "c")["reached"] == "no"
            })
            .await;
        println!("{id} has found out after {found:?}");
        assert!(found < Duration::from_secs(6), "{found:?}");
    }
    // Time makes nobody reached.
    let until = Instant::now() + Duration::from_secs(8);
    while Instant::now() < until {
        assert_eq!(cluster.seen("a", "c").await["reached"], "no");
        sleep(Duration::from_millis(100)).await;
    }
    assert!((cluster.metric("a", "stoa_cluster_nodes_down").await - 1.0).abs() < 0.1);
    let ready = cluster.get("a", "/readyz").await;
    assert_eq!(
        ready.text(),
        "ready\ncluster: a, as it is given\ncluster: 1 of 2 other nodes reached, not c\n"
    );
    let told = cluster.node("a").process.wait_for_log("is not reached");
    assert!(told.contains("node=c") || told.contains("\"c\""), "{told}");
    let listed = cluster.cli("a", &["cluster", "ls"]);
    assert!(listed.stderr.contains("c is not reached: "), "{listed:?}");
    // What it owns is done by somebody else meanwhile, and that is said.
    let mut key = 0;
    while cluster.order("a", &format!("example.com/m{key}@v1.0.0")).await[0] != "c" {
        key += 1;
    }
    let key = format!("example.com/m{key}@v1.0.0");
    let order = cluster.order("a", &key).await;
    let owner = cluster.cli("a", &["cluster", "owner", &key]);
    assert_eq!(owner.stdout, "c\n");
    assert_eq!(
        owner.stderr.lines().last().unwrap(),
        format!("c is not reached: {} does it meanwhile", order[1])
    );
    cluster.restart("c");
    let began = Instant::now();
    cluster.all_reach().await;
    println!("reached again after {:?}", began.elapsed());
    assert!(began.elapsed() < Duration::from_secs(4), "{:?}", began.elapsed());
    cluster.node("a").process.wait_for_log("is reached again");
    assert!(cluster.metric("a", "stoa_cluster_nodes_down").await < 0.1);
    let output = cluster.node("a").process.output();
    assert_eq!(output.matches("is not reached").count(), 1, "told once");
}

/// A node that announces an address which leads to nobody, and one with another secret.
#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_cannot_be_reached_is_found_out_before_anybody_asks_it() {
    let mut cluster = Cluster::start(Backing::Etcd(Etcd::start()), 2).await;
    let (door, nowhere) = (free_address("127.0.0.13"), free_address("127.0.0.95"));
    let storage = cluster.storage("lost");
    let command = cluster.command("lost", &nowhere, &[], &storage);
    let process = command.listen(&door).start();
    cluster.nodes.push(Node {
        id: "lost".to_owned(),
        address: door,
        process,
    });
    let warned = cluster.node("lost").process.wait_for_log("does not lead here");
    assert!(
        warned.contains("peer.advertise") && warned.contains(&nowhere),
        "{warned}"
    );
    let ready = cluster.get("lost", "/readyz").await;
    let line = format!(
        "cluster: announced as lost, but http://{nowhere} does not lead here: correct peer.advertise\n"
    );
    assert!(
        ready.status == 200 && ready.text().contains(&line),
        "{}",
        ready.text()
    );
    assert!(cluster.metric("lost", "stoa_cluster_advertise_ok").await < 0.1);
    assert!(cluster.metric("a", "stoa_cluster_advertise_ok").await > 0.9);
    for id in ["a", "b"] {
        cluster
            .until(id, "it is not reached", |status| {
                node(status, "lost")["reached"] == "no"
            })
            .await;
    }
    let secret = cluster.directory.path().join("other");
    std::fs::write(&secret, "not the secret of this cluster\n").unwrap();
    let stranger = free_address("127.0.0.14");
    let storage = cluster.storage("stranger");
    let command = cluster.command("stranger", &stranger, &[], &storage);
    let command = command.env("STOA_PEER_SECRET_FILE", secret.to_str().unwrap());
    let _process = command.start();
    cluster
        .until("a", "it is refused", |status| {
            node(status, "stranger")["reached"] == "refused"
        })
        .await;
    let listed = cluster.cli("a", &["cluster", "ls"]);
    assert!(
        listed
            .stderr
            .contains("stranger is not reached: the peer does not have the same secret"),
        "{listed:?}"
    );
    let told = cluster
        .node("a")
        .process
        .wait_for_log("look at its peer.advertise and peer.secret_file");
    assert!(told.contains("same secret"), "{told}");
}

/// A node that was killed comes back at another address: it waits for its old place to run out, and goes on.
#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_moved_goes_on() {
    for backing in [Backing::Etcd(Etcd::start()), Backing::Redis(Redis::start())] {
        let mut cluster = Cluster::start(backing, 2).await;
        let name = cluster.backing.name();
        for round in 0..2 {
            cluster.node_mut("a").process.kill9();
            let moved = free_address(&format!("127.0.0.{}", 31 + round));
            let storage = cluster.storage("a");
            let process = cluster.command("a", &moved, &[], &storage).start();
            let began = Instant::now();
            let node = cluster.node_mut("a");
            (node.address, node.process) = (moved, process);
            cluster
                .until("a", "it is announced", |status| status["standing"] == "announced")
                .await;
            println!("{name}: announced after {:?} (ttl {TTL:?})", began.elapsed());
            assert!(
                began.elapsed() < TTL + Duration::from_secs(4),
                "{:?}",
                began.elapsed()
            );
            sleep(Duration::from_secs(3)).await;
            assert_eq!(cluster.get("a", "/readyz").await.status, 200, "it stays");
            cluster.all_reach().await;
        }
    }
}

/// How many lanes to other nodes a node has, and how many failures they count.
async fn failed(cluster: &Cluster, id: &str) -> (usize, u64) {
    let lanes = cluster.api(id, "GET", "lanes").await.1;
    let lanes = lanes["lanes"].as_array().unwrap().iter();
    let lanes = lanes.filter(|lane| {
        lane["lane"]
            .as_str()
            .is_some_and(|name| name.starts_with("peer="))
    });
    let failed: Vec<_> = lanes
        .map(|lane| lane["counts"]["failed"].as_u64().unwrap())
        .collect();
    (failed.len(), failed.iter().sum())
}

/// That a node does not have something is an answer: no lane counts it as a failure, and the metric says what it is.
#[tokio::test(flavor = "multi_thread")]
async fn what_another_node_does_not_have_is_no_failure() {
    let cluster = Cluster::start(Backing::Static, 3).await;
    let all: Vec<_> = (0..20)
        .map(|n| ModuleFixture::new(&format!("example.com/m{n}"), "v1.0.0").file("a.go", "package a\n"))
        .collect();
    cluster.upstream.modules(&all);
    // A node may have knocked before the other one was there.
    let (ids, mut before) = (["a", "b", "c"], Vec::new());
    for id in ids {
        before.push(failed(&cluster, id).await.1);
    }
    for module in &all {
        assert_eq!(cluster.get("a", &module.url_path("zip")).await.status, 200);
        let missing = module.url_path("zip").replace("v1.0.0", "v1.9.9");
        assert_eq!(cluster.get("a", &missing).await.status, 404);
    }
    for (id, before) in ids.into_iter().zip(before) {
        let (lanes, failed) = failed(&cluster, id).await;
        assert!(lanes >= 2, "{id} has asked the others");
        assert_eq!(failed, before, "{id}");
    }
    let absent = cluster
        .metric(
            "a",
            r#"stoa_peer_questions_total{about="stored",result="absent"}"#,
        )
        .await;
    assert!(absent >= 1.0, "{absent}");
}

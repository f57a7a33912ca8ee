//! Nodes that an operator drains.

use std::time::Duration;

use serde_json::Value;
use stoa_testing::{etcd::Etcd, fixtures::ModuleFixture, redis::Redis};

use crate::nodes::{Backing, Cluster};

fn both() -> [Backing; 2] {
    [
        Backing::Etcd(Etcd::start()),
        // What it has confirmed outlives its process.
        Backing::Redis(Redis::with(&["--appendonly", "yes", "--appendfsync", "always"])),
    ]
}

fn is(state: &'static str, id: &'static str) -> impl Fn(&Value) -> bool {
    move |status| {
        let nodes = status["nodes"].as_array().unwrap();
        nodes
            .iter()
            .any(|node| node["id"] == id && node["state"] == state)
    }
}

/// Modules that this node owns.
async fn owned_by(cluster: &Cluster, id: &str) -> Vec<ModuleFixture> {
    let mut owned = Vec::new();
    for n in 0..60 {
        let path = format!("example.com/m{n}");
        if cluster.order("a", &format!("{path}@v1.0.0")).await[0] == id {
            owned.push(ModuleFixture::new(&path, "v1.0.0").file("a.go", "package a\n"));
        }
    }
    owned
}

/// While the registry is away, a node that is drained knows it at once, and tells whoever asks it.
#[tokio::test(flavor = "multi_thread")]
async fn a_node_is_drained_while_the_registry_is_away() {
    for backing in both() {
        let cluster = Cluster::start(backing, 3).await;
        let name = cluster.backing.name();
        let owned = owned_by(&cluster, "c").await;
        cluster.upstream.modules(&owned);
        cluster.backing.kill();
        let drained = cluster.cli("a", &["cluster", "drain", "c"]);
        assert_eq!(
            (drained.code, drained.stdout.as_str()),
            (Some(0), "c is draining\n"),
            "{drained:?}"
        );
        assert!(
            drained
                .stderr
                .contains("the others learn of it when the registry answers again"),
            "{name}: {drained:?}"
        );
        for id in ["c", "a", "b"] {
            let heard = cluster.until(id, "c drains", is("draining", "c")).await;
            println!("{name}: {id} has heard of it after {heard:?}");
            assert!(heard < Duration::from_secs(4), "{heard:?}");
        }
        let ready = cluster.get("c", "/readyz").await;
        assert!(
            ready.status == 200 && ready.text().contains("; draining\n"),
            "{}",
            ready.text()
        );
        let zip = owned[0].url_path("zip");
        let path = zip.split("/@v/").next().unwrap().trim_start_matches('/');
        for id in ["a", "b", "c"] {
            let order = cluster.order(id, &format!("{path}@v1.0.0")).await;
            assert!(!order.contains(&"c".to_owned()), "{name} {id}: {order:?}");
        }
        for module in &owned {
            for id in ["c", "a", "b"] {
                assert_eq!(cluster.get(id, &module.url_path("zip")).await.status, 200);
            }
        }
        let fetches = cluster.upstream.total();
        assert_eq!(fetches, owned.len(), "{name}: each by another node");
        let own = cluster
            .metric("c", r#"stoa_owner_fetches_total{role="owner"}"#)
            .await;
        assert!(own < 0.1, "{name}: c has fetched {own}");
        cluster.backing.restart();
        for id in ["c", "a", "b"] {
            cluster
                .until(id, "it is back", |status| {
                    status["source"] == "watched" && is("draining", "c")(status)
                })
                .await;
        }
        cluster
            .until("c", "it is announced", |status| status["standing"] == "announced")
            .await;
        let back = cluster.cli("b", &["cluster", "drain", "c", "--off"]);
        assert_eq!(
            (back.code, back.stdout.as_str(), back.stderr.as_str()),
            (Some(0), "c is ready\n", "")
        );
        cluster.until("a", "c is ready", is("ready", "c")).await;
    }
}

/// A node that was killed while it was drained is still drained; one that has left is not.
#[tokio::test(flavor = "multi_thread")]
async fn a_drained_node_that_crashes_stays_drained() {
    for backing in both() {
        let mut cluster = Cluster::start(backing, 2).await;
        let drained = cluster.cli("b", &["cluster", "drain", "b"]);
        assert_eq!((drained.code, drained.stderr.as_str()), (Some(0), ""));
        cluster.until("a", "b drains", is("draining", "b")).await;
        cluster.node_mut("b").process.kill9();
        cluster.restart("b");
        cluster
            .node("b")
            .process
            .wait_for_log("was drained when it ended");
        cluster
            .until("b", "it is announced", |status| status["standing"] == "announced")
            .await;
        for id in ["a", "b"] {
            cluster.until(id, "b drains", is("draining", "b")).await;
        }
        let all = cluster.cli("b", &["cluster", "drain", "a"]);
        assert_eq!(all.code, Some(0));
        let nobody = cluster.cli("b", &["cluster", "owner", "example.com/a@v1.0.0"]);
        assert_eq!((nobody.stdout.as_str(), nobody.code), ("-\n", Some(0)));
        assert!(nobody.stderr.contains("no node is ready"), "{nobody:?}");
        let status = cluster
            .node_mut("b")
            .process
            .sigterm_and_wait(Duration::from_secs(20));
        assert_eq!(status.code(), Some(0));
        cluster.restart("b");
        cluster.until("a", "b is ready", is("ready", "b")).await;
    }
}

//! What happens on the way between nodes.

use std::time::Duration;

use stoa_testing::fixtures::ModuleFixture;

use crate::{
    nodes::{Backing, Cluster, Node, free_address},
    wire::{Wire, send},
};

/// Two nodes whose ways to one another are wires.
async fn wired() -> (Cluster, [Wire; 2]) {
    let mut cluster = Cluster::start(Backing::Static, 0).await;
    let ids = ["a", "b"];
    let doors = ["127.0.0.11", "127.0.0.12"].map(free_address);
    let wires = [
        Wire::lay("127.0.0.11", &doors[0]),
        Wire::lay("127.0.0.12", &doors[1]),
    ];
    let places = [0, 1].map(|at| (ids[at].to_owned(), wires[at].address.clone()));
    for (at, door) in doors.into_iter().enumerate() {
        let (id, storage) = (ids[at].to_owned(), cluster.storage(ids[at]));
        let command = cluster.command(&id, &wires[at].address, &places, &storage);
        let process = command.listen(&door).start();
        cluster.nodes.push(Node {
            id,
            address: door,
            process,
        });
    }
    cluster.all_see(2).await;
    cluster.all_reach().await;
    (cluster, wires)
}

fn modules(count: usize) -> Vec<ModuleFixture> {
    let module = |n| ModuleFixture::new(&format!("example.com/m{n}"), "v1.0.0").file("a.go", "package a\n");
    (0..count).map(module).collect()
}

/// C16: the network between two nodes is cut. Both go on for their clients, and meet again.
#[tokio::test(flavor = "multi_thread")]
async fn a_cut_network_makes_two_clusters_and_one_again() {
    let (cluster, wires) = wired().await;
    let all = modules(40);
    cluster.upstream.modules(&all);
    for module in &all[..10] {
        for id in ["a", "b"] {
            assert_eq!(cluster.get(id, &module.url_path("zip")).await.status, 200);
        }
    }
    assert_eq!(cluster.upstream.total(), 10, "one cluster fetches once");
    wires.iter().for_each(Wire::cut);
    let mut slowest = Duration::ZERO;
    for module in &all[10..20] {
        for id in ["a", "b"] {
            let began = std::time::Instant::now();
            assert_eq!(cluster.get(id, &module.url_path("zip")).await.status, 200, "{id}");
            slowest = slowest.max(began.elapsed());
        }
    }
    let fetched = cluster.upstream.total() - 10;
    println!("cut: {fetched} fetches of 10 modules by two nodes, the slowest answer after {slowest:?}");
    assert_eq!(fetched, 20, "each part fetches once");
    assert!(slowest < Duration::from_secs(6), "{slowest:?}");
    for (id, other) in [("a", "b"), ("b", "a")] {
        cluster
            .until(id, "the other one is not reached", |status| {
                let nodes = status["nodes"].as_array().unwrap();
                nodes
                    .iter()
                    .any(|node| node["id"] == other && node["reached"] == "no")
            })
            .await;
        let ready = cluster.get(id, "/readyz").await;
        assert_eq!(ready.status, 200);
        assert!(
            ready
                .text()
                .contains(&format!("0 of 1 other nodes reached, not {other}")),
            "{}",
            ready.text()
        );
        let log = cluster.node(id).process.wait_for_log("is not reached");
        assert!(log.contains(other), "{log}");
    }
    wires.iter().for_each(Wire::mend);
    let began = std::time::Instant::now();
    cluster.all_reach().await;
    println!("mended: reached again after {:?}", began.elapsed());
    assert!(began.elapsed() < Duration::from_secs(8), "{:?}", began.elapsed());
    let before = cluster.upstream.total();
    for module in &all[20..] {
        for id in ["a", "b"] {
            assert_eq!(cluster.get(id, &module.url_path("zip")).await.status, 200);
        }
    }
    assert_eq!(cluster.upstream.total() - before, 20, "one cluster again");
}

/// C17: what one node has really signed and sent is answered once, and a changed copy never.
#[tokio::test(flavor = "multi_thread")]
async fn a_question_that_somebody_has_recorded_is_answered_once() {
    let (cluster, wires) = wired().await;
    let all = modules(8);
    cluster.upstream.modules(&all);
    for module in &all {
        assert_eq!(cluster.get("a", &module.url_path("zip")).await.status, 200);
    }
    let asked = wires[1].requests("\"module\"");
    assert!(!asked.is_empty(), "a has asked b for something");
    let fetched = cluster.upstream.total();
    let door = &cluster.node("b").address;
    for request in &asked {
        let (status, answer) = send(door, request);
        assert_eq!(status, 409, "{answer}");
        assert!(
            answer.to_ascii_lowercase().contains("stoa-peer-refused: "),
            "{answer}"
        );
    }
    // A number that was not used yet, which needs another code.
    let text = String::from_utf8(asked[0].clone()).unwrap();
    let start = text.find("stoa-peer-sequence: ").unwrap() + "stoa-peer-sequence: ".len();
    let end = start + text[start..].find('\r').unwrap();
    let later = format!("{}9{}", &text[..start], &text[start..]);
    let other = text.replacen("example.com/m", "example.com/n", 1);
    assert_ne!(other, text);
    println!(
        "{} recorded questions, the first of number {}",
        asked.len(),
        &text[start..end]
    );
    for forged in [later, other] {
        let (status, answer) = send(door, forged.as_bytes());
        assert!(matches!(status, 403 | 409), "{answer}");
    }
    let knocks = wires[1].requests("\"knock\"");
    assert_eq!(send(door, &knocks[0]).0, 409, "a knock is no exception");
    assert_eq!(
        cluster.upstream.total(),
        fetched,
        "nothing was fetched for any of them"
    );
}

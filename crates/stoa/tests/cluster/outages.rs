//! Registries that go away, are emptied, and nodes that die.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use serde_json::Value;
use stoa_testing::{etcd::Etcd, fixtures::ModuleFixture, http, redis::Redis};
use tokio::{task::JoinSet, time::sleep};

use crate::nodes::{Backing, Cluster, TTL};

fn both() -> [Backing; 2] {
    [
        Backing::Etcd(Etcd::start()),
        // What it has confirmed outlives its process.
        Backing::Redis(Redis::with(&["--appendonly", "yes", "--appendfsync", "always"])),
    ]
}

fn modules(count: usize) -> Vec<ModuleFixture> {
    let module = |n| ModuleFixture::new(&format!("example.com/m{n}"), "v1.0.0").file("a.go", "package a\n");
    (0..count).map(module).collect()
}

fn ids(status: &Value) -> Vec<String> {
    let nodes = status["nodes"].as_array().unwrap().iter();
    nodes
        .map(|node| node["id"].as_str().unwrap().to_owned())
        .collect()
}

/// The longest of the fastest ninety-nine hundredths.
fn p99(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() * 99 / 100]
}

/// Asks hits of all nodes for a while, from eight clients; how long each took, and how many failed.
async fn load(cluster: &Cluster, path: &str, time: Duration) -> (Vec<Duration>, usize) {
    let stop = Arc::new(AtomicBool::new(false));
    let mut clients = JoinSet::new();
    for client in 0..8 {
        let stop = Arc::clone(&stop);
        let node = &cluster.nodes[client % cluster.nodes.len()];
        let url = format!("http://{}{path}", node.address);
        clients.spawn(async move {
            let (mut times, mut failed) = (Vec::new(), 0);
            while !stop.load(Ordering::Relaxed) {
                let began = Instant::now();
                let is_good = http::get(&url).await.is_ok_and(|answer| answer.status == 200);
                times.push(began.elapsed());
                failed += usize::from(!is_good);
                sleep(Duration::from_millis(5)).await;
            }
            (times, failed)
        });
    }
    sleep(time).await;
    stop.store(true, Ordering::Relaxed);
    let mut all = (Vec::new(), 0);
    while let Some(ended) = clients.join_next().await {
        let (times, failed) = ended.unwrap();
        all.0.extend(times);
        all.1 += failed;
    }
    all
}

/// C4, C5: the registry goes away under load, a node starts without it, and it comes back.
#[tokio::test(flavor = "multi_thread")]
async fn a_registry_that_is_away_costs_nobody_anything() {
    let away = stoa_testing::go::environment("STOA_ENDURE_SECONDS");
    let away: u64 = away.map_or(12, |text| text.parse().unwrap());
    for backing in both() {
        let mut cluster = Cluster::start(backing, 3).await;
        let name = cluster.backing.name();
        let all = modules(40);
        cluster.upstream.modules(&all);
        let hit = all[0].url_path("mod");
        for id in ["a", "b", "c"] {
            assert_eq!(cluster.get(id, &hit).await.status, 200);
        }
        let (before, failed) = load(&cluster, &hit, Duration::from_secs(3)).await;
        assert_eq!(failed, 0);
        // The snapshot of a node is written within a second of what it tells.
        sleep(Duration::from_millis(1_500)).await;
        cluster.backing.kill();
        let (during, failed) = load(&cluster, &hit, Duration::from_secs(away)).await;
        let (before, during) = (p99(before), p99(during));
        println!("{name}: p99 of hits {before:?} before, {during:?} while it is away for {away} s");
        assert_eq!(failed, 0, "{name}");
        let status = cluster.status("a").await;
        let known = (status["source"].as_str(), ids(&status).len());
        assert_eq!(known, (Some("stale"), 3), "{name}: {status}");
        assert!(status["age_seconds"].as_f64().unwrap() > 5.0, "{status}");
        assert!(status["error"].is_string(), "{status}");
        // Owners are asked as before.
        let cold = all[1].url_path("zip");
        for id in ["a", "b", "c"] {
            assert_eq!(cluster.get(id, &cold).await.status, 200);
        }
        assert_eq!(cluster.upstream.count(&cold), 1, "{name}");
        // A node that starts now knows the others from its disk.
        let began = Instant::now();
        cluster.node_mut("b").process.kill9();
        cluster.restart("b");
        let status = cluster.status("b").await;
        let known = (status["source"].as_str(), ids(&status).len());
        assert_eq!(known, (Some("disk"), 3), "{name}: {status}");
        println!("{name}: a node started without it in {:?}", began.elapsed());
        for module in &all[2..12] {
            assert_eq!(cluster.get("b", &module.url_path("zip")).await.status, 200);
        }
        cluster.backing.restart();
        let began = Instant::now();
        for id in ["a", "b", "c"] {
            loop {
                let status = cluster.status(id).await;
                let is_live = status["source"] == "watched" && status["standing"] == "announced";
                if is_live && ids(&status).len() == 3 {
                    break;
                }
                assert!(began.elapsed() < Duration::from_secs(20), "{name} {id}: {status}");
                sleep(Duration::from_millis(20)).await;
            }
        }
        println!("{name}: live again after {:?}", began.elapsed());
        assert!(
            began.elapsed() < Duration::from_secs(5),
            "{name}: {:?}",
            began.elapsed()
        );
    }
}

/// C6: somebody deletes everything in the registry.
#[tokio::test(flavor = "multi_thread")]
async fn an_emptied_registry_moves_no_key() {
    for backing in both() {
        let cluster = Cluster::start(backing, 3).await;
        let name = cluster.backing.name();
        let keys: Vec<_> = (0..20).map(|n| format!("example.com/m{n}@v1.0.0")).collect();
        let mut before = Vec::new();
        for key in &keys {
            before.push(cluster.order("a", key).await);
        }
        cluster.backing.wipe();
        let began = Instant::now();
        while began.elapsed() < TTL / 3 + Duration::from_secs(1) {
            for id in ["a", "b", "c"] {
                assert_eq!(cluster.order(id, &keys[0]).await, before[0], "{name}");
            }
            sleep(Duration::from_millis(20)).await;
        }
        for (key, order) in keys.iter().zip(&before) {
            assert_eq!(&cluster.order("b", key).await, order, "{name}");
        }
        let status = cluster.status("a").await;
        let nodes = status["nodes"].as_array().unwrap().iter();
        let states: Vec<_> = nodes.map(|node| node["state"].clone()).collect();
        assert_eq!(states, ["ready", "ready", "ready"], "{name}: all are back");
    }
}

/// C3, C13: a node that dies is gone in its time to live and a second.
#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_dies_is_gone_in_time() {
    for backing in both() {
        let mut cluster = Cluster::start(backing, 3).await;
        cluster.node_mut("c").process.kill9();
        let died = Instant::now();
        for id in ["a", "b"] {
            loop {
                let status = cluster.status(id).await;
                if ids(&status) == ["a", "b"] {
                    break;
                }
                assert!(died.elapsed() < TTL * 3, "{status}");
                sleep(Duration::from_millis(20)).await;
            }
        }
        let gone = died.elapsed();
        println!("{}: gone after {gone:?} (ttl {TTL:?})", cluster.backing.name());
        assert!(gone <= TTL + Duration::from_millis(1_100), "{gone:?}");
    }
}

/// Two processes with one id: the second one does not stay, and says where both are.
#[tokio::test(flavor = "multi_thread")]
async fn a_second_node_of_the_same_name_is_refused() {
    for backing in both() {
        let cluster = Cluster::start(backing, 2).await;
        let places = cluster.places();
        let first = cluster.node("a").address.clone();
        let twin = crate::nodes::free_address("127.0.0.20");
        let storage = cluster.storage("twin");
        let mut process = cluster.command("a", &twin, &places, &storage).start();
        let refused = process.wait_for_log("is taken");
        assert!(refused.contains(&first) && refused.contains(&twin), "{refused}");
        let ready = http::get(&format!("http://{twin}/readyz")).await.unwrap();
        let want = "not ready: cluster: another node is announced as a\n";
        assert_eq!((ready.status, ready.text()), (503, want));
        let status = process.wait(TTL * 2 + Duration::from_secs(6)).expect("it ends");
        assert_eq!(status.code(), Some(1), "{}", process.output());
        let status = cluster.status("b").await;
        let address = status["nodes"][0]["address"].as_str().unwrap();
        assert_eq!(address, format!("http://{first}"), "the first one stays");
    }
}

/// C15: nodes are restarted one after the other, and no client notices.
#[tokio::test(flavor = "multi_thread")]
async fn a_rolling_restart_fails_no_request() {
    for backing in both() {
        let mut cluster = Cluster::start(backing, 3).await;
        let all = modules(400);
        cluster.upstream.modules(&all);
        let stop = Arc::new(AtomicBool::new(false));
        let addresses: Vec<_> = cluster.nodes.iter().map(|node| node.address.clone()).collect();
        let paths: Arc<[String]> = all.iter().map(|module| module.url_path("zip")).collect();
        let mut clients = JoinSet::new();
        for client in 0..6 {
            let (stop, addresses, paths) = (Arc::clone(&stop), addresses.clone(), Arc::clone(&paths));
            clients.spawn(async move {
                let (mut asked, mut failed) = (0, Vec::new());
                while !stop.load(Ordering::Relaxed) {
                    // As a balancer does: a node that is not ready is sent nothing.
                    let mut ready = Vec::new();
                    for address in &addresses {
                        let answer = http::get(&format!("http://{address}/readyz")).await;
                        if answer.is_ok_and(|answer| answer.status == 200) {
                            ready.push(address);
                        }
                    }
                    let path = &paths[(asked * 7 + client * 61) % paths.len()];
                    let address = ready[asked % ready.len()];
                    match http::get(&format!("http://{address}{path}")).await {
                        Ok(answer) if answer.status == 200 => {}
                        Ok(answer) => {
                            failed.push(format!("{address}{path}: {} {}", answer.status, answer.text()));
                        }
                        Err(error) => failed.push(format!("{address}{path}: {error}")),
                    }
                    asked += 1;
                }
                (asked, failed)
            });
        }
        for id in ["a", "b", "c"] {
            let drained = cluster.cli("a", &["cluster", "drain", id]);
            assert_eq!(drained.code, Some(0), "{drained:?}");
            sleep(Duration::from_millis(300)).await;
            let status = cluster
                .node_mut(id)
                .process
                .sigterm_and_wait(Duration::from_secs(20));
            assert_eq!(status.code(), Some(0));
            cluster.restart(id);
            cluster.all_see(3).await;
        }
        stop.store(true, Ordering::Relaxed);
        let (mut asked, mut failed) = (0, Vec::new());
        while let Some(ended) = clients.join_next().await {
            let (more, wrong) = ended.unwrap();
            asked += more;
            failed.extend(wrong);
        }
        let fetches = cluster.upstream.total();
        println!(
            "{}: {asked} requests, {} failed, {fetches} fetches",
            cluster.backing.name(),
            failed.len()
        );
        assert_eq!(failed, Vec::<String>::new());
        // What only a node has that is down is fetched again: a third of what was asked for in that time, and less each time.
        assert!(fetches <= 520, "{fetches} fetches of 400 modules");
    }
}

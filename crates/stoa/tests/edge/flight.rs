//! Many clients, one fetch.

use stoa_testing::content::Content;
use stoa_testing::fixtures::ModuleFixture;
use stoa_testing::gate::Gate;
use stoa_testing::http::{BodyEnd, Streaming};
use stoa_testing::process::StoaProcess;
use stoa_testing::reply::Reply;
use stoa_testing::scene::Scene;

use crate::support::{eventually, get, scene};

/// A module of two megabytes, its zip held at the gate with most of it sent. Smaller ones are waited for.
pub(crate) fn held_in_the_middle(scene: &Scene) -> (ModuleFixture, Gate) {
    let module = ModuleFixture::new("example.com/big", "v1.0.0").file("data", Content::random(2 << 20, 3));
    let gate = Gate::new();
    scene.upstream.module(&module);
    scene.upstream.on(
        &module.url_path("zip"),
        Reply::gated_at_end(module.zip(), 512 << 10, &gate),
    );
    (module, gate)
}

async fn open(stoa: &StoaProcess, path: &str) -> Streaming {
    let stream = Streaming::open(&format!("{}{path}", stoa.url()), &[])
        .await
        .unwrap();
    assert_eq!(stream.status, 200);
    stream
}

async fn assert_whole(mut stream: Streaming, module: &ModuleFixture) {
    let digest = stream.digest().await.unwrap();
    let want = (module.zip().len(), module.zip().sha256(), BodyEnd::Clean);
    assert_eq!((digest.len, digest.sha256, digest.end), want);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_clients_cost_the_upstream_one_request() {
    let scene = scene();
    let stoa = scene.start();
    let (module, gate) = held_in_the_middle(&scene);
    let path = module.url_path("zip");
    let mut clients = Vec::new();
    for _ in 0..200 {
        clients.push(open(&stoa, &path).await);
    }
    gate.release();
    for client in clients {
        assert_whole(client, &module).await;
    }
    assert_eq!(scene.upstream.count(&path), 1);
    let stored = std::fs::read(scene.storage().join(&path[1..])).unwrap();
    assert_eq!(stored, module.zip().to_bytes());
}

#[tokio::test]
async fn small_files_are_fetched_once_too() {
    let scene = scene();
    let stoa = scene.start();
    let gate = Gate::new();
    let (info, list) = (scene.greet().url_path("info"), "/example.com/greet/@v/list");
    scene
        .upstream
        .on(&info, Reply::ok(scene.greet().info()).held(&gate));
    scene.upstream.on(list, Reply::ok("v1.0.0\n").held(&gate));
    let mut clients = tokio::task::JoinSet::new();
    for path in [&info, list] {
        for _ in 0..50 {
            let url = format!("{}{path}", stoa.url());
            clients.spawn(async move { stoa_testing::http::get(&url).await.unwrap() });
        }
    }
    gate.reached(2).await;
    // All hundred wait, and the question itself is the one more.
    eventually("a hundred open requests", async || {
        let metrics = get(&stoa, "/metrics").await.text().to_owned();
        metrics.contains("stoa_requests_open 101\n").then_some(())
    })
    .await;
    gate.release();
    while let Some(answer) = clients.join_next().await {
        assert_eq!(answer.unwrap().status, 200);
    }
    assert_eq!((scene.upstream.count(&info), scene.upstream.count(list)), (1, 1));
}

#[tokio::test]
async fn the_first_bytes_reach_a_client_before_the_upstream_has_sent_the_last() {
    let scene = scene();
    let stoa = scene.start();
    let (module, gate) = held_in_the_middle(&scene);
    let mut client = open(&stoa, &module.url_path("zip")).await;
    assert!(
        client.read_past(1 << 20).await.unwrap(),
        "half of it is here already"
    );
    assert_eq!(gate.arrivals(), 1);
    assert_eq!(
        client.headers.get("content-length"),
        Some(module.zip().len().to_string().as_str())
    );
    // Who comes later gets the beginning all the same.
    let mut late = open(&stoa, &module.url_path("zip")).await;
    assert!(late.read_past(1 << 20).await.unwrap());
    gate.release();
    assert!(client.read_past(module.zip().len()).await.unwrap());
    assert!(late.read_past(module.zip().len()).await.unwrap());
}

#[tokio::test]
async fn a_first_client_that_is_killed_takes_nothing_from_the_rest() {
    let scene = scene();
    let stoa = scene.start();
    let (module, gate) = held_in_the_middle(&scene);
    let path = module.url_path("zip");
    let mut first = open(&stoa, &path).await;
    assert!(first.read_past(1000).await.unwrap());
    let second = open(&stoa, &path).await;
    first.reset();
    stoa.wait_for_log("cut=true");
    let third = open(&stoa, &path).await;
    gate.release();
    assert_whole(second, &module).await;
    assert_whole(third, &module).await;
    assert_eq!(
        (scene.upstream.count(&path), scene.upstream.hang_ups(&path)),
        (1, 0)
    );
}

#[tokio::test]
async fn an_only_client_that_is_killed_leaves_the_zip_behind() {
    let scene = scene();
    let stoa = scene.start();
    let (module, gate) = held_in_the_middle(&scene);
    let path = module.url_path("zip");
    let mut client = open(&stoa, &path).await;
    assert!(client.read_past(1000).await.unwrap());
    client.reset();
    stoa.wait_for_log("cut=true");
    gate.release();
    let file = scene.storage().join(&path[1..]);
    eventually("the zip in storage", async || {
        std::fs::exists(&file).unwrap().then_some(())
    })
    .await;
    scene.upstream.kill();
    assert_eq!(get(&stoa, &path).await.body, module.zip().to_bytes());
    assert_eq!(scene.upstream.hang_ups(&path), 0);
}

#[tokio::test]
async fn a_hit_does_not_wait_behind_a_miss() {
    let scene = scene();
    let stoa = scene.start_with(&[("STOA_POOL_FETCHES", "1"), ("STOA_POOL_REQUESTS", "2")]);
    let (module, gate) = held_in_the_middle(&scene);
    let greet = scene.greet().url_path("zip");
    assert_eq!(get(&stoa, &greet).await.status, 200);
    // The only slot is taken, and the only places to wait for it are.
    let misses = [
        open(&stoa, &module.url_path("zip")).await,
        open(&stoa, &module.url_path("zip")).await,
    ];
    assert_eq!(get(&stoa, &greet).await.body, scene.greet().zip().to_bytes());
    let refused = get(&stoa, &module.url_path("mod")).await;
    assert_eq!(refused.status, 503, "{}", refused.text());
    assert!(refused.header("retry-after").unwrap().parse::<u64>().unwrap() >= 1);
    gate.release();
    for miss in misses {
        assert_whole(miss, &module).await;
    }
    assert_eq!(get(&stoa, &module.url_path("mod")).await.status, 200);
}

//! What a cluster asks its source, and who answers whom.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use stoa_testing::{
    content::Content, etcd::Etcd, fixtures::ModuleFixture, gate::Gate, http, redis::Redis, reply::Reply,
};
use tokio::task::JoinSet;

use crate::nodes::{Backing, Cluster};

const ZIP: &str = "/example.com/a/@v/v1.0.0.zip";

fn large() -> ModuleFixture {
    ModuleFixture::new("example.com/a", "v1.0.0").file("large.bin", Content::random(4 << 20, 7))
}

/// C1: many clients on all nodes, one cold zip, one fetch.
#[tokio::test(flavor = "multi_thread")]
async fn three_hundred_clients_on_all_nodes_cost_one_fetch() {
    for backing in [
        Backing::Static,
        Backing::File,
        Backing::Etcd(Etcd::start()),
        Backing::Redis(Redis::start()),
    ] {
        let name = backing.name();
        let cluster = Arc::new(Cluster::start(backing, 3).await);
        let module = large();
        cluster.upstream.module(&module);
        let want = module.zip().to_bytes();
        let mut clients = JoinSet::new();
        for client in 0..300 {
            let cluster = Arc::clone(&cluster);
            let id = ["a", "b", "c"][client % 3];
            clients.spawn(async move { cluster.get(id, ZIP).await });
        }
        let mut answered = 0;
        while let Some(answer) = clients.join_next().await {
            let answer = answer.unwrap();
            assert_eq!(answer.status, 200);
            assert!(answer.body == want, "equal bytes");
            answered += 1;
        }
        assert_eq!((answered, cluster.upstream.count(ZIP)), (300, 1), "{name}");
    }
}

/// C2: two hundred modules are fetched once each, by all nodes alike, and none a second time.
#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_modules_are_fetched_once_each_and_spread() {
    let cluster = Arc::new(Cluster::start(Backing::Static, 3).await);
    let modules: Vec<_> = (0..200)
        .map(|n| ModuleFixture::new(&format!("example.com/m{n}"), "v1.0.0").file("a.go", "package a\n"))
        .collect();
    cluster.upstream.modules(&modules);
    for pass in 0..2 {
        let mut clients = JoinSet::new();
        for (n, module) in modules.iter().enumerate() {
            let (cluster, path) = (Arc::clone(&cluster), module.url_path("zip"));
            clients.spawn(async move {
                // Another node in the second pass.
                let id = ["a", "b", "c"][(n + pass) % 3];
                cluster.get(id, &path).await.status
            });
        }
        while let Some(status) = clients.join_next().await {
            assert_eq!(status.unwrap(), 200);
        }
        assert_eq!(cluster.upstream.total(), 200, "after pass {pass}");
    }
    let mut owned = std::collections::BTreeMap::<_, usize>::new();
    for n in 0..200 {
        let owner = cluster
            .order("a", &format!("example.com/m{n}@v1.0.0"))
            .await
            .remove(0);
        *owned.entry(owner).or_default() += 1;
    }
    println!("owned: {owned:?}");
    assert!(owned.values().all(|count| (45..=90).contains(count)), "{owned:?}");
}

/// Lists, `@latest` and what is not there are asked once, too.
#[tokio::test(flavor = "multi_thread")]
async fn what_may_change_and_what_is_not_there_is_asked_once() {
    let cluster = Cluster::start(Backing::Static, 3).await;
    cluster.upstream.module(&large());
    let missing = "/example.com/none/@v/v1.0.0.info";
    cluster
        .upstream
        .on(missing, Reply::text(404, "not found: example.com/none@v1.0.0"));
    for id in ["a", "b", "c", "a"] {
        for (path, status) in [
            ("/example.com/a/@v/list", 200),
            ("/example.com/a/@latest", 200),
            (missing, 404),
        ] {
            let answer = cluster.get(id, path).await;
            assert_eq!(answer.status, status, "{id} {path}: {}", answer.text());
            if status == 404 {
                assert_eq!(answer.text(), "not found: example.com/none@v1.0.0\n", "{id}");
            }
        }
    }
    for path in ["/example.com/a/@v/list", "/example.com/a/@latest", missing] {
        assert_eq!(cluster.upstream.count(path), 1, "{path}");
    }
    // What somebody says to be new is new for all.
    cluster
        .upstream
        .module(&ModuleFixture::new("example.com/none", "v1.0.0"));
    cluster.upstream.recover(missing);
    let node = cluster.node("b");
    let token = node.process.admin_authorization().unwrap();
    let url = format!("http://{}/api/v1/refresh", node.address);
    let headers = [
        ("Authorization", token.as_str()),
        ("Content-Type", "application/json"),
    ];
    let refreshed = http::request("POST", &url, &headers, br#"{"module":"example.com/none"}"#)
        .await
        .unwrap();
    assert_eq!(refreshed.status, 200);
    for id in ["a", "c"] {
        cluster
            .node(id)
            .process
            .wait_for_log("another node says that there is something new");
    }
    for id in ["a", "b", "c"] {
        assert_eq!(cluster.get(id, missing).await.status, 200, "{id}");
    }
}

/// The first bytes reach a client of another node before the owner has the last.
#[tokio::test(flavor = "multi_thread")]
async fn a_zip_is_handed_on_while_it_arrives() {
    let cluster = Cluster::start(Backing::Static, 3).await;
    let module = large();
    let gate = Gate::new();
    cluster
        .upstream
        .on(ZIP, Reply::gated_at_end(module.zip(), 1000, &gate));
    let other = cluster.order("a", "example.com/a@v1.0.0").await.remove(2);
    let mut connection = http_stream(&cluster.node(&other).address, ZIP).await;
    let mut read = 0;
    while read < 2 << 20 {
        let mut piece = vec![0; 64 << 10];
        let more = tokio::time::timeout(
            Duration::from_secs(20),
            tokio::io::AsyncReadExt::read(&mut connection, &mut piece),
        );
        let more = more.await.expect("bytes while the zip arrives").unwrap();
        assert!(more > 0, "the connection is open");
        read += more;
    }
    assert_eq!(cluster.upstream.count(ZIP), 1);
    gate.release();
    let answer = cluster.get(&other, ZIP).await;
    assert!(answer.body == module.zip().to_bytes());
}

#[expect(clippy::disallowed_methods, reason = "a client of the test")]
async fn http_stream(address: &str, path: &str) -> tokio::net::TcpStream {
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\n\r\n");
    tokio::io::AsyncWriteExt::write_all(&mut stream, request.as_bytes())
        .await
        .unwrap();
    stream
}

/// C3: the owner is killed in the middle.
#[tokio::test(flavor = "multi_thread")]
async fn clients_succeed_when_the_owner_is_killed_in_the_middle() {
    owner_ends(|cluster, owner| cluster.node_mut(owner).process.kill9()).await;
}

/// The owner is stopped (SIGSTOP) in the middle: clients go on within three seconds.
#[tokio::test(flavor = "multi_thread")]
async fn clients_go_on_when_the_owner_stops_in_the_middle() {
    let (cluster, owner) = owner_ends(|cluster, owner| cluster.node_mut(owner).process.signal("STOP")).await;
    cluster.node(&owner).process.signal("CONT");
}

/// Lets every node have clients for a zip, does something to the owner in the middle of it, and sees the clients of the
/// others succeed.
async fn owner_ends(end: impl Fn(&mut Cluster, &str)) -> (Cluster, String) {
    let mut cluster = Cluster::start(Backing::Static, 3).await;
    let module = large();
    let want = module.zip().to_bytes();
    let gate = Gate::new();
    cluster
        .upstream
        .on(ZIP, Reply::gated_at_end(module.zip(), 1 << 20, &gate));
    let order = cluster.order("a", "example.com/a@v1.0.0").await;
    let mut clients = JoinSet::new();
    for client in 0..20 {
        let url = format!("http://{}{ZIP}", cluster.node(&order[1 + client % 2]).address);
        clients.spawn(async move {
            let answer = http::get(&url).await.unwrap();
            (answer, Instant::now())
        });
    }
    gate.reached(1).await;
    // Until others have the first bytes of it.
    for id in &order[1..] {
        let sample = r#"stoa_peer_questions_total{about="owner",result="answered"}"#;
        let deadline = Instant::now() + Duration::from_secs(20);
        while answered(&cluster, id, sample).await < 1.0 {
            assert!(Instant::now() < deadline, "{id} is not answered");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
    cluster.upstream.module(&module);
    cluster.upstream.recover(ZIP);
    let ended = Instant::now();
    end(&mut cluster, &order[0]);
    let mut last = ended;
    while let Some(answer) = clients.join_next().await {
        let (answer, at) = answer.unwrap();
        assert_eq!(answer.status, 200);
        assert!(answer.body == want, "every byte");
        last = last.max(at);
    }
    println!("clients had everything {:?} after it", last - ended);
    // They go on within three seconds; on a busy machine, having everything takes a while more.
    assert!(last - ended < Duration::from_secs(4), "{:?}", last - ended);
    assert!(
        cluster.upstream.count(ZIP) <= 2,
        "{} fetches",
        cluster.upstream.count(ZIP)
    );
    gate.release();
    (cluster, order[0].clone())
}

/// A counter that is 0 while nobody has counted.
async fn answered(cluster: &Cluster, id: &str, sample: &str) -> f64 {
    let node = cluster.node(id);
    let token = node.process.admin_authorization().unwrap();
    let url = format!("http://{}/metrics", node.address);
    let answer = http::request("GET", &url, &[("Authorization", &token)], b"")
        .await
        .unwrap();
    let value = answer
        .text()
        .lines()
        .find_map(|line| line.strip_prefix(sample)?.trim().parse().ok());
    value.unwrap_or_default()
}

//! Sources that send what is no good, and what is new while a node is dead.

use std::time::{Duration, Instant};

use stoa_testing::{content::Content, fixtures::ModuleFixture, http, reply::Reply};
use tokio::time::sleep;

use crate::nodes::{Backing, Cluster};

/// A module whose zip is of another node than this one, of two.
async fn owned_by(cluster: &Cluster, owner: &str, at_most: usize) -> Vec<String> {
    let mut names = Vec::new();
    for number in 0.. {
        let name = format!("example.com/x{number}");
        if cluster.order("a", &format!("{name}@v1.0.0")).await[0] == owner {
            names.push(name);
        }
        if names.len() == at_most {
            break;
        }
    }
    names
}

/// Bad zips, which any client can name, do nothing to the node that owns them, and each is fetched by that node alone.
#[tokio::test(flavor = "multi_thread")]
async fn bad_zips_take_no_healthy_node_out() {
    let cluster = Cluster::start(Backing::Static, 2).await;
    let names = owned_by(&cluster, "b", 12).await;
    for (number, name) in names[..8].iter().enumerate() {
        let path = format!("/{name}/@v/v1.0.0.zip");
        let (reply, most) = if number % 2 == 0 {
            let large = Content::random(3 << 20, 7);
            (Reply::ok(large), 1)
        } else {
            let module = ModuleFixture::new(name, "v1.0.0").file("large.bin", Content::random(3 << 20, 7));
            let bytes = module.zip().to_bytes();
            let send = Content::from(bytes.slice(..400_000));
            let announce = bytes.len() as u64;
            // Once, and three times again.
            (Reply::Truncate { announce, send }, 4)
        };
        cluster.upstream.on(&path, reply);
        let began = Instant::now();
        let url = format!("http://{}{path}", cluster.node("a").address);
        let answer = http::get(&url).await;
        assert!(
            answer.as_ref().is_err()
                || answer
                    .as_ref()
                    .is_ok_and(|answer| answer.status == 502 || !answer.is_clean()),
            "{path}"
        );
        assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
        assert_eq!(cluster.upstream.count(&path), most, "{path}");
        let down = cluster.metric("a", "stoa_cluster_nodes_down").await;
        assert!(down < 0.5, "{path} took the owner out");
    }
    for name in &names[8..] {
        let module = ModuleFixture::new(name, "v1.0.0").file("a.go", "package a\n");
        cluster.upstream.module(&module);
        assert_eq!(cluster.get("a", &module.url_path("zip")).await.status, 200);
    }
    let by_others = cluster
        .metric("a", r#"stoa_owner_fetches_total{role="other"}"#)
        .await;
    assert!(by_others > 11.5, "{by_others} of 12 were brought in by the owner");
}

/// Whoever says that something is new sees it at once at that node, whoever owns it, and a node that is dead keeps no other from
/// hearing of it.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_new_is_new_at_once_while_a_node_is_dead() {
    let mut cluster = Cluster::start(Backing::Static, 3).await;
    let mut names = Vec::new();
    for number in 0..12 {
        let name = format!("example.com/r{number}");
        cluster.upstream.module(&ModuleFixture::new(&name, "v1.0.0"));
        for id in ["a", "b"] {
            assert_eq!(
                cluster.get(id, &format!("/{name}/@v/list")).await.text(),
                "v1.0.0\n"
            );
        }
        names.push(name);
    }
    cluster.node_mut("c").process.kill9();
    let began = Instant::now();
    for name in &names {
        let both = ["v1.0.0", "v1.1.0"].map(|version| ModuleFixture::new(name, version));
        cluster.upstream.modules(&both);
        let node = cluster.node("a");
        let token = node.process.admin_authorization().unwrap();
        let headers = [
            ("Authorization", token.as_str()),
            ("Content-Type", "application/json"),
        ];
        let url = format!("http://{}/api/v1/refresh", node.address);
        let body = format!(r#"{{"module":"{name}"}}"#);
        let answer = http::request("POST", &url, &headers, body.as_bytes())
            .await
            .unwrap();
        assert_eq!(answer.status, 200);
        let list = cluster.get("a", &format!("/{name}/@v/list")).await;
        assert_eq!(list.text(), "v1.0.0\nv1.1.0\n", "{name}");
    }
    for name in &names {
        while cluster.get("b", &format!("/{name}/@v/list")).await.text() != "v1.0.0\nv1.1.0\n" {
            assert!(
                began.elapsed() < Duration::from_secs(20),
                "b has not heard of {name}"
            );
            sleep(Duration::from_millis(20)).await;
        }
    }
    println!("all had heard of everything after {:?}", began.elapsed());
}

//! Those who are no node.

use stoa_testing::{fixtures::ModuleFixture, http};

use crate::nodes::{Backing, Cluster};

/// C17: who does not know the secret is answered nothing, and a client can claim no hop.
#[tokio::test(flavor = "multi_thread")]
async fn who_is_no_node_gets_nothing_and_can_claim_nothing() {
    let cluster = Cluster::start(Backing::Static, 3).await;
    let module = ModuleFixture::new("example.com/a", "v1.0.0").file("a.go", "package a\n");
    cluster.upstream.module(&module);
    let order = cluster.order("a", "example.com/a@v1.0.0").await;
    let base = format!("http://{}", cluster.node(&order[0]).address);
    let ask = format!("{base}/_peer/v1/ask");
    let question = br#"{"about":{"module":"example.com/a/@v/v1.0.0.zip"},"hops":1}"#;
    let zeros = "0".repeat(32);
    let mac = "0".repeat(64);
    let forged = [
        ("stoa-peer-session", zeros.as_str()),
        ("stoa-peer-sequence", "1"),
        ("stoa-peer-mac", mac.as_str()),
    ];
    for (headers, status) in [(&[][..], 400), (&forged[..], 401)] {
        let answer = http::request("POST", &ask, headers, question).await.unwrap();
        assert_eq!(answer.status, status, "{}", answer.text());
    }
    let hello = format!("{base}/_peer/v1/hello");
    for body in [&b""[..], b"{}", b"\xff", br#"{"said":{"version":1},"mac":"00"}"#] {
        let answer = http::request("POST", &hello, &[("Content-Type", "application/json")], body)
            .await
            .unwrap();
        assert!((400..500).contains(&answer.status), "{}", answer.status);
    }
    for path in ["/_peer/v1/other", "/_peer/v1/ask"] {
        let answer = http::get(&format!("{base}{path}")).await.unwrap();
        assert!((400..500).contains(&answer.status), "{path}: {}", answer.status);
    }
    assert_eq!(cluster.upstream.total(), 0, "nothing was asked for any of them");
    // A client that claims a hop is a client.
    let url = format!(
        "http://{}{}",
        cluster.node(&order[2]).address,
        module.url_path("zip")
    );
    let answer = http::request("GET", &url, &[("Stoa-Hops", "1")], b"")
        .await
        .unwrap();
    assert_eq!(answer.status, 200);
    let fetched = r#"stoa_owner_fetches_total{role="owner"}"#;
    assert!(
        cluster.metric(&order[0], fetched).await >= 1.0,
        "the owner brought it in"
    );
    assert_eq!(cluster.upstream.count(&module.url_path("zip")), 1);
}

/// A node that has another secret is no node: others do without it, and it does without them.
#[tokio::test(flavor = "multi_thread")]
async fn a_node_with_another_secret_is_left_out() {
    let mut cluster = Cluster::start(Backing::Static, 2).await;
    let module = ModuleFixture::new("example.com/a", "v1.0.0").file("a.go", "package a\n");
    cluster.upstream.module(&module);
    let order = cluster.order("a", "example.com/a@v1.0.0").await;
    let (owner, other) = (order[0].clone(), order[1].clone());
    cluster.node_mut(&owner).process.kill9();
    let secret = cluster.directory.path().join("secret");
    let kept = std::fs::read(&secret).unwrap();
    std::fs::write(&secret, "not the secret of this cluster\n").unwrap();
    cluster.restart(&owner);
    std::fs::write(&secret, kept).unwrap();
    let answer = cluster.get(&other, &module.url_path("zip")).await;
    assert_eq!(answer.status, 200, "it fetches by itself");
    cluster
        .node(&other)
        .process
        .wait_for_log("the peer does not have the same secret");
    cluster
        .node(&owner)
        .process
        .wait_for_log("a hello of a node is refused");
    let output = cluster.node(&other).process.output();
    assert!(!output.contains("a secret of the nodes"), "no secret in the log");
}

#[test]
fn a_node_that_lacks_something_does_not_start() {
    let directory = stoa_testing::scene::private_directory();
    let secret = directory.path().join("secret");
    std::fs::write(&secret, "short\n").unwrap();
    for (variables, want) in [
        (&[("STOA_REGISTRY_BACKEND", "static")][..], "needs the nodes"),
        (
            &[
                ("STOA_REGISTRY_BACKEND", "static"),
                ("STOA_REGISTRY_NODES", "a=http://127.0.0.1:1"),
            ],
            "peer.advertise",
        ),
        (&[("STOA_PEER_SECRET_FILE", secret.to_str().unwrap())], "16"),
        (&[("STOA_REGISTRY_BACKEND", "zookeeper")], "bad backend"),
    ] {
        let mut command = stoa_testing::process::StoaProcess::command(crate::STOA)
            .storage(&directory.path().join("storage"))
            .upstream("off");
        for (name, value) in variables {
            command = command.env(name, value);
        }
        let (code, output) = command.start_expecting_exit();
        assert_eq!(code, Some(64), "{output}");
        assert!(output.contains(want), "{want}: {output}");
    }
}

//! Upstream servers that a registry names.

use std::fs;

use stoa_testing::{fixtures::ModuleFixture, http, process::StoaProcess, upstream::Upstream};

use crate::{STOA, nodes::free_address};

/// Servers of the service `goproxy`: id, address, more.
fn file(servers: &[(&str, &str, &str)]) -> String {
    let server = |(id, address, more): &(&str, &str, &str)| {
        format!("[[node]]\nservice = \"goproxy\"\nid = \"{id}\"\naddress = \"{address}\"\n{more}\n")
    };
    servers.iter().map(server).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn upstream_servers_come_and_go_in_the_registry() {
    let directory = stoa_testing::scene::private_directory();
    let (first, second) = (Upstream::start_blocking(), Upstream::start_blocking());
    let modules = ["a", "b", "c", "d"]
        .map(|name| ModuleFixture::new(&format!("example.com/{name}"), "v1.0.0").file("a.go", "package a\n"));
    first.modules(&modules);
    second.modules(&modules);
    let nodes = directory.path().join("nodes.toml");
    let secret = directory.path().join("secret");
    fs::write(&secret, "a secret of the nodes of one cluster\n").unwrap();
    let dead = format!("http://{}", free_address("127.0.0.1"));
    let (one, two) = (first.url(), second.url());
    // The first one asked cannot be reached, the other one is of a later rank.
    let ranked = [
        ("dead", dead.as_str(), "metadata = { priority = \"0\" }"),
        ("one", one.as_str(), "metadata = { priority = \"1\" }"),
        ("two", two.as_str(), "metadata = { priority = \"2\" }"),
    ];
    fs::write(&nodes, file(&ranked)).unwrap();
    let stoa = StoaProcess::command(STOA)
        .storage(&directory.path().join("storage"))
        .upstream("registry:goproxy")
        .env("STOA_SUMDB_VERIFY", "false")
        .env("STOA_REGISTRY_BACKEND", "file")
        .env("STOA_REGISTRY_FILE", nodes.to_str().unwrap())
        .env("STOA_PEER_SECRET_FILE", secret.to_str().unwrap())
        .env("STOA_PEER_ADVERTISE", "http://127.0.0.1:1")
        .env("STOA_PEER_ID", "a")
        .start();
    let get = async |module: &ModuleFixture| {
        let url = format!("{}{}", stoa.url(), module.url_path("zip"));
        http::get(&url).await.unwrap().status
    };
    assert_eq!(get(&modules[0]).await, 200);
    assert_eq!(
        (first.total(), second.total()),
        (1, 0),
        "the first that can be reached"
    );
    first.kill();
    assert_eq!(get(&modules[1]).await, 200);
    assert_eq!(second.total(), 1, "another one when it fails");
    // Nobody can be asked: that is no 404.
    fs::write(&nodes, file(&ranked[..1])).unwrap();
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
    loop {
        match get(&modules[2]).await {
            // Its breaker may be open by now.
            502 | 503 => break,
            200 => assert!(std::time::Instant::now() < deadline, "the file is not read again"),
            status => panic!("{status}"),
        }
        fs::remove_dir_all(directory.path().join("storage/example.com/c")).unwrap();
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    // It is drained there, and comes back.
    let drained = [
        ("two", two.as_str(), "state = \"draining\""),
        ("three", two.as_str(), ""),
    ];
    fs::write(&nodes, file(&drained)).unwrap();
    loop {
        match get(&modules[3]).await {
            200 => break,
            502 | 503 => assert!(std::time::Instant::now() < deadline, "the file is not read again"),
            status => panic!("{status}"),
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
}

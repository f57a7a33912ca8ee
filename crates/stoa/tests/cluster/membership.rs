//! Who is there.

use stoa_testing::fixtures::ModuleFixture;

use crate::nodes::{Backing, Cluster};

/// C14: a node that comes takes its share of keys, and nothing is fetched again.
#[tokio::test(flavor = "multi_thread")]
async fn a_fourth_node_takes_a_quarter_and_fetches_nothing_again() {
    let mut cluster = Cluster::start(Backing::File, 3).await;
    let modules: Vec<_> = (0..100)
        .map(|n| ModuleFixture::new(&format!("example.com/m{n}"), "v1.0.0").file("a.go", "package a\n"))
        .collect();
    cluster.upstream.modules(&modules);
    let mut before = Vec::new();
    for (n, module) in modules.iter().enumerate() {
        let owner = cluster
            .order("a", &format!("example.com/m{n}@v1.0.0"))
            .await
            .remove(0);
        assert_eq!(cluster.get(&owner, &module.url_path("zip")).await.status, 200);
        before.push(owner);
    }
    assert_eq!(cluster.upstream.total(), 100);
    cluster.add();
    cluster.all_see(4).await;
    let mut moved = 0;
    for (n, module) in modules.iter().enumerate() {
        let owner = cluster
            .order("d", &format!("example.com/m{n}@v1.0.0"))
            .await
            .remove(0);
        moved += usize::from(owner != before[n]);
        assert!(owner == before[n] || owner == "d");
        assert_eq!(cluster.get("d", &module.url_path("zip")).await.status, 200);
    }
    println!("{moved} of 100 keys moved");
    assert!((10..=30).contains(&moved), "{moved} of 100 keys moved");
    assert_eq!(cluster.upstream.total(), 100, "nothing is fetched again");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_line_shows_the_cluster() {
    let cluster = Cluster::start(Backing::Static, 2).await;
    let listed = cluster.cli("a", &["cluster", "ls"]);
    assert_eq!(listed.code, Some(0), "{listed:?}");
    let lines: Vec<_> = listed.stdout.lines().map(str::to_owned).collect();
    assert_eq!(lines.len(), 3, "{listed:?}");
    assert!(
        lines[1].starts_with("a ") && lines[1].contains(" self "),
        "{}",
        lines[1]
    );
    assert!(
        lines[2].starts_with("b ") && lines[2].contains(" yes "),
        "{}",
        lines[2]
    );
    assert!(
        listed.stderr.contains("as a (given) sees them"),
        "{}",
        listed.stderr
    );
    let owner = cluster.cli("b", &["cluster", "owner", "example.com/a@v1.0.0"]);
    assert_eq!(
        owner.stdout.trim(),
        cluster.order("a", "example.com/a@v1.0.0").await[0]
    );
    let refused = cluster.cli("a", &["cluster", "drain", "b"]);
    assert_eq!(refused.code, Some(1));
    assert!(
        refused.stderr.contains("take the node out of it"),
        "{}",
        refused.stderr
    );
    let ready = cluster.get("a", "/readyz").await;
    assert_eq!(
        ready.text(),
        "ready\ncluster: a, as it is given\ncluster: 1 of 1 other nodes reached\n"
    );
}

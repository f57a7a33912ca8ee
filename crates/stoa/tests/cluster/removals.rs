//! What an operator removes on one node goes on all.

use stoa_testing::fixtures::ModuleFixture;

use crate::nodes::{Backing, Cluster};

#[tokio::test(flavor = "multi_thread")]
async fn a_removed_version_goes_on_all_nodes_and_one_that_is_not_reached_is_named() {
    let module = ModuleFixture::new("example.com/m", "v1.0.0").file("a.go", "package a\n");
    let other = ModuleFixture::new("example.com/m", "v1.1.0").file("a.go", "package a\n");
    let mut cluster = Cluster::start(Backing::Static, 3).await;
    cluster.upstream.modules([&module, &other]);
    let (zip, kept) = (module.url_path("zip"), other.url_path("zip"));
    let on_disk = |cluster: &Cluster, id: &str, path: &str| {
        cluster.storage(id).join(path.trim_start_matches('/')).is_file()
    };
    for id in ["a", "b", "c"] {
        for path in [&zip, &kept] {
            // Twice, so that memory has it too.
            assert_eq!(cluster.get(id, path).await.status, 200);
            assert_eq!(cluster.get(id, path).await.status, 200);
        }
        assert!(on_disk(&cluster, id, &zip));
    }
    assert_eq!(cluster.upstream.count(&zip), 1);

    let rm = [
        "storage",
        "rm",
        "example.com/m@v1.0.0",
        "--reason",
        "holds a key of ours",
    ];
    let removed = cluster.cli("a", &rm);
    assert_eq!(removed.code, Some(0), "{removed:?}");
    assert!(
        removed.stderr.contains("1 files removed, 2 other nodes told"),
        "{removed:?}"
    );
    for id in ["a", "b", "c"] {
        assert!(!on_disk(&cluster, id, &zip), "{id}");
        assert!(on_disk(&cluster, id, &kept), "{id}");
    }
    cluster.node("b").process.wait_for_log("holds a key of ours");
    // No node has it in its memory or gives it to another: upstream is asked, by one of them.
    for id in ["a", "b", "c"] {
        assert_eq!(cluster.get(id, &zip).await.status, 200);
    }
    assert_eq!(cluster.upstream.count(&zip), 2);
    assert_eq!(cluster.upstream.count(&kept), 1);

    cluster.node_mut("c").process.kill9();
    let removed = cluster.cli("a", &rm);
    assert_eq!(removed.code, Some(1), "{removed:?}");
    assert!(removed.stderr.contains("not removed there: c: "), "{removed:?}");
    assert!(!on_disk(&cluster, "b", &zip));
    assert!(on_disk(&cluster, "c", &zip));
}

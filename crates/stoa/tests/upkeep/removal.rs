//! Removing versions.

use stoa_testing::fixtures::ModuleFixture;

use crate::scene::{Scene, path_of, sized};

fn two_versions() -> [ModuleFixture; 2] {
    [sized("a", "v1.0.0", 3_000), sized("a", "v1.1.0", 3_000)]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removed_version_is_forgotten_everywhere_and_the_log_says_why() {
    let modules = two_versions();
    let mut scene = Scene::start(&modules, &[]);
    // With memory for hot files, so that it has something to forget.
    scene.set("STOA_CACHE_MEMORY", "64MiB");
    scene.restart();
    for module in &modules {
        scene.fetch(module).await;
        scene.fetch(module).await;
    }
    scene.indexed_whole(2).await;
    let zip = path_of(&modules[0], "zip");
    assert_eq!(scene.upstream.count(&zip), 1);

    let refused = scene.command(&["storage", "rm", "example.com/a@v1.0.0"]);
    assert_eq!(refused.code, Some(64), "{}", refused.stderr);
    let refused = scene.command(&["storage", "rm", "example.com/a@v1.0.0", "--reason", " "]);
    assert_eq!(refused.code, Some(1), "{}", refused.stderr);
    assert!(refused.stderr.contains("say why"), "{}", refused.stderr);
    assert_eq!(scene.indexed(2).await["files"], 6);

    let removed = scene.command(&[
        "storage",
        "rm",
        "example.com/a@v1.0.0",
        "--reason",
        "holds a key of ours",
    ]);
    assert_eq!(removed.code, Some(0), "{}", removed.stderr);
    assert_eq!(
        removed.stdout,
        "removed example.com/a/@v/v1.0.0.zip\nremoved example.com/a/@v/v1.0.0.mod\nremoved example.com/a/@v/v1.0.0.info\n"
    );
    scene.indexed(1).await;
    let log = std::fs::read_to_string(scene.storage().join(".stoa/admin.log")).unwrap();
    assert_eq!(log.lines().count(), 1, "{log}");
    let line: serde_json::Value = serde_json::from_str(&log).unwrap();
    assert_eq!(line["what"], "example.com/a@v1.0.0");
    assert_eq!(line["reason"], "holds a key of ours");
    // Memory does not have it any more either: it is fetched again.
    assert_eq!(scene.get(&zip).await.status, 200);
    assert_eq!(scene.upstream.count(&zip), 2);
    let other = path_of(&modules[1], "zip");
    assert_eq!(scene.get(&other).await.status, 200);
    assert_eq!(scene.upstream.count(&other), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_module_goes_with_all_its_versions_and_what_is_not_there_is_said() {
    let modules = two_versions();
    let scene = Scene::start(&modules, &[("STOA_INDEX_STORE", "none")]);
    for module in &modules {
        scene.fetch(module).await;
    }
    let removed = scene.command(&["storage", "rm", "example.com/a", "--reason", "wrong licence"]);
    assert_eq!(removed.code, Some(0), "{}", removed.stderr);
    assert!(removed.stderr.contains("6 files removed"), "{}", removed.stderr);
    let again = scene.command(&["storage", "rm", "example.com/a", "--reason", "wrong licence"]);
    assert_eq!(again.code, Some(1));
    assert!(
        again.stderr.contains("nothing of example.com/a is stored here"),
        "{}",
        again.stderr
    );
    for bad in [
        "example.com/a@main",
        "example.com/a@",
        "../a@v1.0.0",
        "example.com/a@v2.0.0",
    ] {
        let refused = scene.command(&["storage", "rm", bad, "--reason", "x"]);
        assert_eq!(refused.code, Some(1), "{bad}: {}", refused.stdout);
    }
    let no_index = scene.command(&["storage", "ls"]);
    assert!(no_index.stderr.contains("index.store"), "{}", no_index.stderr);
    assert_eq!(scene.get("/index").await.status, 404);
}

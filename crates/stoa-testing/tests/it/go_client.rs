//! The example workspace, the go command and the scripted proxy, with nothing in between.

use std::sync::Arc;

use stoa_testing::fixtures::{ExampleWorkspace, ModuleFixture, example_workspace};
use stoa_testing::go::GoClient;
use stoa_testing::upstream::Upstream;

#[test]
fn the_example_is_tidied_built_and_run() {
    let upstream = Upstream::start_blocking();
    let example = example_workspace();
    example.publish(&upstream);
    let go = GoClient::new(&upstream.url());
    example.write_app(&go.directory());

    let _ = go.run(&["mod", "tidy"]).expect_success();
    let go_mod = go.read("go.mod");
    for required in [
        "example.com/greet v1.1.0",
        "example.com/legacy v2.0.0+incompatible",
        "v0.0.0-20240607080910-ddddeeeeffff",
    ] {
        assert!(go_mod.contains(required), "{required} is missing from\n{go_mod}");
    }
    let go_sum = go.read("go.sum");
    for module in [
        ("example.com/greet", "v1.1.0"),
        ("example.com/Upper/Case", "v0.3.0"),
        ("example.com/legacy", "v2.0.0+incompatible"),
    ] {
        let lines = example.module(module.0, module.1).go_sum();
        assert!(go_sum.contains(&lines), "{lines} is missing from\n{go_sum}");
    }
    let _ = go.run(&["build", "-o", "app", "."]).expect_success();
    let _ = go.run(&["mod", "download", "all"]).expect_success();
    let _ = go.run(&["mod", "verify"]).expect_success();
    assert_eq!(
        go.run(&["run", "."]).expect_success().stdout,
        ExampleWorkspace::OUTPUT
    );
    assert_eq!(upstream.count("/example.com/greet/@v/v1.1.0.zip"), 1);
    assert!(
        upstream.count("/example.com/multi/sub/deep/@v/list") > 0,
        "prefixes are probed"
    );
}

#[test]
fn versions_latest_and_retractions_are_resolved() {
    let upstream = Upstream::start_blocking();
    example_workspace().publish(&upstream);
    let go = GoClient::new(&upstream.url());
    go.write("go.mod", "module example.com/app\n\ngo 1.24\n");

    let listed = go
        .run(&["list", "-m", "-versions", "example.com/greet"])
        .expect_success();
    assert_eq!(listed.stdout, "example.com/greet v1.0.0 v1.1.0 v1.2.0-rc.1\n");
    let retracted = go
        .run(&["list", "-m", "-versions", "-retracted", "example.com/greet"])
        .expect_success();
    assert_eq!(
        retracted.stdout,
        "example.com/greet v1.0.0 v1.0.1 v1.1.0 v1.2.0-rc.1\n"
    );
    let _ = go
        .run(&["get", "example.com/greet@latest", "example.com/words@latest"])
        .expect_success();
    assert!(go.read("go.mod").contains("example.com/greet v1.1.0"));
    let missing = go.run(&["get", "example.com/nothing@latest"]).expect_failure();
    assert!(missing.stderr.contains("404 Not Found"), "{}", missing.stderr);
}

#[tokio::test]
async fn caches_filled_from_the_same_bytes_are_the_same() {
    let upstream = Upstream::start().await;
    let module = ModuleFixture::new("example.com/Upper/Case", "v0.3.0").file("a/b.txt", "text\n");
    upstream.module(&module);
    let mut snapshots = Vec::new();
    for _ in 0..2 {
        let go = Arc::new(GoClient::new(&upstream.url()));
        let _ = go
            .run_async(&["mod", "download", "example.com/Upper/Case@v0.3.0"])
            .await
            .expect_success();
        snapshots.push(go.module_cache_snapshot());
        go.clean_module_cache();
        assert!(go.module_cache_snapshot().is_empty());
    }
    let names: Vec<_> = snapshots[0].keys().map(String::as_str).collect();
    let expected = [
        "cache/download/example.com/!upper/!case/@v/list",
        "cache/download/example.com/!upper/!case/@v/v0.3.0.info",
        "cache/download/example.com/!upper/!case/@v/v0.3.0.mod",
        "cache/download/example.com/!upper/!case/@v/v0.3.0.zip",
        "cache/download/example.com/!upper/!case/@v/v0.3.0.ziphash",
        "example.com/!upper/!case@v0.3.0/a/b.txt",
        "example.com/!upper/!case@v0.3.0/go.mod",
    ];
    assert_eq!(names, expected);
    assert_eq!(snapshots[0], snapshots[1]);
}

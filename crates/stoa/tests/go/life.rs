//! One program's life: resolved, downloaded, built and run through stoa; then without the upstream; then offline.

use std::collections::BTreeMap;

use stoa_testing::fixtures::{ExampleWorkspace, ModuleFixture};
use stoa_testing::go::GoClient;

use crate::support::{assert_same_files, scene};

/// Nothing is fresh and nothing is given out stale while a refresh runs, so that each question reaches the upstream.
const ALWAYS_ASK: [(&str, &str); 3] = [
    ("STOA_CACHE_LIST_TTL", "0s"),
    ("STOA_CACHE_STALE_TTL", "0s"),
    ("STOA_CACHE_NEGATIVE_TTL", "0s"),
];

/// What a life leaves behind.
struct Remains {
    go_mod: String,
    go_sum: String,
    cache: BTreeMap<String, String>,
}

/// From a go.mod without requirements to the running program. Returns what the module cache holds.
fn live(go: &GoClient, example: &ExampleWorkspace) -> Remains {
    go.clean_module_cache();
    example.write_app(&go.directory());
    if std::fs::exists(go.directory().join("go.sum")).unwrap() {
        std::fs::remove_file(go.directory().join("go.sum")).unwrap();
    }
    let _ = go.run(&["mod", "tidy"]).expect_success();
    let _ = go.run(&["get", "example.com/greet@latest"]).expect_success();
    let _ = go.run(&["mod", "download"]).expect_success();
    let _ = go.run(&["mod", "download", "all"]).expect_success();
    let _ = go.run(&["build", "-o", "app", "."]).expect_success();
    let ran = go.run(&["run", "."]).expect_success();
    assert_eq!(ran.stdout, ExampleWorkspace::OUTPUT);
    let _ = go.run(&["mod", "verify"]).expect_success();
    Remains {
        go_mod: go.read("go.mod"),
        go_sum: go.read("go.sum"),
        cache: go.module_cache_snapshot(),
    }
}

fn assert_same_life(phase: &str, want: &Remains, got: &Remains) {
    assert_eq!(got.go_mod, want.go_mod, "{phase}");
    assert_eq!(got.go_sum, want.go_sum, "{phase}");
    assert_same_files(phase, &want.cache, &got.cache);
}

#[test]
fn a_program_is_built_alike_with_the_upstream_without_it_and_offline() {
    let scene = scene();
    let direct = live(&GoClient::new(&scene.upstream.url()), &scene.example);

    let mut stoa = scene.start_with(&ALWAYS_ASK);
    let go = GoClient::new(stoa.url());
    assert_same_life("through stoa", &direct, &live(&go, &scene.example));
    scene.upstream.kill();
    assert_same_life("upstream gone", &direct, &live(&go, &scene.example));
    stoa.kill9();

    let stoa = scene.stoa().args(&["--network", "offline"]).start();
    let go = GoClient::new(stoa.url());
    assert_same_life("offline", &direct, &live(&go, &scene.example));
}

#[test]
fn what_is_stored_is_fetched_once_however_many_clients_come() {
    let scene = scene();
    let stoa = scene.start();
    let _ = live(&GoClient::new(stoa.url()), &scene.example);
    scene.upstream.forget_requests();

    let _ = live(&GoClient::new(stoa.url()), &scene.example);
    let asked: Vec<_> = scene
        .upstream
        .requests()
        .iter()
        .map(|request| request.path.clone())
        .collect();
    assert_eq!(
        asked,
        Vec::<String>::new(),
        "a second client costs the upstream nothing"
    );
}

#[test]
fn versions_are_listed_as_the_upstream_has_them_until_only_stored_ones_are_left() {
    let scene = scene();
    let list = |go: &GoClient| {
        go.write("go.mod", "module example.com/app\n\ngo 1.24\n");
        let listed = go.run(&["list", "-m", "-versions", "-retracted", "example.com/greet"]);
        listed.expect_success().stdout
    };
    let mut stoa = scene.start_with(&ALWAYS_ASK);
    let go = GoClient::new(stoa.url());
    let all = "example.com/greet v1.0.0 v1.0.1 v1.1.0 v1.2.0-rc.1\n";
    assert_eq!(list(&go), all);
    scene.upstream.kill();
    go.clean_module_cache();
    assert_eq!(list(&go), all, "the old list is used while the upstream is away");
    scene.upstream.restart_same_port();
    for version in ["v1.0.0", "v1.1.0"] {
        let _ = go
            .run(&["mod", "download", &format!("example.com/greet@{version}")])
            .expect_success();
    }
    stoa.kill9();
    scene.upstream.kill();

    // Nobody is asked, so only whole versions that are stored can be told; go needs no others to build.
    for mode in ["offline", "fallback"] {
        let stoa = scene.stoa().args(&["--network", mode]).start();
        let go = GoClient::new(stoa.url());
        assert_eq!(list(&go), "example.com/greet v1.0.0 v1.1.0\n", "{mode}");
        let _ = go.run(&["get", "example.com/greet@latest"]).expect_success();
        assert!(
            go.read("go.mod").contains("require example.com/greet v1.1.0"),
            "{mode}: {}",
            go.read("go.mod")
        );
    }
    let stoa = scene.start();
    let failed = GoClient::new(stoa.url())
        .run(&["list", "-m", "-versions", "example.com/greet"])
        .expect_failure();
    assert!(failed.stderr.contains("502 Bad Gateway"), "{}", failed.stderr);
}

#[test]
fn the_storage_directory_is_itself_a_proxy() {
    let scene = scene();
    let stoa = scene.start();
    let go = GoClient::new(stoa.url());
    let through_stoa = live(&go, &scene.example);
    drop(stoa);

    let go = GoClient::new(&format!("file://{}", scene.storage().display()));
    scene.example.write_app(&go.directory());
    go.write("go.mod", &through_stoa.go_mod)
        .write("go.sum", &through_stoa.go_sum);
    let _ = go.run(&["mod", "download", "all"]).expect_success();
    let ran = go.run(&["run", "."]).expect_success();
    assert_eq!(ran.stdout, ExampleWorkspace::OUTPUT);
}

#[test]
fn odd_bytes_of_a_go_mod_arrive_as_they_are() {
    let scene = scene();
    let odd = "module example.com/odd\r\n\r\ngo 1.24\n\ntool example.com/odd/cmd\nignore ./x\nsoon to come";
    let odd = ModuleFixture::new("example.com/odd", "v1.0.0-RC.1").with_go_mod(odd);
    scene.upstream.module(&odd);
    let stoa = scene.start();
    let go = GoClient::new(stoa.url());
    let downloaded = go.run(&["mod", "download", "-json", "example.com/odd@v1.0.0-RC.1"]);
    let downloaded: serde_json::Value = serde_json::from_str(&downloaded.expect_success().stdout).unwrap();
    assert_eq!(downloaded["GoModSum"], odd.go_mod_h1());
    assert_eq!(downloaded["Sum"], odd.h1());
}

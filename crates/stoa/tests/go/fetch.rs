//! `stoa fetch` prints what `go mod download -json` prints.

use std::fs;

use serde_json::Value;
use stoa_testing::go::GoClient;
use stoa_testing::process::{Finished, run};
use stoa_testing::scene::Scene;

use crate::support::{STOA, scene};

pub(crate) fn stoa_fetch(scene: &Scene, modules: &[&str]) -> Finished {
    let (storage, upstream) = (scene.storage(), scene.upstream.url());
    let arguments = [
        "fetch",
        "--storage",
        storage.to_str().unwrap(),
        "--upstream",
        &upstream,
    ];
    run(STOA, &[&arguments[..], modules].concat(), &[])
}

/// The JSON values in a text, one after another.
pub(crate) fn values(text: &str) -> Vec<Value> {
    let values = serde_json::Deserializer::from_str(text).into_iter::<Value>();
    values
        .map(|value| value.unwrap_or_else(|error| panic!("{error}: {text}")))
        .collect()
}

/// One module as `go mod download -json` prints it.
pub(crate) fn go_download(goproxy: &str, module: &str) -> Value {
    let downloaded = GoClient::new(goproxy).run(&["mod", "download", "-json", module]);
    values(&downloaded.stdout)
        .pop()
        .unwrap_or_else(|| panic!("{downloaded:?}"))
}

/// Every field but those that name files; `Dir` is only where a tree was unpacked.
pub(crate) fn comparable(mut module: Value) -> Value {
    for field in ["Info", "GoMod", "Zip", "Dir"] {
        module.as_object_mut().unwrap().remove(field);
    }
    module
}

#[test]
fn the_fields_agree_with_the_go_command() {
    let scene = scene();
    for module in [
        "example.com/greet@v1.0.0",
        "example.com/greet/v2@v2.0.1",
        "example.com/Upper/Case@v0.3.0",
        "example.com/legacy@v2.0.0+incompatible",
        "example.com/words@v0.0.0-20230102030405-aaaabbbbcccc",
    ] {
        let fetched = stoa_fetch(&scene, &[module]);
        assert_eq!((fetched.code, fetched.stderr.as_str()), (Some(0), ""), "{module}");
        let fetched = values(&fetched.stdout).remove(0);
        let want = go_download(&scene.upstream.url(), module);
        assert_eq!(comparable(fetched.clone()), comparable(want), "{module}");

        let (path, version) = module.split_once('@').unwrap();
        let module = scene.example.module(path, version);
        for (field, content) in [
            ("Info", module.info()),
            ("GoMod", module.go_mod()),
            ("Zip", module.zip().to_bytes()),
        ] {
            let file = fetched[field].as_str().unwrap();
            assert!(file.starts_with(scene.storage().to_str().unwrap()), "{file}");
            assert_eq!(fs::read(file).unwrap(), content, "{file}");
        }
    }
}

#[test]
fn a_second_fetch_asks_nobody() {
    let scene = scene();
    let first = stoa_fetch(&scene, &["example.com/greet@v1.0.0"]);
    scene.upstream.kill();
    assert_eq!(stoa_fetch(&scene, &["example.com/greet@v1.0.0"]), first);
}

#[test]
fn a_missing_module_has_an_error_and_the_rest_is_fetched() {
    let scene = scene();
    let fetched = stoa_fetch(
        &scene,
        &[
            "example.com/greet@v1.0.0",
            "example.com/nobody@v1.0.0",
            "example.com/legacy",
            "not a path",
        ],
    );
    assert_eq!(fetched.code, Some(1), "{fetched:?}");
    let modules = values(&fetched.stdout);
    assert_eq!(modules.len(), 4);
    assert_eq!(
        modules[0]["Sum"],
        scene.example.module("example.com/greet", "v1.0.0").h1()
    );
    assert_eq!(modules[1]["Path"], "example.com/nobody");
    let error = modules[1]["Error"].as_str().unwrap();
    assert_eq!(error, "not found: /example.com/nobody/@v/v1.0.0.info");
    assert_eq!(modules[1].get("Sum"), None);
    assert_eq!(modules[2]["Version"], "v2.0.0+incompatible");
    assert!(
        modules[3]["Error"]
            .as_str()
            .unwrap()
            .contains("malformed module path"),
        "{}",
        modules[3]
    );

    let go = go_download(&scene.upstream.url(), "example.com/nobody@v1.0.0");
    assert!(
        go["Error"].is_string(),
        "the go command reports it in the same field: {go}"
    );
    assert_eq!(go["Version"], modules[1]["Version"]);
}

#[test]
fn an_upstream_that_fails_is_named_in_the_error() {
    let scene = scene();
    scene.upstream.kill();
    let fetched = stoa_fetch(&scene, &["example.com/greet@v1.0.0"]);
    assert_eq!(fetched.code, Some(1));
    let error = values(&fetched.stdout)[0]["Error"].as_str().unwrap().to_owned();
    assert!(
        error.contains(&scene.upstream.url()) && error.contains("Connection refused"),
        "{error}"
    );
}

#[test]
fn a_command_line_without_a_module_is_a_usage_error() {
    let none = run(STOA, &["fetch"], &[]);
    assert_eq!(none.code, Some(64));
    assert!(none.stderr.contains("Usage: stoa fetch"), "{}", none.stderr);
}

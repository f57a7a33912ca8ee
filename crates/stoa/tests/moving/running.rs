//! A proxy that runs, and an import that is killed.

use std::{
    process::{Command, Stdio},
    time::Duration,
};

use stoa_testing::{reply::Reply, upstream::Upstream};

use crate::{
    STOA,
    scene::{Layout, Modules, Scene, files, module, read, write},
};

/// As Athens answers: a page with the place of the next one.
#[tokio::test(flavor = "multi_thread")]
async fn a_running_athens_is_read_by_its_catalogue() {
    let (scene, modules) = (Scene::new(), Modules::new(Layout::Goproxy));
    let athens = Upstream::start_blocking();
    athens.modules(&modules.good);
    let mut listed: Vec<_> = modules
        .good
        .iter()
        .map(|module| serde_json::json!({ "module": module.path(), "version": module.version() }))
        .collect();
    for (name, content) in &modules.bad {
        athens.file(&format!("/{name}"), content.clone());
    }
    for name in ["swapped", "cut", "html"] {
        listed.push(serde_json::json!({ "module": format!("example.com/{name}"), "version": "v1.0.0" }));
    }
    let half = listed.split_off(5);
    let pages = [
        serde_json::json!({ "modules": listed, "next": "five|5" }),
        serde_json::json!({ "modules": half }),
    ];
    athens.answer_with(move |request| match request.target.as_str() {
        "/catalog?pagesize=500&token=" => Reply::json(&pages[0]),
        "/catalog?pagesize=500&token=five%7C5" => Reply::json(&pages[1]),
        _ => Reply::text(404, "not found"),
    });
    scene.takes_over(&["athens", &athens.url()], &[], &modules).await;
}

/// Killed at any moment it leaves nothing that is half, and the next run brings the rest.
#[tokio::test(flavor = "multi_thread")]
async fn an_import_that_is_killed_goes_on() {
    let seed = stoa_testing::go::environment("STOA_SEED").and_then(|seed| seed.parse().ok());
    let seed: u64 = seed.unwrap_or_else(|| u64::from(std::process::id()));
    println!("STOA_SEED={seed}");
    let scene = Scene::new();
    let tree = scene.directory.path().join("tree");
    let modules: Vec<_> = (0..200)
        .map(|n| module(&format!("example.com/m{n}"), "v1.0.0"))
        .collect();
    for module in &modules {
        write(&tree, &files(module, Layout::Goproxy));
    }
    let storage = scene.storage();
    let mut random = seed;
    for _ in 0..12 {
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let after = Duration::from_millis(20 + (random >> 33) % 200);
        let mut child = Command::new(STOA)
            .args([
                "import",
                "goproxy",
                tree.to_str().unwrap(),
                "--quiet",
                "--storage",
                &storage,
            ])
            .env_clear()
            .env("STOA_UPSTREAM", "off")
            .env("STOA_SUMDB_DATABASES", "")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        tokio::time::sleep(after).await;
        child.kill().unwrap();
        child.wait().unwrap();
    }
    let rest = scene.import(&["goproxy", tree.to_str().unwrap()], &[]);
    assert_eq!(rest.code, Some(0), "{rest:?}");
    let (_, report) = read(&rest);
    let number = |name: &str| report[name].as_u64().unwrap();
    assert_eq!(number("imported") + number("present"), 600, "{report}");
    let verified = stoa_testing::process::run(
        STOA,
        &["verify", "--json", "--storage", &storage],
        &[("STOA_UPSTREAM", "off")],
    );
    assert_eq!(verified.code, Some(0), "{verified:?}");
    println!("{} files were there before the last run", number("present"));
}

//! `stoa verify --upstream` finds what changed after it was stored.

use serde_json::Value;
use stoa_testing::fixtures::ModuleFixture;
use stoa_testing::process::{Finished, run};
use stoa_testing::reply::Reply;

use crate::support::{STOA, Stand, get};

fn compare(stand: &Stand, arguments: &[&str]) -> Finished {
    let (storage, config) = (stand.scene.storage(), stand.private("corp.example/*"));
    let storage = storage.to_str().unwrap();
    let fixed = ["verify", "--storage", storage, "--config", &config];
    let (database, upstream) = (stand.database.gosumdb(), stand.scene.upstream.url());
    let environment = [
        ("STOA_SUMDB_DATABASES", database.as_str()),
        ("STOA_UPSTREAM", upstream.as_str()),
        ("STOA_DISPATCH_BREAKER", "disabled"),
        ("STOA_DISPATCH_RETRIES", "0"),
    ];
    run(STOA, &[&fixed[..], arguments].concat(), &environment)
}

#[tokio::test]
async fn what_changed_upstream_is_reported_and_the_first_content_goes_on_being_served() {
    let stand = Stand::new();
    let (greet, gone) = (
        stand.scene.greet(),
        stand.scene.example.module("example.com/greet", "v1.1.0"),
    );
    let secret = ModuleFixture::new("corp.example/tools", "v1.0.0").file("a.go", "package a\n");
    stand.scene.upstream.module(&secret);
    let config = stand.private("corp.example/*");
    let stoa = stand.stoa().arg("--config").arg(&config).start();
    for module in [greet, gone, &secret] {
        for suffix in ["mod", "zip"] {
            assert_eq!(get(&stoa, &module.url_path(suffix)).await.status, 200);
        }
    }
    let fine = compare(&stand, &["--upstream"]);
    assert_eq!(
        (fine.code, fine.stdout.as_str()),
        (
            Some(0),
            "2 modules, 3 versions, 6 files compared: 0 changed, 0 gone upstream, 0 not compared\n"
        ),
        "{fine:?}"
    );

    let moved = |path: &str| {
        ModuleFixture::new(path, "v1.0.0")
            .with_go_mod(format!("module {path}\n\ngo 1.30\n"))
            .file("b.go", "package b\n")
    };
    let (greet_moved, secret_moved) = (moved("example.com/greet"), moved("corp.example/tools"));
    stand
        .scene
        .upstream
        .file(&greet.url_path("zip"), greet_moved.zip());
    stand.scene.upstream.module(&secret_moved);
    for suffix in ["mod", "zip"] {
        stand
            .scene
            .upstream
            .on(&gone.url_path(suffix), Reply::text(410, "gone\n"));
    }
    let found = compare(&stand, &["--upstream", "--json"]);
    assert_eq!(found.code, Some(1), "{found:?}");
    let lines: Vec<Value> = found
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let changed: Vec<_> = lines[..lines.len() - 1]
        .iter()
        .map(|line| {
            let text = |field: &str| line[field].as_str().unwrap_or("-").to_owned();
            assert_eq!(line["changed"], true, "{line}");
            (text("file"), text("stored"), text("upstream"), text("database"))
        })
        .collect();
    let file = |module: &ModuleFixture, suffix: &str| module.url_path(suffix)[1..].to_owned();
    let none = || "-".to_owned();
    let want = [
        (
            file(&secret, "mod"),
            secret.go_mod_h1(),
            secret_moved.go_mod_h1(),
            none(),
        ),
        (file(&secret, "zip"), secret.h1(), secret_moved.h1(), none()),
        (file(greet, "zip"), greet.h1(), greet_moved.h1(), greet.h1()),
    ];
    assert_eq!(changed, want);
    let summary = lines.last().unwrap();
    assert_eq!(
        (&summary["changed"], &summary["gone"], &summary["failed"]),
        (&3.into(), &2.into(), &0.into())
    );

    assert_eq!(
        get(&stoa, &greet.url_path("zip")).await.body,
        greet.zip().to_bytes()
    );
    assert_eq!(
        std::fs::read(stand.stored(greet, "zip")).unwrap(),
        greet.zip().to_bytes()
    );
    let temporary = std::fs::read_dir(stand.scene.storage().join(".stoa/tmp")).unwrap();
    assert_eq!(temporary.count(), 0, "nothing is left behind");
    let text = compare(&stand, &["--upstream"]);
    let line = format!(
        "{}: changed; stored {}, upstream {}, checksum database {}",
        file(greet, "zip"),
        greet.h1(),
        greet_moved.h1(),
        greet.h1()
    );
    assert!(text.stdout.contains(&line), "{}", text.stdout);
    assert!(
        stand
            .database
            .requests()
            .iter()
            .all(|path| !path.contains("corp.example"))
    );
}

#[tokio::test]
async fn what_was_stored_unverified_is_found_when_the_database_is_back() {
    let stand = Stand::new();
    let greet = stand.scene.greet();
    let other = ModuleFixture::new(greet.path(), greet.version()).file("c.go", "package c\n");
    stand.scene.upstream.module(&other);
    stand.database.kill();
    let stoa = stand.stoa().env("STOA_SUMDB_UNAVAILABLE", "allow").start();
    assert_eq!(get(&stoa, &greet.url_path("zip")).await.status, 200);

    let away = compare(&stand, &["--upstream"]);
    assert_eq!(away.code, Some(1), "{away:?}");
    assert!(
        away.stdout.contains("not compared") && away.stdout.contains("does not answer"),
        "{}",
        away.stdout
    );
    stand.database.restart_same_port();
    let back = compare(&stand, &["--upstream"]);
    assert_eq!(back.code, Some(1));
    let line = format!(
        "changed; stored {}, upstream {}, checksum database {}",
        other.h1(),
        other.h1(),
        greet.h1()
    );
    assert!(back.stdout.contains(&line), "{}", back.stdout);
}

#[test]
fn verify_without_upstream_asks_nobody() {
    let stand = Stand::new();
    std::fs::create_dir_all(stand.scene.storage()).unwrap();
    let verified = compare(&stand, &[]);
    assert_eq!(verified.code, Some(0), "{verified:?}");
    assert!(verified.stdout.contains("0 bad"), "{}", verified.stdout);
    assert_eq!(
        (stand.scene.upstream.total(), stand.database.requests().len()),
        (0, 0)
    );
    let list = compare(&stand, &["--upstream", "off"]);
    assert_eq!(
        list.code,
        Some(0),
        "a list only says where to repair from: {list:?}"
    );
    let both = compare(&stand, &["--upstream", "--repair"]);
    assert_eq!(both.code, Some(64), "{both:?}");
    let offline = compare(&stand, &["--upstream", "--network", "offline"]);
    assert_eq!(offline.code, Some(1), "{offline:?}");
    assert!(offline.stderr.contains("asks nobody"), "{}", offline.stderr);
}

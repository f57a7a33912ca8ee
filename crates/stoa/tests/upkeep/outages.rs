//! An index that fails, and one that is made anew.

use std::fs;

use stoa_testing::{mariadb::MariaDb, postgres::Postgres};

use crate::scene::{Scene, path_of, sized};

#[tokio::test(flavor = "multi_thread")]
async fn what_a_killed_server_has_stored_is_found_again() {
    let modules: Vec<_> = (0..20)
        .map(|n| sized(&format!("m{n}"), "v1.0.0", 2_000))
        .collect();
    let mut scene = Scene::start(&modules, &[]);
    scene.indexed(0).await;
    for module in &modules {
        scene.fetch(module).await;
    }
    // At once: some of it has not been told to the index.
    scene.restart();
    scene.indexed(20).await;
    // A clean end leaves nothing to look for.
    assert!(scene.storage().join(".stoa/index-in-use").is_file());
    let ended = scene.stoa.sigterm_and_wait(std::time::Duration::from_secs(20));
    assert!(ended.success());
    assert!(!scene.storage().join(".stoa/index-in-use").is_file());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_or_missing_index_is_made_anew() {
    let modules = [sized("a", "v1.0.0", 2_000), sized("b", "v1.0.0", 2_000)];
    let mut scene = Scene::start(&modules, &[]);
    for module in &modules {
        scene.fetch(module).await;
    }
    let before = scene.indexed_whole(2).await;
    let file = scene.storage().join(".stoa/index.db");
    scene.stoa.kill9();
    for suffix in ["-wal", "-shm"] {
        let _absent = fs::remove_file(file.with_file_name(format!("index.db{suffix}")));
    }
    fs::write(&file, b"this is no database at all, whoever wrote it").unwrap();
    scene.restart();
    assert_eq!(scene.indexed(2).await["bytes"], before["bytes"]);
    scene.stoa.kill9();
    for suffix in ["", "-wal", "-shm"] {
        let _absent = fs::remove_file(file.with_file_name(format!("index.db{suffix}")));
    }
    scene.restart();
    assert_eq!(scene.indexed(2).await["bytes"], before["bytes"]);
    // Files that came and went behind the back of the server.
    fs::remove_file(scene.storage().join("example.com/b/@v/v1.0.0.zip")).unwrap();
    let done = scene.command(&["storage", "reindex"]);
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    assert!(
        done.stdout.starts_with("2 modules, 2 versions, 5 files, "),
        "{}",
        done.stdout
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_index_that_cannot_be_fails_no_request() {
    let module = sized("a", "v1.0.0", 2_000);
    let scene = Scene::start(
        std::slice::from_ref(&module),
        &[("STOA_INDEX_STORE", "file:///proc/stoa/index.db")],
    );
    scene.fetch(&module).await;
    assert_eq!(scene.get("/readyz").await.status, 200);
    let answer = scene.get("/index").await;
    assert!(
        [500, 503].contains(&answer.status),
        "{}: {}",
        answer.status,
        answer.text()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_postgres_that_goes_away_fails_no_request_and_is_told_later() {
    let postgres = Postgres::start();
    postgres.run_in("postgres", "CREATE DATABASE stoa");
    let url = postgres.url("stoa");
    away_and_back(&url, || postgres.kill(), || postgres.restart()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mariadb_that_goes_away_fails_no_request_and_is_told_later() {
    let mariadb = MariaDb::start();
    let url = mariadb.url("stoa");
    away_and_back(&url, || mariadb.kill(), || mariadb.restart()).await;
}

async fn away_and_back(url: &str, kill: impl Fn(), restart: impl Fn()) {
    let modules: Vec<_> = (0..4).map(|n| sized(&format!("m{n}"), "v1.0.0", 2_000)).collect();
    let settings = [("STOA_INDEX_STORE", url), ("STOA_INDEX_TIMEOUT", "2s")];
    let mut scene = Scene::start(&modules, &settings);
    scene.fetch(&modules[0]).await;
    scene.indexed(1).await;
    kill();
    scene.fetch(&modules[1]).await;
    let answer = scene.get("/index").await;
    assert_eq!(answer.status, 503, "{}", answer.text());
    assert!(answer.header("retry-after").is_some());
    assert_eq!(scene.get("/readyz").await.status, 200);
    restart();
    scene.indexed(2).await;
    // A server starts while it is away, too, and finds what was stored meanwhile.
    kill();
    scene.restart();
    scene.fetch(&modules[2]).await;
    assert_eq!(scene.get(&path_of(&modules[0], "zip")).await.status, 200);
    restart();
    scene.indexed(3).await;
    assert_eq!(scene.get("/index").await.text().lines().count(), 3);
}

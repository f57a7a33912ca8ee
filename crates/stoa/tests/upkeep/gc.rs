//! An end to growth.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use serde_json::Value;
use stoa_testing::{fixtures::ModuleFixture, http::Streaming, reply::Reply};
use tokio::{task::JoinSet, time::sleep};

use crate::scene::{Scene, path_of, sized};

const MB: u64 = 1_000_000;

/// The versions that are stored, as the index has them.
async fn stored(scene: &Scene) -> Vec<String> {
    let (status, answer) = scene.api("GET", "storage/versions?limit=5000", "").await;
    assert_eq!(status, 200, "{answer}");
    let names = answer["versions"].as_array().unwrap().iter();
    names
        .map(|row| {
            row["module"]
                .as_str()
                .unwrap()
                .trim_start_matches("example.com/")
                .to_owned()
        })
        .collect()
}

/// Runs it by the command line, and reads its report.
fn gc(scene: &Scene, arguments: &[&str]) -> Value {
    let done = scene.command(&[&["storage", "gc", "--json"], arguments].concat());
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    serde_json::from_str(&done.stdout).unwrap()
}

fn names(report: &Value) -> Vec<&str> {
    let removed = report["removed"].as_array().unwrap().iter();
    removed
        .map(|item| {
            item["module"]
                .as_str()
                .unwrap()
                .trim_start_matches("example.com/")
        })
        .collect()
}

/// 150 MB and a quota of 100 MB: what was used the longest time ago goes, but for what is listed and what upstream
/// does not have any more.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_used_the_longest_time_ago_goes_and_the_rules_hold() {
    let modules: Vec<_> = (0..50)
        .map(|n| sized(&format!("m{n:02}"), "v1.0.0", 3 * MB))
        .collect();
    let settings = [
        ("STOA_GC_QUOTA", "100MB"),
        ("STOA_GC_MIN_AGE", "0s"),
        (
            "STOA_GC_KEEP",
            "example.com/m03,example.com/m04@v1.0.0,example.com/m05@v9.0.0",
        ),
    ];
    let scene = Scene::start(&modules, &settings);
    for module in &modules {
        scene.fetch(module).await;
    }
    // Used again, so that it is not its turn.
    scene.get(&path_of(&modules[0], "mod")).await;
    let before = scene.indexed_whole(50).await;
    assert!(before["bytes"].as_u64().unwrap() > 150 * MB);
    scene
        .upstream
        .on(&path_of(&modules[7], "info"), Reply::text(410, "gone\n"));

    let dry = gc(&scene, &["--dry-run"]);
    assert_eq!(dry["dry_run"], true);
    assert_eq!(scene.indexed_whole(50).await["bytes"], before["bytes"]);
    let done = gc(&scene, &[]);
    assert_eq!(names(&done), names(&dry));
    // In the order of use, without m00 (used), m03 and m04 (listed) and m07 (gone).
    let mut want: Vec<_> = (1..50)
        .filter(|n| ![3, 4, 7].contains(n))
        .map(|n| format!("m{n:02}"))
        .collect();
    want.truncate(names(&done).len());
    assert_eq!(names(&done), want);
    assert_eq!(want.len(), 17, "the fewest that make room");
    assert_eq!(done["kept"], serde_json::json!({ "listed": 2, "gone": 1 }));
    let after = scene.indexed_whole(33).await;
    assert!(after["bytes"].as_u64().unwrap() <= 100 * MB, "{after}");
    assert_eq!(after["bytes"], done["bytes_after"]);
    let left = stored(&scene).await;
    assert!(left.iter().all(|name| !want.contains(name)), "{left:?}");
    // On the disk there is what the index says.
    let zips = walk(&scene.storage())
        .into_iter()
        .filter(|path| path.extension().is_some_and(|kind| kind == "zip"))
        .count();
    assert_eq!(zips, 33);
    // What went is fetched again.
    let again = scene.get(&path_of(&modules[1], "zip")).await;
    assert_eq!((again.status, again.body.len() as u64), (200, 3 * MB));
    println!(
        "gc: {} versions went, {} -> {}",
        names(&done).len(),
        done["bytes_before"],
        done["bytes_after"]
    );
}

fn walk(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(walk(&path));
        } else {
            found.push(path);
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_private_stays_and_without_an_answer_of_upstream_all_does() {
    let modules: Vec<_> = (0..4)
        .map(|n| sized(&format!("m{n}"), "v1.0.0", 10_000))
        .collect();
    let settings = [("STOA_GC_QUOTA", "1KB"), ("STOA_GC_MIN_AGE", "0s")];
    let mut scene = Scene::start(&modules, &settings);
    for module in &modules {
        scene.fetch(module).await;
    }
    scene.indexed_whole(4).await;
    scene.upstream.kill();
    let done = gc(&scene, &[]);
    assert_eq!(done["kept"], serde_json::json!({ "unasked": 4 }));
    scene.upstream.restart_same_port();
    // The breaker of the host may be open for a while: a new process knows nothing of it.
    scene.set("STOA_VCS_PRIVATE", "example.com/m1");
    scene.restart();
    scene.indexed_whole(4).await;
    let done = gc(&scene, &[]);
    assert_eq!(done["kept"], serde_json::json!({ "private": 1 }));
    assert_eq!(stored(&scene).await, ["m1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn by_itself_it_makes_room_and_keeps_what_is_recent() {
    let modules: Vec<_> = (0..4)
        .map(|n| sized(&format!("m{n}"), "v1.0.0", 10_000))
        .collect();
    let settings = [
        ("STOA_GC_QUOTA", "25KB"),
        ("STOA_GC_MIN_AGE", "0s"),
        ("STOA_GC_EVERY", "1s"),
    ];
    let mut scene = Scene::start(&modules, &settings);
    for module in &modules {
        scene.fetch(module).await;
    }
    scene.indexed(2).await;
    assert_eq!(stored(&scene).await, ["m2", "m3"]);
    scene.set("STOA_GC_MIN_AGE", "1h");
    scene.set("STOA_GC_QUOTA", "1KB");
    scene.set("STOA_GC_EVERY", "1h");
    scene.restart();
    scene.indexed(2).await;
    let done = gc(&scene, &[]);
    assert_eq!(done["kept"], serde_json::json!({ "recent": 2 }));
}

/// Clients read slowly while the file that they read goes.
#[tokio::test(flavor = "multi_thread")]
async fn nobody_who_reads_a_file_is_cut_when_it_goes() {
    let modules: Vec<ModuleFixture> = (0..8)
        .map(|n| sized(&format!("m{n}"), "v1.0.0", 6 * MB))
        .collect();
    let settings = [
        ("STOA_GC_QUOTA", "1KB"),
        ("STOA_GC_MIN_AGE", "0s"),
        ("STOA_GC_KEEP_GONE", "false"),
    ];
    let scene = Scene::start(&modules, &settings);
    for module in &modules {
        scene.fetch(module).await;
    }
    scene.indexed_whole(8).await;
    let mut readers = JoinSet::new();
    for number in 0..24 {
        let module = &modules[number % 8];
        let url = format!("{}{}", scene.stoa.url(), path_of(module, "zip"));
        let mut stream = Streaming::open(&url, &[]).await.unwrap();
        assert!(stream.read_past(1).await.unwrap());
        readers.spawn(async move {
            let mut len = stream.received();
            while let Some(piece) = stream.next().await.unwrap() {
                len += piece.len() as u64;
                sleep(Duration::from_millis(5)).await;
            }
            (len, stream.end().unwrap())
        });
    }
    let done = gc(&scene, &[]);
    assert_eq!(done["versions"], 8);
    for (len, end) in readers.join_all().await {
        assert_eq!((len, format!("{end:?}")), (6 * MB, "Clean".to_owned()));
    }
    assert!(stored(&scene).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn without_rules_or_an_index_it_says_what_to_set() {
    let scene = Scene::start(&[], &[]);
    scene.indexed(0).await;
    let refused = scene.command(&["storage", "gc"]);
    assert_eq!(refused.code, Some(1));
    assert!(
        refused.stderr.contains("set gc.quota or gc.max_age"),
        "{}",
        refused.stderr
    );
    let directory = scene.directory.path().join("other");
    let started = stoa_testing::process::run(
        crate::STOA,
        &[
            "serve",
            "--listen",
            "127.0.0.1:0",
            "--storage",
            directory.to_str().unwrap(),
        ],
        &[("STOA_INDEX_STORE", "none"), ("STOA_GC_QUOTA", "1GiB")],
    );
    assert_ne!(started.code, Some(0));
    assert!(started.stderr.contains("set index.store"), "{}", started.stderr);
}

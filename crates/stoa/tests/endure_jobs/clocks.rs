//! Nodes whose clocks are wrong.

use std::collections::BTreeSet;
use std::fs;
use std::time::Duration;

use serde_json::json;
use stoa_testing::content::Content;
use stoa_testing::reply::Reply;

use crate::scene::{Kind, LEASE, Scene, attempts};

on_both_stores!(a24_a_wrong_clock_ends_no_lease_and_no_pause);

/// What fakes the clock of a process.
fn library() -> String {
    let folders = fs::read_dir("/usr/lib").into_iter().flatten().flatten();
    let mut places = folders.map(|folder| folder.path().join("faketime/libfaketime.so.1"));
    let found = places.find(|place| place.try_exists().unwrap_or(false));
    found
        .expect("faketime is installed (scripts/tools.sh does it)")
        .display()
        .to_string()
}

async fn a24_a_wrong_clock_ends_no_lease_and_no_pause(kind: Kind) {
    const SHORT: usize = 30;
    let mut scene = Scene::of(kind, 1);
    let library = library();
    for (node, offset) in [(1, "+2h"), (2, "-2h")] {
        let fake = [
            ("LD_PRELOAD", library.as_str()),
            ("FAKETIME", offset),
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
        ];
        scene.start_with(node, &fake);
        let token = scene.node(node).url().to_owned();
        let answer = stoa_testing::http::get(&token).await.unwrap();
        println!("{kind:?}: node {node} says it is {:?}", answer.header("date"));
    }
    // Each runs for longer than a lease.
    let drip = Reply::Drip {
        body: Content::random(80, 1),
        chunk: 1,
        every: Duration::from_millis(100),
    };
    let later = Reply::full(503, &[("Retry-After", "3")], "later");
    let more = json!({ "aggr_limit": 40, "max_retries": 0 });
    let mut ids = Vec::new();
    for node in 0..3 {
        let (long, put_off) = (format!("/long{node}"), format!("/later{node}"));
        scene.origin.on(&long, drip.clone());
        scene
            .origin
            .script(&put_off, [later.clone()])
            .file(&put_off, "content");
        ids.push((scene.download(node, &long, &more).await, vec!["ok"]));
        ids.push((scene.download(node, &put_off, &more).await, vec!["snoozed", "ok"]));
    }
    for number in 0..SHORT {
        let path = format!("/x{number}");
        scene.origin.file(&path, "content");
        ids.push((scene.download(number % 3, &path, &more).await, vec!["ok"]));
    }
    let mut nodes = BTreeSet::new();
    for (id, want) in &ids {
        let job = scene.ended(0, id).await;
        assert_eq!((&job["state"], &attempts(&job)), (&json!("ok"), want), "{job}");
        nodes.insert(job["attempts"][0]["node"].to_string());
    }
    let requests = scene.origin.requests();
    for node in 0..3 {
        let path = format!("/later{node}");
        let at: Vec<_> = requests
            .iter()
            .filter(|one| one.path == path)
            .map(|one| one.at)
            .collect();
        let pause = at[1] - at[0];
        println!("{kind:?}: {path} is put off for {pause:?}");
        assert!((3..30).contains(&pause.as_secs()), "{pause:?}");
    }
    assert!(
        Duration::from_secs(7) > LEASE,
        "the long ones outlast their first lease"
    );
    assert_eq!(scene.callbacks(ids.len()).await.len(), ids.len());
    println!("{kind:?}: {} nodes had jobs", nodes.len());
    assert_eq!(scene.origin.total(), 3 + 6 + SHORT, "none ran twice");
    assert!(nodes.len() > 1, "{nodes:?}");
}

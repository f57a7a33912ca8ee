//! Downloads whose origin goes away.

use std::fs;
use std::path::Path;
use std::time::Duration;

use serde_json::json;
use stoa_testing::content::Content;
use stoa_testing::gate::Gate;
use stoa_testing::reply::Reply;

use crate::scene::{Kind, Scene};

on_both_stores!(
    a17_a_download_goes_on_where_its_origin_was_killed,
    a17_a_download_of_what_has_changed_begins_anew,
);

const SIZE: u64 = 32 << 20;
const SENT: u64 = SIZE / 10 * 6;

/// Until `killed` the origin sends 60 per cent of a file; then it is killed and comes back with `then`. Returns the ranges that
/// it was asked for.
async fn ranges(scene: &Scene, first: &Content, then: Reply) -> (String, Vec<Option<u64>>) {
    let gate = Gate::new();
    let etag = "\"a\"".to_owned();
    let body = first.clone();
    let (paused, gate_of_it) = (SENT, gate.clone());
    scene.origin.script(
        "/x",
        [Reply::RangedUntil {
            etag,
            body,
            sends: paused,
            gate: gate_of_it,
        }],
    );
    scene.origin.on("/x", then);
    let id = scene.download(0, "/x", &json!({ "max_retries": 20 })).await;
    gate.reached(1).await;
    arrived_on_disk(&scene.downloads.join(".partial")).await;
    scene.origin.kill();
    // It is asked in vain before it is back.
    let failed = async {
        while scene.job(0, &id).await["charged"].as_u64() < Some(2) {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), failed)
        .await
        .unwrap();
    scene.origin.restart_same_port();
    let (told, _) = scene.callbacks(1).await.remove(0);
    assert_eq!(told["success"], true, "{told}");
    let requests = scene.origin.requests();
    let range = |text: &str| text.strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok();
    let ranges = requests
        .iter()
        .map(|request| request.header("range").and_then(range));
    (id, ranges.collect())
}

/// All that was sent is in the partial file. Nothing tells of that, so it is looked at again and again.
async fn arrived_on_disk(folder: &Path) {
    let all = async {
        loop {
            let parts = fs::read_dir(folder).into_iter().flatten().flatten();
            let sizes = parts
                .filter_map(|part| part.metadata().ok())
                .map(|data| data.len());
            if sizes.max() >= Some(SENT) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), all).await.unwrap();
}

async fn a17_a_download_goes_on_where_its_origin_was_killed(kind: Kind) {
    let scene = Scene::of(kind, 1);
    let body = Content::random(SIZE, 7);
    let then = Reply::Ranged {
        etag: "\"a\"".into(),
        body: body.clone(),
    };
    let (id, ranges) = ranges(&scene, &body, then).await;
    assert_eq!(ranges.len(), 2, "{ranges:?}");
    let from = ranges[1].unwrap_or(0);
    let sent = SENT + (SIZE - from);
    println!("{kind:?}: it went on at byte {from}; {sent} bytes were sent of {SIZE}");
    assert_eq!(ranges[0], None);
    assert!(sent * 10 < SIZE * 11, "{sent} bytes were sent");
    assert!(fs::read(scene.file(&id)).unwrap() == body.to_bytes());
    let job = scene.ended(0, &id).await;
    assert_eq!(
        job["result"]["sha256"].as_str(),
        Some(body.sha256().as_str()),
        "{job}"
    );
}

async fn a17_a_download_of_what_has_changed_begins_anew(kind: Kind) {
    let scene = Scene::of(kind, 1);
    let (old, new) = (Content::random(SIZE, 7), Content::random(SIZE, 8));
    let then = Reply::Ranged {
        etag: "\"b\"".into(),
        body: new.clone(),
    };
    let (id, ranges) = ranges(&scene, &old, then).await;
    println!("{kind:?}: {ranges:?}");
    assert_eq!(
        (ranges.len(), ranges[0]),
        (2, None),
        "the answer to the range is all of it: {ranges:?}"
    );
    assert!(ranges[1] >= Some(SENT), "{ranges:?}");
    let request = scene.origin.requests().remove(1);
    assert_eq!(request.header("if-range"), Some("\"a\""));
    assert!(fs::read(scene.file(&id)).unwrap() == new.to_bytes());
    let job = scene.ended(0, &id).await;
    assert_eq!(
        job["result"]["sha256"].as_str(),
        Some(new.sha256().as_str()),
        "{job}"
    );
}

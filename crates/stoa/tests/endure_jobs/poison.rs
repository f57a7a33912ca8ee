//! Downloads that would never end.

use std::time::{Duration, Instant};

use serde_json::json;
use stoa_testing::content::Content;
use stoa_testing::reply::Reply;

use crate::scene::{Kind, Scene, attempts, files};

on_each_store!(a18_an_endless_download_is_cut_off_and_its_slot_is_free);
on_both_stores!(a18_a_slow_download_is_cut_off_and_its_slot_is_free);

async fn a18_an_endless_download_is_cut_off_and_its_slot_is_free(kind: Kind) {
    let scene = Scene::of(kind, 1);
    scene.origin.on("/endless", Reply::Endless).file("/x", "content");
    let (status, _) = scene
        .api(0, "PUT", "aggregations/url/a", &json!({ "concurrency": 1 }))
        .await;
    assert_eq!(status, 200);
    let url = format!("{}/endless", scene.origin.url());
    let submission = json!({ "url": { "url": url, "aggregation": "a", "max_bytes": 10_000_000 } });
    let began = Instant::now();
    let (status, job) = scene.api(0, "POST", "jobs", &submission).await;
    assert_eq!(status, 201, "{job}");
    let next = scene.download(0, "/x", &json!({})).await;
    let job = scene.ended(0, job["id"].as_str().unwrap()).await;
    assert_eq!(
        (&job["state"], &job["failure"]["class"], attempts(&job)),
        (&json!("dead"), &json!("too_large"), vec!["failed"]),
        "{job}"
    );
    assert_eq!(scene.ended(0, &next).await["state"], "ok");
    println!("{kind:?}: the next one is done after {:?}", began.elapsed());
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    scene.origin.hung_up("/endless", 1).await;
    assert_eq!(scene.origin.peak_in_flight(), 1, "they shared one slot");
    assert_eq!(files(&scene.downloads), [scene.file(&next)]);
    let parts = std::fs::read_dir(scene.downloads.join(".partial"))
        .unwrap()
        .count();
    assert_eq!(parts, 0, "nothing is left of it");
}

/// A server that sends less than a hundred bytes a second for a minute is too slow.
async fn a18_a_slow_download_is_cut_off_and_its_slot_is_free(kind: Kind) {
    let scene = Scene::of(kind, 1);
    scene.origin.file("/x", "content").on(
        "/drip",
        Reply::Drip {
            body: Content::zeros(100_000),
            chunk: 1,
            every: Duration::from_secs(1),
        },
    );
    let began = Instant::now();
    let more = json!({ "aggr_limit": 1, "max_retries": 0 });
    let slow = scene.download(0, "/drip", &more).await;
    scene.origin.arrived("/drip", 1).await;
    let next = scene.download(0, "/x", &more).await;
    let job = scene.ended(0, &slow).await;
    let elapsed = began.elapsed();
    println!("{kind:?}: it was cut off after {elapsed:?}");
    assert_eq!(
        (&job["state"], &job["failure"]["class"], attempts(&job)),
        (&json!("dead"), &json!("too_slow"), vec!["failed"]),
        "{job}"
    );
    assert!((59..90).contains(&elapsed.as_secs()), "{elapsed:?}");
    scene.origin.hung_up("/drip", 1).await;
    assert_eq!(scene.ended(0, &next).await["state"], "ok");
}

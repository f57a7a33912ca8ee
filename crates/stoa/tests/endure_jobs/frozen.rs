//! Nodes that sleep through their leases.

use std::fs;

use serde_json::json;
use stoa_testing::content::Content;
use stoa_testing::gate::Gate;
use stoa_testing::reply::Reply;

use crate::scene::{Kind, Scene, attempts, files};

on_both_stores!(a7_what_a_node_says_after_its_lease_is_refused);

async fn a7_what_a_node_says_after_its_lease_is_refused(kind: Kind) {
    let mut scene = Scene::of(kind, 1);
    let gate = Gate::new();
    let (stale, fresh) = (Content::random(500_000, 1), Content::random(400_000, 2));
    // The node that freezes gets another content than the one that takes over.
    let first = Reply::gated_at_end(stale, 100_000, &gate);
    scene.origin.script("/x", [first, Reply::ok(fresh.clone())]);
    let id = scene.download(0, "/x", &json!({})).await;
    gate.reached(1).await;
    scene.start(1);
    scene.node(0).signal("STOP");
    let (told, key) = scene.callbacks(1).await.remove(0);
    assert_eq!(
        (&told["success"], told["job_id"].as_str(), key),
        (&json!(true), Some(id.as_str()), format!("{id}-0-0")),
        "{told}"
    );
    assert!(fs::read(scene.file(&id)).unwrap() == fresh.to_bytes());
    // The rest comes at the moment at which it wakes.
    gate.release();
    scene.node(0).signal("CONT");
    let line = scene.node(0).wait_for_log("is refused");
    assert!(line.contains(&id), "{line}");
    // It works as before, and whatever it had to say of the first job it has said by now.
    scene.origin.file("/y", "content");
    let other = scene.download(0, "/y", &json!({})).await;
    assert_eq!(scene.ended(0, &other).await["state"], "ok");
    let told = scene.callbacks(2).await;
    assert_eq!(
        (told[1].0["job_id"].as_str(), told.len()),
        (Some(other.as_str()), 2)
    );
    let job = scene.ended(0, &id).await;
    assert_eq!(
        (attempts(&job), &job["charged"]),
        (vec!["lost", "ok"], &json!(1)),
        "{job}"
    );
    let same = fs::read(scene.file(&id)).unwrap() == fresh.to_bytes();
    assert!(same, "it was overwritten");
    assert_eq!(files(&scene.downloads).len(), 2);
    assert_eq!(scene.origin.count("/x"), 2);
    scene.check_logs();
}

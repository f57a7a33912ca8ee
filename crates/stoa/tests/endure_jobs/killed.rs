//! Nodes that are killed.

use std::fs;
use std::time::{Duration, Instant};

use serde_json::json;
use stoa_testing::content::Content;
use stoa_testing::gate::Gate;
use stoa_testing::reply::Reply;

use crate::batch::Batch;
use crate::scene::{Dice, Kind, LEASE, Scene, attempts};

on_both_stores!(
    a1_a_server_that_was_killed_goes_on_when_it_is_back,
    a2_another_node_does_what_a_killed_one_did,
);
on_each_store!(a3_two_hundred_downloads_survive_a_loop_of_kills);

/// The job that a killed node ran is done by a node that is there, once and within its time.
async fn goes_on(kind: Kind, scene: &Scene, node: usize, id: &str, gate: &Gate, killed: Instant) {
    scene.origin.arrived("/slow", 2).await;
    gate.release();
    let (told, key) = scene.callbacks(1).await.remove(0);
    let elapsed = killed.elapsed();
    println!("{kind:?}: told {elapsed:?} after the kill");
    assert!(elapsed < LEASE + Duration::from_secs(25), "{elapsed:?}");
    assert_eq!(
        (&told["success"], told["job_id"].as_str(), key),
        (&json!(true), Some(id), format!("{id}-0-0")),
        "{told}"
    );
    let job = scene.ended(node, id).await;
    assert_eq!(
        (attempts(&job), &job["charged"]),
        (vec!["lost", "ok"], &json!(1)),
        "{job}"
    );
    assert_eq!(job["attempts"][0]["failure"]["class"], "lost", "{job}");
    let nodes = [0, 1].map(|number| job["attempts"][number]["node"].clone());
    assert_ne!(nodes[0], nodes[1], "a process that starts again is another node");
    assert_eq!(scene.origin.count("/slow"), 2);
    assert_eq!(
        fs::read(scene.file(id)).unwrap(),
        Content::random(100_000, 7).to_bytes()
    );
    scene.check_logs();
}

/// A node whose only download waits for the gate.
async fn with_one_that_runs(kind: Kind) -> (Scene, Gate, String) {
    let scene = Scene::of(kind, 1);
    let gate = Gate::new();
    scene
        .origin
        .on("/slow", Reply::ok(Content::random(100_000, 7)).held(&gate));
    let id = scene.download(0, "/slow", &json!({})).await;
    scene.origin.arrived("/slow", 1).await;
    (scene, gate, id)
}

async fn a1_a_server_that_was_killed_goes_on_when_it_is_back(kind: Kind) {
    let (mut scene, gate, id) = with_one_that_runs(kind).await;
    let killed = Instant::now();
    scene.kill(0);
    scene.start(0);
    goes_on(kind, &scene, 0, &id, &gate, killed).await;
}

async fn a2_another_node_does_what_a_killed_one_did(kind: Kind) {
    let (mut scene, gate, id) = with_one_that_runs(kind).await;
    scene.start(1);
    let killed = Instant::now();
    scene.kill(0);
    goes_on(kind, &scene, 1, &id, &gate, killed).await;
}

async fn a3_two_hundred_downloads_survive_a_loop_of_kills(kind: Kind) {
    const JOBS: usize = 200;
    let mut scene = Scene::of(kind, 2);
    let mut dice = Dice::new();
    let batch = Batch::submit(&scene, JOBS, 2).await;
    // A job that is lost three times in a row is put aside. It is lost when its lease has ended, which lasts four seconds more
    // at least, so within this time nothing is lost more than twice.
    let (began, mut kills) = (Instant::now(), 0);
    loop {
        // A random moment is what this is about; nothing is waited for.
        tokio::time::sleep(Duration::from_millis(200 + dice.below(600))).await;
        if began.elapsed() > Duration::from_secs(7) {
            break;
        }
        let node = usize::from(dice.below(2) == 1);
        scene.kill(node);
        kills += 1;
        scene.start(node);
    }
    scene.shut_down(1);
    println!("{kind:?}: {kills} kills");
    batch.check(&scene, 0).await;
    assert!(scene.origin.total() > JOBS, "no kill met a download");
    scene.check_logs();
}

//! Nodes that are shut down.

use std::time::{Duration, Instant};

use serde_json::json;
use stoa_testing::gate::Gate;
use stoa_testing::reply::Reply;

use crate::scene::{Kind, Scene, attempts};

/// When a new server starts the next job at the latest, from the moment at which it listens.
const AT_ONCE: Duration = Duration::from_secs(2);

on_each_store!(a4_a5_a_shutdown_is_free_and_the_next_server_goes_on_at_once);

async fn a4_a5_a_shutdown_is_free_and_the_next_server_goes_on_at_once(kind: Kind) {
    const WAITING: usize = 50;
    let mut scene = Scene::without_nodes(kind);
    // Whoever waits for the end of the first server's lease waits for long.
    scene.set("STOA_JOBS_LEASE", "60s");
    scene.start(0);
    let gate = Gate::new();
    scene.origin.on("/slow", Reply::text(200, "content").held(&gate));
    let slow = scene
        .download(0, "/slow", &json!({ "aggr_limit": 1, "max_retries": 0 }))
        .await;
    scene.origin.arrived("/slow", 1).await;
    for number in 0..WAITING {
        let path = format!("/x{number}");
        scene.origin.file(&path, "content");
        scene.download(0, &path, &json!({ "aggr_limit": 1 })).await;
    }
    scene.shut_down(0);
    assert_eq!(scene.told.total(), 0, "nothing is over");
    assert_eq!(scene.origin.hang_ups("/slow"), 1);
    scene.start(0);
    let began = Instant::now();
    // The one that was interrupted is behind those that wait.
    scene.origin.arrived("/slow", 2).await;
    gate.release();
    for (told, _) in scene.callbacks(1 + WAITING).await {
        assert_eq!(told["success"], true, "{told}");
    }
    let job = scene.ended(0, &slow).await;
    assert_eq!(
        (&job["state"], &job["charged"], attempts(&job)),
        (&json!("ok"), &json!(1), vec!["interrupted", "ok"]),
        "{job}"
    );
    let next = scene.origin.requests()[1].at;
    let elapsed = next.saturating_duration_since(began);
    println!("{kind:?}: the next server went on after {elapsed:?}");
    assert!(elapsed < AT_ONCE, "{elapsed:?}");
    assert_eq!(scene.told.total(), 1 + WAITING);
    assert_eq!(scene.origin.total(), 2 + WAITING);
    assert_eq!(scene.origin.peak_in_flight(), 1, "the limit held");
    scene.check_logs();
}

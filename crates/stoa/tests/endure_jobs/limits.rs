//! Limits of all nodes together.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::json;
use stoa_testing::content::Content;
use stoa_testing::reply::Reply;

use crate::scene::{Kind, Scene};

on_both_stores!(a6_a_limit_holds_over_two_nodes_all_the_time);

/// For how long, in seconds, unless `STOA_ENDURE_SECONDS` says otherwise.
const SECONDS: usize = 60;

async fn a6_a_limit_holds_over_two_nodes_all_the_time(kind: Kind) {
    let seconds = stoa_testing::go::environment("STOA_ENDURE_SECONDS").and_then(|text| text.parse().ok());
    // Two at a time, each for half a second.
    let jobs = 4 * seconds.unwrap_or(SECONDS);
    let scene = Scene::of(kind, 2);
    scene.origin.answer_with(|_| Reply::Drip {
        body: Content::random(6, 1),
        chunk: 1,
        every: Duration::from_millis(100),
    });
    let mut ids = Vec::new();
    for number in 0..jobs {
        let path = format!("/x{number}");
        ids.push(
            scene
                .download(number % 2, &path, &json!({ "aggr_limit": 2 }))
                .await,
        );
    }
    let mut nodes = BTreeSet::new();
    for id in &ids {
        let job = scene.ended(1, id).await;
        assert_eq!(
            (&job["state"], &job["charged"]),
            (&json!("ok"), &json!(1)),
            "{job}"
        );
        let attempts = job["attempts"].as_array().map(Vec::as_slice).unwrap_or_default();
        assert_eq!(attempts.len(), 1, "{job}");
        nodes.extend(attempts[0]["node"].as_str().map(str::to_owned));
    }
    assert_eq!(scene.callbacks(jobs).await.len(), jobs);
    println!(
        "{kind:?}: {jobs} jobs on {} nodes, {} at a time",
        nodes.len(),
        scene.origin.peak_in_flight()
    );
    assert_eq!((scene.origin.total(), scene.origin.peak_in_flight()), (jobs, 2));
    assert_eq!(nodes.len(), 2, "both nodes had some");
    scene.check_logs();
}

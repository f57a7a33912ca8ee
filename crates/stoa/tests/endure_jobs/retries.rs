//! When a download is tried again.

use std::time::Duration;

use serde_json::{Value, json};
use stoa_testing::reply::Reply;

use crate::scene::{Kind, Scene, attempts};

on_both_stores!(
    a13_a_wish_to_be_asked_later_is_heeded_and_free,
    a14_jobs_that_failed_together_do_not_come_back_together,
);

async fn a13_a_wish_to_be_asked_later_is_heeded_and_free(kind: Kind) {
    let scene = Scene::of(kind, 1);
    let later = || Reply::full(503, &[("Retry-After", "3")], "later");
    scene
        .origin
        .script("/x", [later(), later()])
        .file("/x", "content");
    // What the other side asks for costs no retry, and there are none.
    let id = scene.download(0, "/x", &json!({ "max_retries": 0 })).await;
    let (told, _) = scene.callbacks(1).await.remove(0);
    assert_eq!(told["success"], true, "{told}");
    let at: Vec<_> = scene.origin.requests().iter().map(|request| request.at).collect();
    let pauses = [at[1] - at[0], at[2] - at[1]];
    println!("{kind:?}: {pauses:?}");
    assert!(
        pauses.iter().all(|pause| *pause >= Duration::from_secs(3)),
        "{pauses:?}"
    );
    let job = scene.ended(0, &id).await;
    assert_eq!(
        (attempts(&job), &job["charged"]),
        (vec!["snoozed", "snoozed", "ok"], &json!(1)),
        "{job}"
    );
    assert_eq!(at.len(), 3);
}

async fn a14_jobs_that_failed_together_do_not_come_back_together(kind: Kind) {
    const JOBS: usize = 100;
    /// The longest pause after the first attempt.
    const WINDOW: f64 = 2.0;
    let mut scene = Scene::without_nodes(kind);
    // A host that refuses connections is not asked at all for a while, which is not what this is about.
    scene.set("STOA_DISPATCH_BREAKER", "disabled");
    scene.set("STOA_JOBS_WORKERS", "100");
    scene.start(0);
    scene.origin.kill();
    for number in 0..JOBS {
        let more = json!({ "aggr_limit": JOBS, "max_retries": 1 });
        scene.download(0, &format!("/x{number}"), &more).await;
    }
    for (told, _) in scene.callbacks(JOBS).await {
        assert_eq!(
            (&told["success"], &told["response_code"]),
            (&json!(false), &json!(0)),
            "{told}"
        );
    }
    let (_, page) = scene
        .api(0, "GET", "jobs?kind=url&state=dead&limit=500", &Value::Null)
        .await;
    let mut pauses: Vec<f64> = page["jobs"].as_array().unwrap().iter().map(pause).collect();
    pauses.sort_by(f64::total_cmp);
    assert_eq!(pauses.len(), JOBS);
    // What the machine adds is added to all of them, so the shares count, and the middle of them.
    let spread = pauses[JOBS * 95 / 100] - pauses[JOBS * 5 / 100];
    println!(
        "{kind:?}: pauses of {:.2} to {:.2} s",
        pauses[0],
        pauses[JOBS - 1]
    );
    assert!(spread >= WINDOW / 2.0, "{pauses:?}");
}

/// For how long a job waited between its two attempts.
fn pause(job: &Value) -> f64 {
    assert_eq!(attempts(job), ["failed", "failed"], "{job}");
    assert_eq!(job["failure"]["class"], "connect", "{job}");
    let moment = |attempt: usize, name: &str| {
        let text = job["attempts"][attempt][name].as_str().unwrap();
        // Minutes and seconds are enough: attempts are seconds apart.
        let (minutes, seconds) = text[14..].trim_end_matches('Z').split_once(':').unwrap();
        minutes
            .parse::<f64>()
            .unwrap()
            .mul_add(60.0, seconds.parse::<f64>().unwrap())
    };
    (moment(1, "start") - moment(0, "end")).rem_euclid(3_600.0)
}

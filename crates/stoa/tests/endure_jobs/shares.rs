//! One host with very many jobs, and limits that change while jobs run.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use stoa_testing::content::Content;
use stoa_testing::gate::Gate;
use stoa_testing::http::Connection;
use stoa_testing::reply::Reply;

use crate::scene::{Kind, Scene};

on_each_store!(
    a19_ten_thousand_jobs_of_one_host_do_not_keep_another_waiting,
    a20_limits_follow_on_two_nodes_while_jobs_run,
);

async fn a19_ten_thousand_jobs_of_one_host_do_not_keep_another_waiting(kind: Kind) {
    const JOBS: usize = 10_000;
    const CLIENTS: usize = 8;
    let mut scene = Scene::of(kind, 1);
    scene.origin.answer_with(|_| Reply::Drip {
        body: Content::zeros(4),
        chunk: 1,
        every: Duration::from_millis(100),
    });
    let pause = |paused: bool| json!({ "paused": paused });
    assert_eq!(
        scene.api(0, "PUT", "aggregations/url/x", &pause(true)).await.0,
        200
    );
    let began = Instant::now();
    let token = scene.node(0).admin_authorization().unwrap();
    let url = scene.node(0).url().to_owned();
    let (scene_of_all, token_of_all, url_of_all) = (&scene, token.as_str(), url.as_str());
    let clients = (0..CLIENTS).map(async |client| {
        let mut connection = Connection::open(url_of_all).await.unwrap();
        let headers = [
            ("Authorization", token_of_all),
            ("Content-Type", "application/json"),
        ];
        for number in (client..JOBS).step_by(CLIENTS) {
            let more = json!({ "aggr_id": "x", "aggr_limit": 100 });
            let body = scene_of_all.body(&format!("/x{number}"), &more);
            let sent = connection
                .send("POST", "/download", &headers, body.as_bytes())
                .await;
            assert_eq!(sent.unwrap().status, 201);
        }
    });
    futures_util::future::join_all(clients).await;
    println!("{kind:?}: {JOBS} jobs are submitted in {:?}", began.elapsed());
    let (_, limits) = scene
        .api(0, "PUT", "aggregations/url/x", &json!({ "concurrency": 100 }))
        .await;
    assert_eq!(limits["ready"], JOBS, "{limits}");
    assert_eq!(
        scene.api(0, "PUT", "aggregations/url/x", &pause(false)).await.0,
        200
    );
    scene.origin.arrived("/x0", 1).await;
    let began = Instant::now();
    scene.download(0, "/y", &json!({ "aggr_id": "y" })).await;
    scene.origin.arrived("/y", 1).await;
    let elapsed = began.elapsed();
    println!(
        "{kind:?}: the other host's job starts after {elapsed:?}, and {} of the first before",
        scene.origin.total()
    );
    assert!(elapsed < Duration::from_secs(2), "{elapsed:?}");
    assert!(
        scene.origin.total() < JOBS / 10,
        "the first host's jobs still wait"
    );
}

async fn a20_limits_follow_on_two_nodes_while_jobs_run(kind: Kind) {
    const JOBS: usize = 30;
    let scene = Scene::of(kind, 2);
    let gates = [Gate::new(), Gate::new()];
    for number in 0..JOBS {
        let gate = &gates[usize::from(number >= 6)];
        scene
            .origin
            .on(&format!("/x{number}"), Reply::text(200, "content").held(gate));
    }
    let mut ids = Vec::new();
    for number in 0..JOBS {
        ids.push(
            scene
                .download(number % 2, &format!("/x{number}"), &json!({ "aggr_limit": 2 }))
                .await,
        );
    }
    gates[0].reached(2).await;
    let set = async |settings: Value| {
        let (status, limits) = scene.api(1, "PUT", "aggregations/url/a", &settings).await;
        assert_eq!(status, 200, "{limits}");
        limits
    };
    assert_eq!(set(json!({})).await["running"], 2);
    let began = Instant::now();
    set(json!({ "concurrency": 6 })).await;
    gates[0].reached(6).await;
    println!("{kind:?}: four more start within {:?}", began.elapsed());
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    // One that runs is cancelled, and while nothing may start nothing does.
    set(json!({ "paused": true })).await;
    let began = Instant::now();
    let (status, _) = scene
        .api(0, "POST", &format!("jobs/{}/cancel", ids[0]), &Value::Null)
        .await;
    assert_eq!(status, 200);
    scene.origin.hung_up("/x0", 1).await;
    println!("{kind:?}: a running one is cut off after {:?}", began.elapsed());
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
    assert_eq!(scene.ended(1, &ids[0]).await["state"], "cancelled");
    gates[0].release();
    for id in &ids[1..6] {
        assert_eq!(scene.ended(1, id).await["state"], "ok");
    }
    let limits = set(json!({})).await;
    assert_eq!(
        (&limits["running"], &limits["ready"]),
        (&json!(0), &json!(JOBS - 6)),
        "{limits}"
    );
    assert_eq!((scene.origin.total(), scene.origin.peak_in_flight()), (6, 6));
    set(json!({ "paused": false })).await;
    gates[1].reached(6).await;
    assert_eq!(set(json!({})).await["running"], 6);
    gates[1].release();
    for id in &ids[6..] {
        assert_eq!(scene.ended(0, id).await["state"], "ok");
    }
    assert_eq!((scene.origin.total(), scene.origin.peak_in_flight()), (JOBS, 6));
    assert_eq!(scene.callbacks(JOBS).await.len(), JOBS);
}

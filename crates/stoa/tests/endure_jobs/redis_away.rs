//! A Redis that is away.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use stoa_testing::fixtures::ModuleFixture;
use stoa_testing::http;

use crate::batch::Batch;
use crate::scene::{Kind, Scene};

/// While Redis does not answer, the API says so, and modules are served.
async fn is_away(scene: &mut Scene, path: &str) {
    let began = Instant::now();
    let (status, problem) = scene.api(0, "GET", "jobs?limit=1", &Value::Null).await;
    let listed = began.elapsed();
    assert_eq!(status, 503, "{problem}");
    let url = json!({ "url": { "url": format!("{}/new", scene.origin.url()) } });
    let (status, problem) = scene.api(1, "POST", "jobs", &url).await;
    assert_eq!(status, 503, "{problem}");
    for node in [0, 1] {
        let began = Instant::now();
        let url = format!("{}/{path}", scene.node(node).url());
        let answer = http::get(&url).await.unwrap();
        assert_eq!(answer.status, 200, "{}", answer.text());
        println!(
            "node {node}: the API answers in {listed:?}, and modules come in {:?}",
            began.elapsed()
        );
        assert!(
            began.elapsed() < Duration::from_secs(2),
            "modules wait for no job store"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a9_a_redis_that_hangs_and_is_restarted_costs_nothing() {
    let mut scene = Scene::without_nodes(Kind::Redis);
    scene.set("STOA_JOBS_REDIS_TIMEOUT", "1s");
    for version in ["v1.0.0", "v1.1.0"] {
        let module = ModuleFixture::new("example.com/a", version).file("a.go", "package a\n".to_owned());
        scene.origin.module(&module);
    }
    (0..2).for_each(|node| scene.start(node));
    let batch = Batch::submit(&scene, 200, 2).await;
    let before = scene.origin.total();
    let redis = Arc::clone(scene.redis.as_ref().unwrap());
    let asleep = std::thread::spawn(move || redis.tell("DEBUG SLEEP 8"));
    is_away(&mut scene, "example.com/a/@v/v1.0.0.info").await;
    assert!(!asleep.is_finished(), "Redis was to sleep all the time");
    println!(
        "{} downloads began before, and {} by now",
        before,
        scene.origin.total()
    );
    let said = tokio::task::spawn_blocking(|| asleep.join()).await.unwrap();
    assert_eq!(said.unwrap(), "+OK");
    let redis = Arc::clone(scene.redis.as_ref().unwrap());
    redis.tell("SHUTDOWN NOSAVE");
    is_away(&mut scene, "example.com/a/@v/v1.1.0.info").await;
    redis.restart();
    batch.check(&scene, 0).await;
    scene.check_logs();
}

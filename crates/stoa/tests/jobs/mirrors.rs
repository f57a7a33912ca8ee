//! Mirrors of the real binary: `[[mirror]]`, and once over the API.

use std::time::Duration;

use serde_json::Value;
use stoa_testing::fixtures::ModuleFixture;

use crate::scene::Scene;

const LIST: &str = "/example.com/a/@v/list";
const OPEN: &str = "ready,scheduled,running,blocked";

fn version(version: &str) -> ModuleFixture {
    ModuleFixture::new("example.com/a", version).file("a.go", "package a\n")
}

const MIRROR: &str =
    "[[mirror]]\nname = \"tools\"\nmodules = [\"example.com/a\"]\nversions = \"all\"\nevery = \"1h\"\n";

/// The mirrors in these states, the latest first.
async fn mirrors(scene: &Scene, states: &str) -> Vec<Value> {
    let (status, list) = scene
        .api("GET", &format!("jobs?kind=mirror&state={states}"), "")
        .await;
    assert_eq!(status, 200, "{list}");
    list["jobs"].as_array().unwrap().clone()
}

/// The one that is open.
async fn open(scene: &Scene) -> String {
    for _ in 0..100 {
        let open = mirrors(scene, OPEN).await;
        if let [job] = &open[..] {
            return job["id"].as_str().unwrap().to_owned();
        }
        assert_eq!(open.len(), 0, "{open:?}");
        // It is scheduled behind the start.
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("no mirror is scheduled")
}

/// The first one, which may have ended already, so that the open one is the next.
async fn first(scene: &Scene) -> String {
    open(scene).await;
    let all = mirrors(scene, "").await;
    all.last().unwrap()["id"].as_str().unwrap().to_owned()
}

/// Lets the scheduled one begin now, and waits for its end.
async fn now(scene: &Scene) -> Value {
    let id = open(scene).await;
    let (status, job) = scene.api("POST", &format!("jobs/{id}/promote"), "").await;
    assert_eq!(status, 200, "{job}");
    scene.ended(&id).await
}

/// The state of a job, and how many versions it brought in.
fn told(job: &Value) -> (&str, u64) {
    let versions = job["result"]["versions"].as_u64();
    (job["state"].as_str().unwrap(), versions.unwrap_or(u64::MAX))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mirror_brings_in_what_is_new_and_asks_for_nothing_twice() {
    let versions = [version("v1.0.0"), version("v1.1.0")];
    let mut scene = Scene::configured(&versions, MIRROR);
    let id = first(&scene).await;
    let job = scene.ended(&id).await;
    assert_eq!(told(&job), ("ok", 2), "{job}");
    let (all, lists) = (scene.upstream.total(), scene.upstream.count(LIST));
    println!("first run: {all} requests, {lists} of them for lists");
    assert_eq!((all, lists), (7, 1));
    scene.upstream.forget_requests();

    let job = now(&scene).await;
    assert_eq!(told(&job), ("ok", 0), "{job}");
    assert_eq!(
        (scene.upstream.total(), scene.upstream.count(LIST)),
        (1, 1),
        "only the list"
    );

    let new = version("v1.2.0");
    scene.upstream.module(&new);
    let job = now(&scene).await;
    assert_eq!(told(&job), ("ok", 1), "{job}");
    let next = open(&scene).await;
    let (_, next_job) = scene.api("GET", &format!("jobs/{next}"), "").await;
    assert_eq!(
        (next_job["state"].as_str(), next_job["waiting_for"].as_str()),
        (Some("scheduled"), Some("delay"))
    );

    // The schedule is that of the store, until the configuration has another one.
    scene.kill_and_restart();
    assert_eq!(open(&scene).await, next);
    scene.upstream.kill();
    assert_eq!(scene.get(&new.url_path("zip")).await.body, new.zip().to_bytes());
    scene.reconfigure("# nothing\n");
    assert_eq!(scene.ended(&next).await["state"], "cancelled");
    assert_eq!(mirrors(&scene, OPEN).await.len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_in_the_middle_loses_nothing() {
    let versions: Vec<_> = (0..40).map(|n| version(&format!("v1.{n}.0"))).collect();
    let mut scene = Scene::configured(&versions, MIRROR);
    let id = first(&scene).await;
    for n in [3, 20] {
        scene.upstream.arrived(&versions[n].url_path("info"), 1).await;
        scene.kill_and_restart();
    }
    let job = scene.ended(&id).await;
    assert_eq!(told(&job), ("ok", 40), "{job}");
    for version in &versions {
        let storage = scene.directory.path().join("storage");
        let path = storage.join(&version.url_path("zip")[1..]);
        assert_eq!(
            std::fs::read(&path).unwrap(),
            version.zip().to_bytes(),
            "{}",
            path.display()
        );
    }
    open(&scene).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mirror_is_run_once_over_the_api() {
    let scene = Scene::of(&[version("v1.0.0"), version("v1.1.0-rc.1"), version("v1.1.0")]);
    let body = r#"{"mirror":{"modules":["example.com/a"],"versions":"releases"}}"#;
    let (status, job) = scene.api("POST", "jobs", body).await;
    assert_eq!(
        (status, job["title"].as_str(), job["kind"].as_str()),
        (201, Some("mirror example.com/a"), Some("mirror")),
        "{job}"
    );
    let job = scene.ended(job["id"].as_str().unwrap()).await;
    assert_eq!(
        job["result"],
        serde_json::json!({ "modules": 1, "versions": 2 }),
        "{job}"
    );
    assert_eq!(mirrors(&scene, OPEN).await.len(), 0);
}

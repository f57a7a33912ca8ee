//! Clients that do not wait: `[[mode]]` async.

use std::time::{Duration, Instant};

use serde_json::Value;
use stoa_testing::gate::Gate;
use stoa_testing::go::GoClient;
use stoa_testing::process::run;
use stoa_testing::reply::Reply;
use tokio::task::JoinSet;

use crate::STOA;
use crate::scene::{Scene, module};

const ASYNC: &str = "[[mode]]\nmatch = \"example.com/sync\"\nmode = \"sync\"\n\n\
                     [[mode]]\nmatch = \"example.com/*\"\nmode = \"async\"\n";

/// Answers a path when the gate opens.
fn hold(scene: &Scene, path: &str, reply: Reply) -> Gate {
    let gate = Gate::new();
    scene
        .upstream
        .on(path, Reply::Held(gate.clone(), Box::new(reply)));
    gate
}

/// What the API lists.
async fn jobs(scene: &Scene) -> Vec<Value> {
    let (status, list) = scene.api("GET", "jobs", "").await;
    assert_eq!(status, 200, "{list}");
    list["jobs"].as_array().unwrap().clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_miss_is_not_found_at_once_and_there_soon_after() {
    let a = module("a");
    let scene = Scene::configured(&[a.clone(), module("sync")], ASYNC);
    let gate = hold(&scene, &a.url_path("info"), Reply::ok(a.info()));
    let began = Instant::now();
    let answer = scene.get(&a.url_path("info")).await;
    let elapsed = began.elapsed();
    println!("404 after {elapsed:?}");
    assert!(elapsed < Duration::from_secs(1), "{elapsed:?}");
    let id = answer.header("stoa-job").expect("a job").to_owned();
    assert_eq!(
        (
            answer.status,
            answer.header("retry-after"),
            answer.header("cache-control")
        ),
        (404, Some("5"), Some("no-store"))
    );
    assert_eq!(
        answer.text(),
        format!(
            "example.com/a@v1.0.0.info is not here yet: it is being brought in (job {id}); ask again in some seconds\n"
        )
    );
    scene.upstream.arrived(&a.url_path("info"), 1).await;
    let list = jobs(&scene).await;
    assert_eq!((list.len(), list[0]["id"].as_str()), (1, Some(&*id)), "{list:?}");
    assert_eq!(
        (
            list[0]["kind"].as_str(),
            list[0]["title"].as_str(),
            list[0]["state"].as_str()
        ),
        (Some("module"), Some("example.com/a@v1.0.0"), Some("running"))
    );
    gate.release();
    let began = Instant::now();
    let job = scene.ended(&id).await;
    assert_eq!(job["state"], "ok", "{job}");
    let answer = scene.get(&a.url_path("info")).await;
    println!("there after {:?}", began.elapsed());
    assert!(began.elapsed() < Duration::from_secs(5));
    assert_eq!((answer.status, answer.body), (200, a.info()));
    assert_eq!(scene.get(&a.url_path("zip")).await.body, a.zip().to_bytes());
    assert_eq!(scene.upstream.total(), 3, "each file once");
    // A list is its source's answer, and so is a module that another rule matches first.
    assert_eq!(scene.get("/example.com/a/@v/list").await.text(), "v1.0.0\n");
    assert_eq!(scene.get(&module("sync").url_path("info")).await.status, 200);
    assert_eq!(jobs(&scene).await.len(), 1);
    // A command waits, whatever the mode.
    let config = scene.directory.path().join("stoa.toml");
    let fetch = run(
        STOA,
        &[
            "fetch",
            "--config",
            config.to_str().unwrap(),
            "example.com/a@v1.0.0",
        ],
        &[
            ("STOA_STORAGE", "memory:"),
            ("STOA_UPSTREAM", &scene.upstream.url()),
            ("STOA_SUMDB_DATABASES", ""),
        ],
    );
    assert_eq!(fetch.code, Some(0), "{fetch:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_client_was_promised_is_there_also_after_a_kill() {
    let a = module("a");
    let mut scene = Scene::configured(std::slice::from_ref(&a), ASYNC);
    let gate = hold(&scene, &a.url_path("zip"), Reply::ok(a.zip()));
    let answer = scene.get(&a.url_path("info")).await;
    let id = answer.header("stoa-job").expect("a job").to_owned();
    scene.upstream.arrived(&a.url_path("zip"), 1).await;
    scene.kill_and_restart();
    // It is known again before anything is asked for it twice.
    let again = scene.get(&a.url_path("zip")).await;
    assert_eq!((again.status, again.header("stoa-job")), (404, Some(&*id)));
    gate.release();
    let began = Instant::now();
    let job = scene.ended(&id).await;
    println!("there {:?} after the restart", began.elapsed());
    assert_eq!(job["state"], "ok", "{job}");
    assert_eq!(scene.get(&a.url_path("zip")).await.body, a.zip().to_bytes());
    assert_eq!(jobs(&scene).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_misses_are_one_request_a_file() {
    let a = module("a");
    let scene = Scene::configured(std::slice::from_ref(&a), ASYNC);
    let gate = hold(&scene, &a.url_path("info"), Reply::ok(a.info()));
    let mut asking = JoinSet::new();
    for n in 0..200 {
        let file = ["info", "mod", "zip"][n % 3];
        let url = format!("{}{}", scene.stoa.url(), a.url_path(file));
        asking.spawn(async move { stoa_testing::http::get(&url).await.unwrap().status });
    }
    let statuses = asking.join_all().await;
    // The go.mod alone is another job, which nothing holds up.
    let late = statuses.iter().filter(|status| **status == 404).count();
    println!("{late} of 200 were 404");
    assert!(
        late >= 134 && statuses.iter().all(|status| [200, 404].contains(status)),
        "{statuses:?}"
    );
    gate.release();
    for job in jobs(&scene).await {
        assert_eq!(scene.ended(job["id"].as_str().unwrap()).await["state"], "ok");
    }
    for file in ["info", "mod", "zip"] {
        assert_eq!(scene.get(&a.url_path(file)).await.status, 200);
        assert_eq!(scene.upstream.count(&a.url_path(file)), 1, "{file}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_go_command_prints_that_it_is_on_its_way() {
    let a = module("a");
    let scene = Scene::configured(std::slice::from_ref(&a), ASYNC);
    let gate = hold(&scene, &a.url_path("info"), Reply::ok(a.info()));
    let go = GoClient::new(scene.stoa.url());
    let output = go
        .run(&["mod", "download", "-json", "example.com/a@v1.0.0"])
        .expect_failure();
    let printed = output.stdout.clone() + &output.stderr;
    assert!(
        printed.contains("404 Not Found")
            && printed.contains("is not here yet: it is being brought in (job "),
        "{printed}"
    );
    println!("{printed}");
    gate.release();
    let id = jobs(&scene).await[0]["id"].as_str().unwrap().to_owned();
    scene.ended(&id).await;
    drop(
        go.run(&["mod", "download", "-json", "example.com/a@v1.0.0"])
            .expect_success(),
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there_is_not_asked_for_on_each_miss() {
    let scene = Scene::configured(&[], ASYNC);
    let path = "/example.com/none/@v/v1.0.0.info";
    let answer = scene.get(path).await;
    let id = answer.header("stoa-job").expect("a job").to_owned();
    let job = scene.ended(&id).await;
    assert_eq!(
        (&job["state"], &job["failure"]["class"]),
        (&"dead".into(), &"not_found".into()),
        "{job}"
    );
    let mut told = scene.get(path).await;
    while told.text().contains("not here yet") {
        told = scene.get(path).await;
    }
    for _ in 0..20 {
        let told = scene.get(path).await;
        assert_eq!(
            (told.status, told.header("retry-after")),
            (404, None),
            "{}",
            told.text()
        );
    }
    assert_eq!((jobs(&scene).await.len(), scene.upstream.count(path)), (1, 1));
}

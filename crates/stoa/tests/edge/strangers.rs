//! What strangers ask for takes its part of the way out, and no more: others are answered meanwhile.

use std::io::Read;
use std::net::TcpListener;
use std::time::{Duration, Instant};

use serde_json::Value;
use stoa_testing::gate::Gate;
use stoa_testing::http;
use stoa_testing::process::StoaProcess;
use stoa_testing::reply::Reply;
use stoa_testing::scene::Scene;
use tokio::task::JoinSet;

use crate::support::{STOA, assert_error, eventually, get, scene};

const INFO: &str = "/example.com/greet/@v/v1.0.0.info";
const MOD: &str = "/example.com/greet/@v/v1.0.0.mod";
const LATEST: &str = "/example.com/greet/@latest";

/// Others are answered within it, whatever a stranger does.
const PROMPT: Duration = Duration::from_secs(2);

/// Asks for all of these at once, and waits for none.
fn ask_all(stoa: &StoaProcess, paths: impl IntoIterator<Item = String>) -> JoinSet<u16> {
    let mut asked = JoinSet::new();
    for path in paths {
        let url = format!("{}{path}", stoa.url());
        asked.spawn(async move { http::get(&url).await.map_or(0, |answer| answer.status) });
    }
    asked
}

fn slow_modules(count: usize) -> impl Iterator<Item = String> {
    (0..count).map(|number| format!("/a{number}.slow.example/m/@v/list"))
}

async fn lanes(stoa: &StoaProcess) -> Vec<Value> {
    let answer = get(stoa, "/api/v1/lanes").await.json();
    answer["lanes"].as_array().cloned().unwrap_or_default()
}

async fn shown(stoa: &StoaProcess, scene: &Scene) -> Value {
    let lane = scene.upstream.address();
    get(stoa, &format!("/api/v1/lanes/{lane}")).await.json()
}

/// The status of an answer that came promptly.
async fn prompt(stoa: &StoaProcess, path: &str) -> u16 {
    let began = Instant::now();
    let status = get(stoa, path).await.status;
    let took = began.elapsed();
    assert!(took < PROMPT, "{path}: {status} after {took:?}");
    status
}

/// An outbound proxy that takes connections and says nothing: every host behind it hangs.
fn hanging_proxy() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for connection in listener.incoming() {
            let Ok(mut connection) = connection else { return };
            std::thread::Builder::new()
                .stack_size(64 << 10)
                .spawn(move || while connection.read(&mut [0; 1024]).is_ok_and(|read| read > 0) {})
                .unwrap();
        }
    });
    format!("http://{address}")
}

#[tokio::test]
async fn hundreds_of_hanging_hosts_do_not_take_the_lane_of_the_upstream() {
    let scene = scene();
    let stoa = StoaProcess::command(STOA)
        .storage(&scene.storage())
        .upstream(&format!("{},direct", scene.upstream.url()))
        .env("HTTPS_PROXY", &hanging_proxy())
        .env("HTTP_PROXY", &hanging_proxy())
        .env("NO_PROXY", "127.0.0.1")
        .start();
    // In waves, so that they fit into the queue of the upstream, which is asked first and has none of them.
    let mut hanging = Vec::new();
    for wave in 0..6 {
        let hosts = (0..100).map(|number| format!("/www.evil{wave}-{number}.example/m/@v/list"));
        hanging.push(ask_all(&stoa, hosts));
        let want = (100 * (wave + 1) + 1).min(513);
        eventually("the lanes of this wave", async || {
            (lanes(&stoa).await.len() >= want).then_some(())
        })
        .await;
    }
    eventually("an upstream that nobody asks", async || {
        let lane = shown(&stoa, &scene).await;
        (lane["named"] == true && lane["running"] == 0).then_some(())
    })
    .await;
    for path in [INFO, MOD, LATEST, "/example.com/greet/@v/v1.0.0.zip"] {
        assert_eq!(prompt(&stoa, path).await, 200, "{path}");
    }
    assert!(lanes(&stoa).await.len() <= 513);
    // He leaves, and everything is as before.
    drop(hanging);
    let left = Instant::now();
    eventually("idle lanes", async || {
        let busy = |lane: &Value| lane["running"] != 0 || lane["waiting"] != 0;
        (!lanes(&stoa).await.iter().any(busy)).then_some(())
    })
    .await;
    assert!(left.elapsed() < Duration::from_secs(10), "{:?}", left.elapsed());
}

#[tokio::test]
async fn one_slow_module_host_does_not_take_all_places_at_an_upstream() {
    let scene = scene();
    let gate = Gate::new();
    let held = gate.clone();
    scene
        .upstream
        .answer_with(move |_| Reply::text(404, "no").held(&held));
    let stoa = scene.start();
    let hanging = ask_all(&stoa, slow_modules(400));
    // A full queue: what is not in it has been refused.
    eventually("a full lane", async || {
        let lane = shown(&stoa, &scene).await;
        (lane["running"] == 15 && lane["waiting"] == 256).then_some(())
    })
    .await;
    for path in [INFO, MOD, LATEST, "/example.com/greet/@v/v1.0.0.zip"] {
        assert_eq!(prompt(&stoa, path).await, 200, "{path}");
    }
    gate.release();
    let statuses = hanging.join_all().await;
    let count = |status| statuses.iter().filter(|answered| **answered == status).count();
    assert_eq!(count(404) + count(503), 400, "{statuses:?}");
    assert!(count(404) >= 260, "{}", count(404));
    eventually("everything as before", async || {
        let lane = shown(&stoa, &scene).await;
        (lane["running"] == 0 && lane["waiting"] == 0).then_some(())
    })
    .await;
}

#[tokio::test]
async fn one_slow_module_host_takes_neither_all_requests_nor_all_transfers() {
    let scene = scene();
    let gate = Gate::new();
    let held = gate.clone();
    let zip = scene.greet().zip();
    scene.upstream.answer_with(move |request| {
        if request.path.contains(".zip") {
            Reply::gated_at_end(zip.clone(), 10, &held)
        } else {
            Reply::text(404, "no").held(&held)
        }
    });
    let stoa = scene.start_with(&[("STOA_POOL_REQUESTS", "40"), ("STOA_POOL_FETCHES", "4")]);
    let zips = ask_all(
        &stoa,
        (0..10).map(|number| format!("/slow.example/m{number}/@v/v1.0.0.zip")),
    );
    eventually("bodies under way", async || {
        (shown(&stoa, &scene).await["running"] == 10).then_some(())
    })
    .await;
    // Of forty requests that may wait, thirty are for one site at most.
    let mut lists = ask_all(&stoa, slow_modules(60));
    for _ in 0..40 {
        assert_eq!(lists.join_next().await.unwrap().unwrap(), 503);
    }
    let refused = get(&stoa, "/slow.example/more/@v/list").await;
    assert_error("refused", &refused, 503, "(pool.requests) are waiting already");
    for path in [INFO, MOD, LATEST] {
        assert_eq!(prompt(&stoa, path).await, 200, "{path}");
    }
    gate.release();
    drop((zips.join_all().await, lists.join_all().await));
    assert_eq!(prompt(&stoa, "/slow.example/more/@v/list").await, 404);
}

#[tokio::test]
async fn modules_that_an_upstream_fails_for_stop_no_others() {
    for status in [502, 429] {
        let scene = scene();
        scene
            .upstream
            .answer_with(move |_| Reply::text(status, "not this one"));
        let stoa = scene.start_with(&[("STOA_DISPATCH_BREAKER_OPEN", "60s")]);
        assert_eq!(get(&stoa, LATEST).await.status, 200);
        for number in 0..40 {
            let path = format!("/a{number}.slow.example/m/@v/list");
            let answer = get(&stoa, &path).await;
            assert!([502, 503].contains(&answer.status), "{}", answer.text());
        }
        let refused = get(&stoa, "/b.slow.example/m/@v/list").await;
        assert_error("refused", &refused, 503, "the breaker is open for another");
        for path in [INFO, MOD, "/example.com/greet/@v/list"] {
            assert_eq!(prompt(&stoa, path).await, 200, "{status} {path}");
        }
        let lane = shown(&stoa, &scene).await;
        assert_eq!(
            (&lane["breaker"], &lane["breaker_open_for"]),
            (&"closed".into(), &1.into())
        );
    }
}

#[tokio::test]
async fn a_pause_of_ages_is_cut_short_and_tried_by_one_request() {
    let scene = scene();
    let stoa = scene.start_with(&[
        ("STOA_DISPATCH_MAX_THROTTLE", "1s"),
        ("STOA_DISPATCH_WAIT", "500ms"),
    ]);
    let ages = || Reply::full(503, &[("Retry-After", "99999999999")], "come back later");
    scene.upstream.script(LATEST, [ages()]);
    let first = get(&stoa, LATEST).await;
    assert_error(
        "the first",
        &first,
        503,
        "it answered 503 Service Unavailable and asked for a pause: come back later",
    );
    assert_eq!(first.header("retry-after"), Some("1"));
    assert_error(
        "the next",
        &get(&stoa, INFO).await,
        503,
        "the server asked for a pause",
    );
    assert_eq!(scene.upstream.total(), 1);
    // The first request after the pause finds it over, for all.
    let began = Instant::now();
    eventually("an answer", async || {
        (get(&stoa, INFO).await.status == 200).then_some(())
    })
    .await;
    assert!(began.elapsed() < PROMPT, "{:?}", began.elapsed());
    assert_eq!(scene.upstream.total(), 2);
    assert_eq!(prompt(&stoa, MOD).await, 200);
    // While it insists, it gets one request each time, however many want to.
    scene.upstream.on_everything(ages());
    get(&stoa, "/example.com/greet/@v/list").await;
    let before = scene.upstream.total();
    let began = Instant::now();
    while began.elapsed() < Duration::from_millis(2500) {
        let asked = ask_all(
            &stoa,
            (0..5).map(|number| format!("/example.com/m{number}/@v/list")),
        );
        assert_eq!(asked.join_all().await, [503; 5]);
    }
    let tried = scene.upstream.total() - before;
    assert!((1..=3).contains(&tried), "{tried}");
}

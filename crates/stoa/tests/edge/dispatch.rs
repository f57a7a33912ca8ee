//! The lanes of outbound requests, as clients and operators see them.

use std::time::{Duration, Instant};

use serde_json::Value;
use stoa_testing::gate::Gate;
use stoa_testing::http;
use stoa_testing::process::{Finished, StoaProcess, run};
use stoa_testing::reply::Reply;
use stoa_testing::scene::Scene;
use stoa_testing::upstream::Upstream;
use tokio::task::JoinSet;

use crate::support::{STOA, assert_error, eventually, get, scene};

const INFO: &str = "/example.com/greet/@v/v1.0.0.info";
const LATEST: &str = "/example.com/greet/@latest";

fn lane(scene: &Scene) -> String {
    scene.upstream.address().to_string()
}

/// `stoa lanes ...`, run against this server.
fn lanes(stoa: &StoaProcess, arguments: &[&str]) -> Finished {
    let address = stoa.url().trim_start_matches("http://");
    let token = stoa.admin_token_file().unwrap();
    run(
        STOA,
        &[&["lanes"], arguments].concat(),
        &[
            ("STOA_LISTEN", address),
            ("STOA_STORAGE", "memory:"),
            ("STOA_ADMIN_TOKEN_FILE", token.to_str().unwrap()),
        ],
    )
}

async fn shown(stoa: &StoaProcess, lane: &str) -> Value {
    get(stoa, &format!("/api/v1/lanes/{lane}")).await.json()
}

#[tokio::test]
async fn a_failing_host_is_left_alone_and_clients_are_told_why_and_until_when() {
    let scene = scene();
    let stoa = scene.start_with(&[
        ("STOA_DISPATCH_BREAKER_OPEN", "60s"),
        ("STOA_DISPATCH_RETRIES", "0"),
    ]);
    scene.upstream.on_everything(Reply::text(503, "down"));
    for _ in 0..10 {
        assert_error(
            "failing",
            &get(&stoa, LATEST).await,
            502,
            "503 Service Unavailable",
        );
    }
    for path in [
        LATEST,
        INFO,
        "/example.com/greet/@v/list",
        "/example.com/greet/@v/v1.0.0.zip",
    ] {
        let answer = get(&stoa, path).await;
        assert_error(path, &answer, 503, "the breaker is open for another");
        assert!(
            answer.text().contains("last failure: 503 Service Unavailable"),
            "{}",
            answer.text()
        );
        let after: u64 = answer.header("retry-after").unwrap().parse().unwrap();
        assert!((30..=60).contains(&after), "{after}");
    }
    assert_eq!(scene.upstream.total(), 10, "nothing was sent while it was open");
    let lane = shown(&stoa, &lane(&scene)).await;
    assert_eq!(
        (&lane["breaker"], &lane["counts"]["breaker_openings"]),
        (&"open".into(), &1.into())
    );
    assert_eq!(
        (&lane["counts"]["failed"], &lane["counts"]["refused"]),
        (&10.into(), &4.into())
    );
}

#[tokio::test]
async fn a_path_that_fails_is_left_alone_and_the_rest_of_its_host_is_not() {
    let scene = scene();
    let stoa = scene.start();
    for status in [500, 501] {
        for number in 0..50 {
            let path = format!("/example.com/bad{number}-{status}/@v/list");
            scene.upstream.on(&path, Reply::text(status, "down"));
            for _ in ["asked", "remembered"] {
                let answer = get(&stoa, &path).await;
                assert_error(&path, &answer, 502, &status.to_string());
            }
            assert_eq!(scene.upstream.count(&path), 1, "{path}");
            let good = format!("/example.com/good{number}-{status}/@v/list");
            scene.upstream.on(&good, Reply::text(200, "v1.0.0\n"));
            assert_eq!(get(&stoa, &good).await.status, 200, "{good}");
        }
    }
    let lane = shown(&stoa, &lane(&scene)).await;
    assert_eq!(
        (&lane["breaker"], &lane["counts"]["breaker_openings"]),
        (&"closed".into(), &0.into())
    );
}

#[tokio::test]
async fn a_path_that_fails_takes_no_answer_away() {
    let scene = scene();
    let stoa = scene.start_with(&[("STOA_CACHE_LIST_TTL", "0s")]);
    let list = "/example.com/greet/@v/list";
    let before = get(&stoa, list).await;
    assert_eq!(before.status, 200);
    scene.upstream.on(list, Reply::text(500, "down"));
    for _ in 0..3 {
        let answer = get(&stoa, list).await;
        assert_eq!((answer.status, answer.text()), (200, before.text()));
    }
}

#[tokio::test]
async fn a_host_that_comes_back_is_asked_again_by_one_probe() {
    let scene = scene();
    let stoa = scene.start_with(&[("STOA_DISPATCH_BREAKER_OPEN", "500ms")]);
    scene.upstream.kill();
    for _ in 0..10 {
        get(&stoa, LATEST).await;
    }
    scene.upstream.restart_same_port();
    eventually("an answer", async || {
        let answer = get(&stoa, LATEST).await;
        (answer.status == 200).then_some(())
    })
    .await;
    assert_eq!(shown(&stoa, &lane(&scene)).await["breaker"], "closed");
    assert_eq!(get(&stoa, INFO).await.status, 200);
}

#[tokio::test]
async fn passing_failures_are_repeated_and_the_client_sees_none() {
    let scene = scene();
    let stoa = scene.start();
    for (kind, failure) in [
        ("v1.0.0.info", Reply::text(502, "x")),
        ("v1.0.0.mod", Reply::text(503, "x")),
        ("list", Reply::text(504, "x")),
        ("v1.0.0.zip", Reply::Reset),
    ] {
        let path = format!("/example.com/greet/@v/{kind}");
        scene.upstream.script(&path, [failure]);
        assert_eq!(get(&stoa, &path).await.status, 200, "{path}");
        assert_eq!(scene.upstream.count(&path), 2, "{path}");
    }
    assert_eq!(shown(&stoa, &lane(&scene)).await["counts"]["retries"], 4);
    // What is not about to pass is not asked for twice.
    scene.upstream.script(LATEST, [Reply::text(500, "x")]);
    assert_eq!(get(&stoa, LATEST).await.status, 502);
    assert_eq!(scene.upstream.count(LATEST), 1);
}

#[tokio::test]
async fn a_host_that_asks_for_a_pause_gets_it_and_nobody_fails() {
    let scene = scene();
    let stoa = scene.start();
    scene
        .upstream
        .script(INFO, [Reply::full(429, &[("Retry-After", "1")], "slow down")]);
    let began = Instant::now();
    assert_eq!(get(&stoa, INFO).await.status, 200);
    assert!(began.elapsed() >= Duration::from_secs(1), "{:?}", began.elapsed());
    let lane = shown(&stoa, &lane(&scene)).await;
    assert_eq!(
        (&lane["counts"]["throttles"], &lane["counts"]["retries"]),
        (&1.into(), &0.into())
    );
    scene
        .upstream
        .script(LATEST, [Reply::full(429, &[("Retry-After", "600")], "go away")]);
    let first = get(&stoa, LATEST).await;
    assert_error(
        "a long pause",
        &first,
        503,
        "it answered 429 Too Many Requests and asked for a pause: go away",
    );
    assert_eq!(first.header("retry-after"), Some("120"));
    let refused = get(&stoa, "/example.com/greet/@v/list").await;
    assert_error("throttled", &refused, 503, "the server asked for a pause");
    let after: u64 = refused.header("retry-after").unwrap().parse().unwrap();
    assert!((110..=120).contains(&after), "{after}");
}

#[tokio::test]
async fn a_host_that_asks_for_one_pause_after_the_other_gets_as_long_as_for_one() {
    let scene = scene();
    let stoa = scene.start_with(&[("STOA_DISPATCH_WAIT", "3s")]);
    scene
        .upstream
        .on_everything(Reply::full(429, &[("Retry-After", "1")], "not so fast"));
    let began = Instant::now();
    let answer = get(&stoa, LATEST).await;
    assert_error("pauses", &answer, 503, "asked for a pause");
    assert!(answer.header("retry-after").is_some());
    let (elapsed, asked) = (began.elapsed(), scene.upstream.count(LATEST));
    assert!(elapsed < Duration::from_secs(6), "{elapsed:?}");
    assert!((2..=4).contains(&asked), "{asked}");
}

#[tokio::test]
async fn a_full_queue_is_refused_at_once_with_the_reason() {
    let scene = scene();
    let stoa = scene.start_with(&[("STOA_DISPATCH_CONCURRENCY", "1"), ("STOA_DISPATCH_QUEUE", "1")]);
    let gate = Gate::new();
    scene.upstream.on_everything(Reply::text(404, "no").held(&gate));
    let mut waiting = JoinSet::new();
    for path in ["/example.com/a/@v/list", "/example.com/b/@v/list"] {
        let url = format!("{}{path}", stoa.url());
        waiting.spawn(async move { http::get(&url).await.unwrap().status });
    }
    eventually("one running, one waiting", async || {
        let lane = shown(&stoa, &lane(&scene)).await;
        (lane["running"] == 1 && lane["waiting"] == 1).then_some(())
    })
    .await;
    let refused = get(&stoa, "/example.com/c/@v/list").await;
    assert_error(
        "full",
        &refused,
        503,
        "the queue is full: 1 requests wait already",
    );
    assert_eq!(refused.header("retry-after"), Some("1"));
    gate.release();
    assert_eq!(waiting.join_all().await, [404, 404]);
}

#[tokio::test]
async fn a_hanging_host_does_not_stop_another() {
    let (scene, other) = (scene(), Upstream::start().await);
    let gate = Gate::new();
    scene.upstream.on_everything(Reply::text(404, "no").held(&gate));
    other.file("/corp.example/x/@v/list", "v1.0.0\n");
    let config = scene.directory().join("stoa.toml");
    let route = format!(
        "[[route]]\nmatch = \"corp.example\"\nupstream = \"{}\"\n",
        other.url()
    );
    std::fs::write(&config, route).unwrap();
    let config = config.to_str().unwrap();
    let stoa = scene.stoa().args(&["--config", config]).start();
    // Far more than there are turns at one host, and than there are slots for transfers.
    let mut hanging = JoinSet::new();
    for module in 0..200 {
        let url = format!("{}/example.com/m{module}/@v/list", stoa.url());
        hanging.spawn(async move { http::get(&url).await.unwrap().status });
    }
    eventually("every turn taken", async || {
        let lane = shown(&stoa, &lane(&scene)).await;
        (lane["running"] == 15 && lane["waiting"] == 185).then_some(())
    })
    .await;
    let began = Instant::now();
    assert_eq!(get(&stoa, "/corp.example/x/@v/list").await.status, 200);
    assert!(began.elapsed() < Duration::from_secs(5));
    gate.release();
    assert_eq!(hanging.join_all().await, [404; 200]);
}

#[tokio::test]
async fn a_denied_host_is_refused_with_the_rule() {
    let scene = scene();
    let stoa = scene.start_with(&[("STOA_DISPATCH_DENY", "*.example,127.0.0.1")]);
    assert_error(
        "denied",
        &get(&stoa, INFO).await,
        403,
        "refused by dispatch.deny: nothing may be sent to this host",
    );
    assert_eq!(scene.upstream.total(), 0);
}

#[tokio::test]
async fn an_operator_sees_and_changes_lanes() {
    let scene = scene();
    let stoa = scene.start();
    let host = lane(&scene);
    assert_eq!(
        get(&stoa, "/api/v1/lanes").await.json()["lanes"],
        Value::Array(Vec::new())
    );
    assert_eq!(get(&stoa, INFO).await.status, 200);
    let ls = lanes(&stoa, &["ls"]);
    let rows: Vec<Vec<_>> = ls
        .stdout
        .lines()
        .map(|line| line.split_whitespace().collect())
        .collect();
    assert_eq!(
        rows[1][..9],
        [&host, "0", "0", "20", "-", "closed", "1", "0", "0"],
        "{}",
        ls.stdout
    );

    let set = lanes(
        &stoa,
        &[
            "set",
            &host,
            "rate=5/s",
            "concurrency=8",
            "queue=3",
            "--for",
            "10m",
            "--json",
        ],
    );
    let lane: Value = serde_json::from_str(&set.stdout).unwrap();
    assert_eq!(
        (&lane["rate"], &lane["concurrency"], &lane["queue"]),
        (&"5/s".into(), &"8".into(), &3.into())
    );
    assert!(
        lane["reverts_in_seconds"]
            .as_f64()
            .is_some_and(|left| left > 590.0),
        "{lane}"
    );

    assert_eq!(lanes(&stoa, &["open", &host]).code, Some(0));
    let refused = get(&stoa, LATEST).await;
    assert_error("opened", &refused, 503, "an operator opened the breaker");
    assert_eq!(refused.header("retry-after"), Some("30"));
    assert_eq!(lanes(&stoa, &["close", &host]).code, Some(0));
    assert_eq!(get(&stoa, LATEST).await.status, 200);

    assert_eq!(lanes(&stoa, &["reset", &host]).code, Some(0));
    let lane = shown(&stoa, &host).await;
    assert_eq!(
        (&lane["rate"], &lane["overridden"]),
        (&Value::Null, &false.into())
    );
}

#[tokio::test]
async fn a_change_that_cannot_be_made_is_one_clear_line() {
    let scene = scene();
    let stoa = scene.start();
    for (arguments, said) in [
        (
            &["reset", "nobody.example"][..],
            "404 Not Found: there is no lane nobody.example",
        ),
        (
            &["set", "a.example", "rate=fast"],
            "rate: bad rate \"fast\": write a number and /s",
        ),
        (
            &["set", "a.example", "speed=1"],
            "400 Bad Request: speed: there is no such setting; name concurrency, queue, rate, burst or breaker",
        ),
        (
            &["set", "a.example", "queue=many"],
            "400 Bad Request: queue: bad number \"many\"",
        ),
        (
            &["set", "*", "rate=5/s"],
            "400 Bad Request: bad lane \"*\": write a host as HOST or HOST:PORT, without a scheme and without *",
        ),
        (&["set", "https://a.example", "rate=5/s"], "without a scheme"),
        (&["reset", "*.example"], "400 Bad Request: bad lane"),
        (&["set", "a.example", "rate"], "\"rate\": write NAME=VALUE"),
        (&["ls", "--server", "http://127.0.0.1:1"], "Connection refused"),
    ] {
        let failed = lanes(&stoa, arguments);
        let code = if said == "Connection refused" { 69 } else { 1 };
        assert_eq!(failed.code, Some(code), "{arguments:?}");
        assert!(
            failed.stderr.contains(said) && failed.stderr.lines().count() == 1,
            "{}",
            failed.stderr
        );
    }
}

#[tokio::test]
async fn lanes_are_counted_and_large_bodies_hold_their_turn() {
    let scene = scene();
    let stoa = scene.start();
    let gate = Gate::new();
    let zip = scene.greet().zip();
    let path = "/example.com/greet/@v/v1.0.0.zip";
    scene.upstream.on(path, Reply::gated_at_end(zip, 10, &gate));
    let url = format!("{}{path}", stoa.url());
    let mut client = JoinSet::new();
    client.spawn(async move { http::get(&url).await.unwrap().status });
    let host = lane(&scene);
    eventually("a body under way", async || {
        let lane = shown(&stoa, &host).await;
        (lane["running"] == 1 && lane["counts"]["started"] == 1).then_some(())
    })
    .await;
    let running = format!("stoa_dispatch_running{{lane=\"{host}\"}} 1.0\n");
    assert!(get(&stoa, "/metrics").await.text().contains(&running));
    gate.release();
    assert_eq!(client.join_all().await, [200]);
    let done = format!("stoa_dispatch_succeeded_total{{lane=\"{host}\"}} 1\n");
    eventually("the end of the body", async || {
        get(&stoa, "/metrics").await.text().contains(&done).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_lane_has_one_name_however_its_host_is_written() {
    let scene = scene();
    let stoa = scene.start();
    for host in ["Mirror.Example:443", "mirror.example.", "mirror.example"] {
        let set = lanes(&stoa, &["set", host, "rate=5/s", "--json"]);
        let lane: Value = serde_json::from_str(&set.stdout).unwrap_or_else(|_| panic!("{}", set.stderr));
        assert_eq!(lane["lane"], "mirror.example", "{host}");
    }
    let all = get(&stoa, "/api/v1/lanes").await.json();
    assert_eq!(all["lanes"].as_array().map(Vec::len), Some(1), "{all}");
    assert_eq!(lanes(&stoa, &["reset", "MIRROR.example:443"]).code, Some(0));
    assert_eq!(shown(&stoa, "mirror.example:443").await["overridden"], false);
}

#[tokio::test]
async fn a_server_at_a_socket_is_named_as_it_is_listened_on() {
    let scene = scene();
    let socket = format!("unix:{}", scene.directory().join("stoa.sock").display());
    let stoa = scene.stoa().listen(&socket).start();
    let token = stoa.admin_token_file().unwrap();
    let listed = run(
        STOA,
        &["lanes", "ls", "--server", &socket, "--json"],
        &[
            ("STOA_STORAGE", "memory:"),
            ("STOA_ADMIN_TOKEN_FILE", token.to_str().unwrap()),
        ],
    );
    assert_eq!((listed.code, listed.stderr.as_str()), (Some(0), ""));
    let lanes: Value = serde_json::from_str(&listed.stdout).unwrap();
    assert_eq!(lanes["lanes"], Value::Array(Vec::new()));
}

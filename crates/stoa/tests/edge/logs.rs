//! Log lines.

use serde_json::Value;
use stoa_testing::content::Content;
use stoa_testing::fixtures::ModuleFixture;
use stoa_testing::gate::Gate;
use stoa_testing::http::{self, Streaming};
use stoa_testing::process::StoaProcess;
use stoa_testing::reply::Reply;

use crate::support::{eventually, get, get_with, scene};

/// Every JSON line so far; fails on a line that looks like JSON and is none.
fn lines(stoa: &StoaProcess) -> Vec<Value> {
    let output = stoa.output();
    let lines = output.lines().filter(|line| line.starts_with('{'));
    lines
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect()
}

/// The access line of a request id, once it is there.
async fn access(stoa: &StoaProcess, id: &str) -> Value {
    eventually(id, async || {
        lines(stoa).into_iter().find(|line| line["request_id"] == id)
    })
    .await
}

async fn ask(stoa: &StoaProcess, path: &str, id: &str) -> Value {
    get_with(stoa, path, &[("X-Request-Id", id)]).await;
    access(stoa, id).await
}

#[tokio::test]
async fn each_request_is_one_json_line_that_says_how_it_went() {
    let scene = scene();
    let stoa = scene.start_with(&[("STOA_LOG_FORMAT", "json"), ("STOA_CACHE_LIST_TTL", "0s")]);
    let greet = scene.greet().url_path("zip");
    let list = "/example.com/greet/@v/list";
    for (id, path, result, status) in [
        ("zip-1", greet.as_str(), "miss", 200),
        ("zip-2", &greet, "hit", 200),
        ("zip-3", &greet, "hit", 200),
        ("list-1", list, "miss", 200),
        ("list-2", list, "stale", 200),
        ("lost-1", "/example.com/nobody/@latest", "miss", 404),
        ("lost-2", "/example.com/nobody/@latest", "negative", 404),
        ("bad", "/example.com/Greet/@v/list", "error", 400),
        ("page", "/healthz", "-", 200),
    ] {
        let line = ask(&stoa, path, id).await;
        assert_eq!(
            (&line["result"], &line["status"]),
            (&result.into(), &status.into()),
            "{line}"
        );
        assert_eq!(
            (&line["method"], &line["path"]),
            (&"GET".into(), &path.into()),
            "{line}"
        );
        assert!(
            line["duration_us"].is_u64() && line["timestamp"].is_string(),
            "{line}"
        );
        assert!(
            line["remote"].as_str().unwrap().starts_with("127.0.0.1:"),
            "{line}"
        );
        assert_eq!(line.get("error").is_some(), status >= 400, "{line}");
    }
    let zip = access(&stoa, "zip-2").await;
    assert_eq!(
        (&zip["module"], &zip["version"]),
        (&"example.com/greet".into(), &"v1.0.0".into())
    );
    assert_eq!(zip["bytes"], scene.greet().zip().len());
    assert_eq!(access(&stoa, "list-1").await.get("version"), None);
    let upper = ask(&stoa, "/example.com/!upper/!case/@v/v0.3.0.info", "upper").await;
    assert_eq!(upper["module"], "example.com/Upper/Case", "as people write it");
    let started = lines(&stoa)
        .into_iter()
        .find(|line| line["message"] == "starting")
        .unwrap();
    assert!(
        started["protocol"].as_str().unwrap().contains("single_flight"),
        "{started}"
    );
}

#[tokio::test]
async fn joined_requests_and_cut_ones_are_told_apart() {
    let scene = scene();
    let stoa = scene.start_with(&[("STOA_LOG_FORMAT", "json")]);
    let module = ModuleFixture::new("example.com/big", "v1.0.0").file("data", Content::random(3 << 20, 3));
    let (gate, path) = (Gate::new(), module.url_path("zip"));
    scene.upstream.module(&module);
    scene
        .upstream
        .on(&path, Reply::gated_at_end(module.zip(), 1 << 20, &gate));
    let url = format!("{}{path}", stoa.url());
    let open = async |id: &str| Streaming::open(&url, &[("X-Request-Id", id)]).await.unwrap();
    let mut first = open("first").await;
    let mut second = open("second").await;
    let third = open("third").await;
    third.reset();
    let third = access(&stoa, "third").await;
    assert_eq!(
        (&third["cut"], &third["result"]),
        (&true.into(), &"coalesced".into())
    );
    gate.release();
    let len = first.digest().await.unwrap().len;
    assert_eq!(second.digest().await.unwrap().len, len);
    let (first, second) = (access(&stoa, "first").await, access(&stoa, "second").await);
    assert_eq!((&first["result"], &first["bytes"]), (&"miss".into(), &len.into()));
    assert_eq!(
        (&second["result"], &second["bytes"]),
        (&"coalesced".into(), &len.into())
    );
    assert_eq!(first.get("cut"), None);
}

#[tokio::test]
async fn hostile_paths_and_answers_break_no_line() {
    let scene = scene();
    let stoa = scene.start_with(&[("STOA_LOG_FORMAT", "json")]);
    let text = Reply::text(
        500,
        "quote \" backslash \\ newline \n tab \t nul \0 bell \u{7}\n{\"x\":1}",
    );
    scene.upstream.on_everything(text);
    for path in [
        "/a%22b%5cc/@v/list",
        "/%0a{}/@v/list",
        "/\"{}",
        "/example.com/a/@v/list?}",
        "/%e2%80%a8/x",
    ] {
        let answer = get(&stoa, path).await;
        assert!(answer.status >= 400, "{path}");
    }
    let id = [("X-Request-Id", "\"},{\"")];
    let answer = http::request("GET", &format!("{}/healthz", stoa.url()), &id, b"")
        .await
        .unwrap();
    assert_eq!(answer.header("x-request-id"), Some("\"},{\""));
    assert_eq!(access(&stoa, "\"},{\"").await["path"], "/healthz");
    let requests = lines(&stoa)
        .into_iter()
        .filter(|line| line["message"] == "request")
        .count();
    assert_eq!(requests, 6);
}

#[tokio::test]
async fn access_lines_can_be_switched_off_and_levels_chosen() {
    let scene = scene();
    let stoa = scene.start_with(&[("STOA_LOG_ACCESS", "false"), ("STOA_LOG_LEVEL", "warn")]);
    get(&stoa, "/healthz").await;
    scene.upstream.kill();
    get(&stoa, &scene.greet().url_path("mod")).await;
    assert!(
        !stoa.output().contains("request") && !stoa.output().contains("INFO"),
        "{}",
        stoa.output()
    );
}

/// The lines that hold all of these texts.
fn found<'a>(output: &'a str, texts: &[&str]) -> Vec<&'a str> {
    let has_all = |line: &&str| texts.iter().all(|text| line.contains(text));
    output.lines().filter(has_all).collect()
}

#[tokio::test]
async fn a_requests_id_finds_its_lines_in_edge_flight_fetch_and_dispatch() {
    for format in ["text", "json"] {
        let scene = scene();
        let stoa = scene.start_with(&[("STOA_LOG_LEVEL", "debug"), ("STOA_LOG_FORMAT", format)]);
        let path = scene.greet().url_path("mod");
        get_with(&stoa, &path, &[("X-Request-Id", "lonely-1")]).await;
        get_with(&stoa, "/healthz", &[("X-Request-Id", "other-2")]).await;
        stoa.wait_for_log("other-2");
        let output = stoa.output();
        for text in [
            "started flight",
            "brought in for all that wait for it",
            "a source has answered",
            "stoa_dispatch",
            path.as_str(),
        ] {
            assert!(
                !found(&output, &["lonely-1", text]).is_empty(),
                "{format}: no line of the request has {text:?}\n{output}"
            );
        }
        assert!(found(&output, &["other-2", "flight"]).is_empty(), "{output}");
    }
}

#[tokio::test]
async fn both_requests_of_a_flight_find_its_lines() {
    for format in ["text", "json"] {
        let scene = scene();
        let stoa = scene.start_with(&[("STOA_LOG_LEVEL", "debug"), ("STOA_LOG_FORMAT", format)]);
        let (gate, path) = (Gate::new(), scene.greet().url_path("mod"));
        let reply = Reply::ok(scene.greet().go_mod()).held(&gate);
        scene.upstream.on(&path, reply);
        let (first, second) = tokio::join!(get_with(&stoa, &path, &[("X-Request-Id", "first-1")]), async {
            scene.upstream.arrived(&path, 1).await;
            let second = get_with(&stoa, &path, &[("X-Request-Id", "second-2")]);
            let release = async {
                eventually("joined", async || {
                    let output = stoa.output();
                    (!found(&output, &["second-2", "joined flight"]).is_empty()).then_some(())
                })
                .await;
                gate.release();
            };
            tokio::join!(second, release).0
        });
        assert_eq!((first.status, second.status), (200, 200));
        assert_eq!(scene.upstream.count(&path), 1);
        let output = stoa.wait_for_log("a source has answered");
        let shared = found(&output, &["first-1", "second-2", "a source has answered"]);
        assert_eq!(shared.len(), 1, "{format}\n{output}");
    }
}

#[tokio::test]
async fn all_lines_of_a_request_in_its_lane_are_in_the_same_spans() {
    let scene = scene();
    let stoa = scene.start_with(&[("STOA_LOG_LEVEL", "debug"), ("STOA_LOG_FORMAT", "json")]);
    for path in ["/example.com/greet/@v/list", "/example.com/greet/@v/v1.0.0.zip"] {
        assert_eq!(get(&stoa, path).await.status, 200, "{path}");
    }
    let output = eventually("both have ended", async || {
        let output = stoa.output();
        (found(&output, &["stoa_dispatch::journal", "\"ended\""]).len() == 2).then_some(output)
    })
    .await;
    let spans = |message: &str| -> Vec<Value> {
        let lines = found(&output, &["stoa_dispatch::journal", message]);
        let lines = lines
            .into_iter()
            .map(|line| serde_json::from_str::<Value>(line).unwrap());
        lines.map(|line| line["spans"].clone()).collect()
    };
    let started = spans("\"started\"");
    assert!(
        started[0].as_array().is_some_and(|spans| spans.len() == 3),
        "{started:?}"
    );
    assert_eq!(spans("\"ended\""), started);
}

#[tokio::test]
async fn what_steers_a_terminal_reaches_neither_the_log_nor_the_client() {
    for format in ["text", "json"] {
        let scene = scene();
        let stoa = scene.start_with(&[("STOA_LOG_FORMAT", format), ("STOA_LOG_LEVEL", "debug")]);
        let said = "\u{1b}]0;owned\u{7}\u{9b}2J\u{202e}\u{2066}\u{200b}\u{2028}\r\nINFO forged";
        let refused = "/example.com/refused/@v/list";
        let reply = Reply::Status(500, "text/plain".to_owned(), said.to_owned().into());
        scene.upstream.on(refused, reply);
        let address = stoa.url().trim_start_matches("http://").parse().unwrap();
        let raw =
            "GET /example.com/\u{202e}\u{9b}2J/@v/list HTTP/1.1\r\nHost: x\r\nX-Request-Id: raw\r\n\r\n";
        let answers = [
            get_with(&stoa, refused, &[("X-Request-Id", "refused")]).await,
            get_with(
                &stoa,
                "/example.com/%e2%80%ae%c2%9b%1b%5b2J/@v/list",
                &[("X-Request-Id", "encoded")],
            )
            .await,
            http::raw(address, raw.as_bytes()).await.unwrap(),
        ];
        let is_unseen = |c: char| {
            c != '\n' && (c.is_control() || ('\u{200b}'..='\u{206f}').contains(&c) || c == '\u{ad}')
        };
        for answer in &answers {
            assert!(answer.status >= 400, "{}", answer.text());
            assert!(!answer.text().contains(is_unseen), "{:?}", answer.text());
        }
        assert!(
            answers[0].text().contains("\\u001b]0;owned"),
            "{}",
            answers[0].text()
        );
        for id in ["refused", "encoded"] {
            stoa.wait_for_log(if format == "text" {
                "request_id="
            } else {
                "\"request_id\":"
            });
            eventually(id, async || stoa.output().contains(id).then_some(())).await;
        }
        assert!(!stoa.output().contains(is_unseen), "{:?}", stoa.output());
    }
}

//! An upstream that fails is never a 404, never waited for without end, and never remembered.

use stoa_testing::content::Content;
use stoa_testing::http;
use stoa_testing::process::StoaProcess;
use stoa_testing::reply::Reply;
use stoa_testing::scene::Scene;

use crate::support::{assert_error, eventually, get, scene};

/// Each failure is looked at by itself; `dispatch.rs` looks at what many of them lead to.
const NO_BREAKER: (&str, &str) = ("STOA_DISPATCH_BREAKER", "disabled");

const IMPATIENT: [(&str, &str); 3] = [
    ("STOA_FETCH_RESPONSE_TIMEOUT", "250ms"),
    ("STOA_FETCH_IDLE_TIMEOUT", "250ms"),
    NO_BREAKER,
];

/// One question of each kind.
const PATHS: [&str; 5] = [
    "/example.com/greet/@v/v1.0.0.info",
    "/example.com/greet/@v/v1.0.0.mod",
    "/example.com/greet/@v/list",
    "/example.com/greet/@latest",
    "/example.com/greet/@v/main.info",
];

async fn assert_all(case: &str, stoa: &StoaProcess, paths: &[&str], status: u16, cause: &str) {
    for path in paths {
        let answer = get(stoa, path).await;
        assert_error(&format!("{case} {path}"), &answer, status, cause);
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{case} {path}");
    }
}

fn with_zip() -> Vec<&'static str> {
    [&PATHS[..], &["/example.com/greet/@v/v1.0.0.zip"]].concat()
}

#[tokio::test]
async fn an_upstream_that_cannot_be_reached_is_a_bad_gateway() {
    let scene = scene();
    let stoa = scene.start_with(&IMPATIENT);
    scene.upstream.on_everything(Reply::Reset);
    assert_all("reset", &stoa, &with_zip(), 502, "broke off").await;
    scene
        .upstream
        .on_everything(Reply::Raw("SSH-2.0-OpenSSH_9.2\r\n".into()));
    assert_all("not HTTP", &stoa, &with_zip(), 502, "could not be read").await;
    scene.upstream.kill();
    assert_all("refused", &stoa, &with_zip(), 502, "Connection refused").await;
}

#[tokio::test]
async fn a_status_that_tells_nothing_is_a_bad_gateway_with_the_upstreams_words() {
    let scene = scene();
    let stoa = scene.start_with(&[NO_BREAKER, ("STOA_CACHE_NEGATIVE_TTL", "0s")]);
    for (code, name) in [
        (500, "500 Internal Server Error"),
        (503, "503 Service Unavailable"),
        (403, "403 Forbidden"),
        (401, "401 Unauthorized"),
        (400, "400 Bad Request"),
        (429, "429 Too Many Requests"),
        (451, "451 Unavailable For Legal Reasons"),
        (204, "204 No Content"),
        (299, "answered 299"),
    ] {
        let words = format!("line of {code}\n\nmore\n");
        scene.upstream.on_everything(Reply::text(code, &words));
        assert_all(name, &stoa, &with_zip(), 502, name).await;
        if code != 204 {
            let text = get(&stoa, PATHS[0]).await;
            assert!(
                text.text().ends_with(&format!("line of {code}\nmore\n")),
                "{:?}",
                text.text()
            );
        }
    }
    scene
        .upstream
        .on_everything(Reply::text(500, &"long ".repeat(100_000)));
    assert_all("one long line", &stoa, &PATHS, 502, "500 Internal").await;
    scene
        .upstream
        .on_everything(Reply::text(500, &"line\n".repeat(10_000)));
    assert_all("many lines", &stoa, &PATHS, 502, "500 Internal").await;
    let html = Reply::Status(502, "text/html".into(), "<h1>Bad Gateway</h1>".into());
    scene.upstream.on_everything(html);
    assert_all("html", &stoa, &PATHS, 502, "502 Bad Gateway").await;
    assert!(
        !get(&stoa, PATHS[0]).await.text().contains('<'),
        "markup is not for a terminal"
    );
}

#[tokio::test]
async fn an_upstream_that_hangs_is_a_timeout() {
    let scene = scene();
    let stoa = scene.start_with(&IMPATIENT);
    scene.upstream.on_everything(Reply::Hang);
    assert_all(
        "hang",
        &stoa,
        &with_zip(),
        504,
        "did not send an answer within 250ms",
    )
    .await;
    scene
        .upstream
        .on_everything(Reply::HangAfterHeaders { announce: 10 });
    assert_all(
        "hang in the body",
        &stoa,
        &PATHS,
        504,
        "did not send more of the body within 250ms",
    )
    .await;
}

#[tokio::test]
async fn a_small_answer_that_is_cut_or_wrong_is_a_bad_gateway() {
    let scene = scene();
    let stoa = scene.start_with(&IMPATIENT);
    let cut = Reply::Truncate {
        announce: 100,
        send: "{\"Version\":\"v1.0.0\"}".into(),
    };
    scene.upstream.on_everything(cut);
    assert_all("truncated", &stoa, &PATHS, 502, "").await;
    scene
        .upstream
        .on_everything(Reply::TruncateChunked("{\"Version\":\"v1.0.0\"}".into()));
    assert_all("truncated chunks", &stoa, &PATHS, 502, "").await;
    let encoded = Reply::full(200, &[("Content-Encoding", "br")], "not asked for");
    scene.upstream.on_everything(encoded);
    assert_all("encoded", &stoa, &with_zip(), 502, "content coding").await;
    let huge = Reply::Sized {
        len: 64 << 20,
        seed: 1,
    };
    scene.upstream.on_everything(huge);
    assert_all("huge", &stoa, &PATHS, 502, "larger than the limit").await;
    for bad in [
        "",
        "[]",
        "{}",
        "null",
        "{\"Version\":\"v1\"}",
        "{\"Version\":\"../x\"}",
        "<html>",
    ] {
        scene.upstream.on_everything(Reply::ok(bad));
        let of_info = [PATHS[0], PATHS[3], PATHS[4]];
        assert_all(bad, &stoa, &of_info, 502, "bad answer").await;
    }
    assert!(
        !std::fs::exists(scene.storage().join("example.com")).unwrap(),
        "nothing is kept"
    );
}

/// Faults of a zip, and what a client that is still waiting for it is told.
fn zip_faults(scene: &Scene, zip: &Content) -> Vec<(&'static str, Reply, u16)> {
    let (whole, len) = (zip.to_bytes(), zip.len());
    let half = || Content::from(whole.slice(..whole.len() / 2));
    let middle = whole.len() / 2;
    let flipped = [&whole[..middle], &[whole[middle] ^ 1], &whole[middle + 1..]].concat();
    let other = scene.example.module("example.com/multi", "v1.2.3").zip();
    vec![
        (
            "truncated",
            Reply::Truncate {
                announce: len,
                send: half(),
            },
            502,
        ),
        ("truncated chunks", Reply::TruncateChunked(half()), 502),
        (
            "reset",
            Reply::ResetAfter {
                announce: len,
                send: half(),
            },
            502,
        ),
        ("hanging", Reply::HangAfterHeaders { announce: len }, 504),
        ("flipped", Reply::ok(flipped), 502),
        ("another module", Reply::ok(other), 502),
        ("no zip", Reply::ok("<html>please sign in</html>"), 502),
        ("nothing", Reply::Chunked("".into()), 502),
    ]
}

#[tokio::test]
async fn a_zip_that_is_not_whole_and_good_is_never_given_out_as_one_and_not_kept() {
    // The beginning of the large one has been given out when its fault shows: then the connection is cut.
    for size in [1000, 3 << 20] {
        let scene = scene();
        let stoa = scene.start_with(&IMPATIENT);
        let module = scene.greet().clone().file("data", Content::random(size, 4));
        scene.upstream.module(&module);
        let path = module.url_path("zip");
        for (case, reply, status) in zip_faults(&scene, &module.zip()) {
            scene.upstream.on(&path, reply);
            match http::get(&format!("{}{path}", stoa.url())).await {
                Ok(answer) if answer.status == 200 => {
                    assert!(!answer.is_clean() && size > 1 << 20, "{case}: {:?}", answer.end);
                }
                Ok(answer) => assert_error(case, &answer, status, ""),
                // Cut before the head had left the server's buffer.
                Err(error) => assert!(size > 1 << 20, "{case}: {error}"),
            }
            eventually(case, async || {
                let left = std::fs::read_dir(scene.storage().join(".stoa/tmp"))
                    .unwrap()
                    .count();
                (left == 0).then_some(())
            })
            .await;
            assert!(
                !std::fs::exists(scene.storage().join("example.com")).unwrap(),
                "{case}"
            );
        }
        scene.upstream.recover(&path);
        let whole = get(&stoa, &path).await;
        assert!(whole.is_clean() && whole.body == module.zip().to_bytes());
    }
}

#[tokio::test]
async fn a_failure_is_not_remembered() {
    let scene = scene();
    let stoa = scene.start_with(&[NO_BREAKER]);
    scene.upstream.on_everything(Reply::text(503, "down"));
    assert_all("down", &stoa, &PATHS[..4], 502, "503").await;
    scene.upstream.recover("");
    for path in &PATHS[..4] {
        assert_eq!(get(&stoa, path).await.status, 200, "{path}");
    }
}

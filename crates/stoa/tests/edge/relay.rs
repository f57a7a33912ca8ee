//! Files that the upstream sends reach the client byte for byte, what it says of missing ones as plain text.

use stoa_testing::fixtures::ModuleFixture;
use stoa_testing::reply::Reply;

use crate::support::{assert_error, get, get_with, scene};

#[tokio::test]
async fn files_arrive_as_the_upstream_has_them() {
    let scene = scene();
    let stoa = scene.start();
    let info = "{\n \"Version\": \"v1.0.0\", \"Time\":\"2024-05-06T09:08:09.123456+02:00\",\"Extra\":[1, 2],\n \
                \"Origin\":{\"URL\":\"https://example.com/greet\",\"VCS\":\"git\",\"Odd\":null}}\n\n";
    let go_mod = "// \u{e9}\u{feff}\r\nmodule example.com/greet\r\n\r\nfuture (\n\tx y\n)";
    let greet = scene.greet();
    scene
        .upstream
        .file(&greet.url_path("info"), info)
        .file(&greet.url_path("mod"), go_mod);
    for _ in ["fetched", "stored"] {
        assert_eq!(get(&stoa, &greet.url_path("info")).await.text(), info);
        assert_eq!(get(&stoa, &greet.url_path("mod")).await.text(), go_mod);
        assert_eq!(
            get(&stoa, &greet.url_path("zip")).await.body,
            greet.zip().to_bytes()
        );
    }
    assert_eq!(scene.upstream.total(), 3, "each file is fetched once");
}

#[tokio::test]
async fn each_file_is_fetched_by_itself() {
    let scene = scene();
    let stoa = scene.start();
    let greet = scene.greet();
    assert_eq!(get(&stoa, &greet.url_path("mod")).await.status, 200);
    let asked: Vec<_> = scene
        .upstream
        .requests()
        .iter()
        .map(stoa_testing::upstream::Request::line)
        .collect();
    assert_eq!(asked, [format!("GET {}", greet.url_path("mod"))]);
    let stored: Vec<_> = std::fs::read_dir(scene.storage().join("example.com/greet/@v"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(stored, ["v1.0.0.mod"]);
}

#[tokio::test]
async fn the_upstreams_no_is_passed_on_as_plain_text() {
    let scene = scene();
    let stoa = scene.start();
    let missing = "does not have it";
    let long = "a very long explanation\n".repeat(100);
    for (name, code, content_type, body, want) in [
        (
            "lost",
            404,
            "text/plain; charset=UTF-8",
            "not found: moved\n\nto example.com/found",
            "not found: moved\n",
        ),
        (
            "gone",
            410,
            "text/plain; charset=us-ascii",
            "gone for good",
            "gone for good\n",
        ),
        ("html", 404, "text/html", "<p>no</p>", missing),
        (
            "json",
            404,
            "application/problem+json",
            "{\"title\":\"no\"}",
            missing,
        ),
        ("long", 404, "text/plain", long.as_str(), &long[..8 * 24]),
        (
            "steering",
            404,
            "text/plain",
            "\u{1b}]0;x\u{7}\u{9b}2J\u{202e}no",
            "\\u001b]0;x\\u0007\\u009b2J\\u202eno\n",
        ),
    ] {
        let path = format!("/example.com/{name}/@latest");
        let reply = Reply::Status(code, content_type.to_owned(), body.to_owned().into());
        scene.upstream.on(&path, reply);
        for _ in ["fetched", "remembered"] {
            let answer = get(&stoa, &path).await;
            assert_error(name, &answer, code, "");
            if want == missing {
                assert!(answer.text().contains(missing), "{name}: {}", answer.text());
            } else {
                assert_eq!(answer.text(), want, "{name}");
            }
        }
        assert_eq!(scene.upstream.count(&path), 1, "{name}");
    }
}

#[tokio::test]
async fn a_no_without_words_gets_some() {
    let scene = scene();
    let stoa = scene.start();
    let path = "/example.com/bare/@v/v1.0.0.mod";
    scene.upstream.on(path, Reply::full(404, &[], ""));
    assert_error("bare", &get(&stoa, path).await, 404, "does not have it");
}

#[tokio::test]
async fn redirects_are_followed_and_both_dresses_of_a_path_are_one() {
    let scene = scene();
    let stoa = scene.start();
    let module = scene.example.module("example.com/Upper/Case", "v0.3.0");
    scene.upstream.on(
        &module.url_path("mod"),
        Reply::Redirect(format!("{}/elsewhere/upper.mod", scene.upstream.url())),
    );
    scene.upstream.file("/elsewhere/upper.mod", module.go_mod());
    let raw = get(&stoa, "/example.com/!upper/!case/@v/v0.3.0.mod").await;
    let encoded = get(&stoa, "/example.com/%21upper/%21case/@v/v0.3.0.mod").await;
    assert_eq!((raw.status, &raw.body), (200, &module.go_mod()));
    assert_eq!(encoded.body, raw.body);
    assert_eq!(scene.upstream.count("/elsewhere/upper.mod"), 1);

    let legacy = scene.example.module("example.com/legacy", "v2.0.0+incompatible");
    for path in [
        "/example.com/legacy/@v/v2.0.0+incompatible.mod",
        "/example.com/legacy/@v/v2.0.0%2Bincompatible.mod",
    ] {
        assert_eq!(get(&stoa, path).await.body, legacy.go_mod(), "{path}");
    }
    assert_eq!(scene.upstream.count(&legacy.url_path("mod")), 1);
}

#[tokio::test]
async fn the_upstream_is_asked_as_the_go_command_asks() {
    let scene = scene();
    let stoa = scene.start();
    let module = scene.example.module("example.com/Upper/Case", "v0.3.0");
    let secret = [
        ("Authorization", "Basic c2VjcmV0"),
        ("Cookie", "a=b"),
        ("X-Forwarded-For", "10.0.0.1"),
    ];
    assert_eq!(
        get_with(&stoa, &module.url_path("mod"), &secret).await.status,
        200
    );
    let request = scene.upstream.requests().remove(0);
    assert_eq!(request.target, "/example.com/%21upper/%21case/@v/v0.3.0.mod");
    for header in [
        "authorization",
        "cookie",
        "x-forwarded-for",
        "range",
        "if-none-match",
    ] {
        assert_eq!(
            request.header(header),
            None,
            "{header} is the client's own business"
        );
    }
    assert!(request.header("user-agent").unwrap().starts_with("stoa/"));
}

#[tokio::test]
async fn a_version_that_is_no_version_of_the_path_never_leaves_the_house() {
    let scene = scene();
    let stoa = scene.start();
    let other = ModuleFixture::new("example.com/greet", "v1.0.1");
    scene.upstream.file(&scene.greet().url_path("info"), other.info());
    let answer = get(&stoa, &scene.greet().url_path("info")).await;
    assert_error("another version", &answer, 502, "v1.0.1");
    assert!(!std::fs::exists(scene.storage().join("example.com")).unwrap());
}

//! HTTP is read as the go command's client reads it: odd answers of an upstream, given to both.

mod answers;

use std::collections::BTreeMap;
use std::sync::Arc;

use stoa_testing::content::Content;
use stoa_testing::fixtures::ModuleFixture;
use stoa_testing::go::GoClient;
use stoa_testing::http;
use stoa_testing::reply::Reply;

use crate::fetch::values;
use crate::support::scene;
use answers::{Both, INFO, Neither, OnlyGo, OnlyStoa, cases, packed};

fn path(index: usize) -> String {
    format!("example.com/c{index}")
}

#[tokio::test(flavor = "multi_thread")]
async fn odd_answers_are_taken_as_the_go_command_takes_them() {
    let scene = scene();
    let cases = cases();
    for (index, case) in cases.iter().enumerate() {
        let path = format!("/{}/@v/v1.0.0.info", path(index));
        scene.upstream.on(&path, Reply::Raw(case.answer.clone()));
    }
    let go = Arc::new(GoClient::new(&scene.upstream.url()));
    let modules: Vec<_> = (0..cases.len())
        .map(|index| format!("{}@v1.0.0", path(index)))
        .collect();
    let arguments: Vec<_> = ["list", "-m", "-e", "-json"]
        .into_iter()
        .chain(modules.iter().map(String::as_str))
        .collect();
    let listed = go.run_async(&arguments).await;
    let go: BTreeMap<_, _> = values(&listed.stdout)
        .into_iter()
        .map(|module| {
            let path = module["Path"].as_str().unwrap().to_owned();
            (path, module.get("Error").map(|error| error["Err"].to_string()))
        })
        .collect();
    // The failures here are no sign that the server is ill.
    let stoa = scene.start_with(&[
        ("STOA_DISPATCH_BREAKER", "disabled"),
        ("STOA_DISPATCH_RETRIES", "0"),
    ]);
    let mut differences = Vec::new();
    for (index, case) in cases.iter().enumerate() {
        let url = format!("{}/{}/@v/v1.0.0.info", stoa.url(), path(index));
        let answer = http::get(&url).await.unwrap();
        let by_stoa = answer.status == 200;
        assert!(
            by_stoa || answer.status == 502,
            "{}: {} {}",
            case.name,
            answer.status,
            answer.text()
        );
        let by_go = go[&path(index)].is_none();
        let taken = match (by_go, by_stoa) {
            (true, true) => Both,
            (false, false) => Neither,
            (true, false) => OnlyGo,
            (false, true) => OnlyStoa,
        };
        if by_stoa {
            assert_eq!(answer.text(), INFO, "{}", case.name);
        }
        if taken != case.taken {
            let (go, stoa) = (&go[&path(index)], answer.text());
            differences.push(format!(
                "{}: {taken:?}, not {:?}\n  go: {go:?}\n  stoa: {stoa}",
                case.name, case.taken
            ));
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_module_that_comes_as_gzip_is_the_same_module() {
    let scene = scene();
    let module = ModuleFixture::new("example.com/packed", "v1.0.0");
    let files = [
        ("info", Content::from(module.info())),
        ("mod", Content::from(module.go_mod())),
        ("zip", module.zip()),
    ];
    for (extension, content) in files {
        let headers = [("Content-Encoding", "gzip"), ("ETag", "\"packed\"")];
        let reply = Reply::full(200, &headers, packed(&content.to_bytes()));
        scene.upstream.on(&module.url_path(extension), reply);
    }
    let stoa = scene.start();
    let mut downloaded = Vec::new();
    for proxy in [scene.upstream.url(), stoa.url().to_owned()] {
        let go = Arc::new(GoClient::new(&proxy));
        let ran = go
            .run_async(&["mod", "download", "-json", "example.com/packed@v1.0.0"])
            .await;
        let ran = ran.expect_success();
        let [read] = &values(&ran.stdout)[..] else {
            panic!("{}", ran.stdout)
        };
        assert_eq!(
            (read["Sum"].as_str(), read["GoModSum"].as_str()),
            (Some(&*module.h1()), Some(&*module.go_mod_h1()))
        );
        downloaded.push(go.module_cache_snapshot());
    }
    assert_eq!(downloaded[0], downloaded[1]);
}

#[tokio::test]
async fn limits_are_about_what_is_unpacked() {
    let scene = scene();
    let stoa = scene.start_with(&[("STOA_FETCH_MAX_LIST", "1MiB"), ("STOA_FETCH_MAX_ZIP", "1MiB")]);
    let bomb = packed(&vec![b'v'; 64 << 20]);
    assert!(bomb.len() < 1 << 17, "{}", bomb.len());
    // Members without content, which never add to what is unpacked.
    let empty = packed(b"").repeat(64 << 10);
    for (name, body) in [("a bomb", bomb), ("empty members", empty)] {
        let reply = Reply::full(200, &[("Content-Encoding", "gzip")], body);
        scene.upstream.on_everything(reply);
        for what in ["@v/list", "@v/v1.0.0.zip"] {
            let url = format!("{}/example.com/bomb/{what}", stoa.url());
            let answer = http::get(&url).await.unwrap();
            assert_eq!(answer.status, 502, "{name} {what}: {}", answer.text());
            let said = answer.text();
            assert!(said.contains("larger than the limit of"), "{name} {what}: {said}");
        }
    }
}

#[tokio::test]
async fn what_an_error_says_is_unpacked_too() {
    let scene = scene();
    let stoa = scene.start();
    let reply = Reply::full(
        404,
        &[
            ("Content-Encoding", "gzip"),
            ("Content-Type", "text/plain; charset=utf-8"),
        ],
        packed(b"not found: no such thing\n"),
    );
    scene.upstream.on_everything(reply);
    let answer = http::get(&format!("{}/example.com/none/@v/v1.0.0.info", stoa.url()))
        .await
        .unwrap();
    assert_eq!(answer.status, 404, "{}", answer.text());
    assert!(answer.text().contains("no such thing"), "{}", answer.text());
}

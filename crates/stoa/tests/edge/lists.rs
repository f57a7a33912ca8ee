//! Version lists, `@latest`, branch and hash queries, and the headers of each kind of answer.

use stoa_testing::fixtures::ModuleFixture;
use stoa_testing::reply::Reply;

use crate::support::{eventually, get, get_with, scene};

#[tokio::test]
async fn a_list_is_sorted_filtered_and_has_each_version_once() {
    let scene = scene();
    let stoa = scene.start();
    let list = "v1.10.0\nv1.9.0 2024-01-02T03:04:05Z\n v1.2.0-rc.1\r\nv1\nv1.2\nv1.0.0+meta\nv2.0.0\n\
                v2.0.0+incompatible\nv0.0.0-20240102030405-abcdefabcdef\nv1.9.0\nlatest\n\n\u{e9}\nv1.2.0";
    scene.upstream.file("/example.com/a/@v/list", list);
    scene
        .upstream
        .file("/example.com/a/v2/@v/list", "v2.1.0\nv1.0.0\nv2.0.0\nv3.0.0\n");
    let answer = get(&stoa, "/example.com/a/@v/list").await;
    assert_eq!(
        answer.text(),
        "v1.2.0-rc.1\nv1.2.0\nv1.9.0\nv1.10.0\nv2.0.0+incompatible\n"
    );
    assert_eq!(
        get(&stoa, "/example.com/a/v2/@v/list").await.text(),
        "v2.0.0\nv2.1.0\n"
    );
}

#[tokio::test]
async fn an_empty_list_is_an_answer_and_retracted_versions_stay() {
    let scene = scene();
    let stoa = scene.start();
    let empty = get(&stoa, "/example.com/words/@v/list").await;
    assert_eq!(
        (empty.status, empty.text(), empty.header("content-length")),
        (200, "", Some("0"))
    );
    let greet = get(&stoa, "/example.com/greet/@v/list").await;
    assert_eq!(greet.text(), "v1.0.0\nv1.0.1\nv1.1.0\nv1.2.0-rc.1\n");
}

#[tokio::test]
async fn what_is_stored_stays_in_the_list_when_the_upstream_forgets_it() {
    let scene = scene();
    let stoa = scene.start();
    for extension in ["info", "mod"] {
        assert_eq!(get(&stoa, &scene.greet().url_path(extension)).await.status, 200);
    }
    // One file alone does not make a version that could be used.
    let half = scene.example.module("example.com/greet", "v1.0.1");
    assert_eq!(get(&stoa, &half.url_path("mod")).await.status, 200);
    scene
        .upstream
        .on("/example.com/greet/@v/list", Reply::text(404, "not found"));
    scene
        .upstream
        .on("/example.com/greet/@latest", Reply::text(404, "not found"));
    let list = get(&stoa, "/example.com/greet/@v/list").await;
    assert_eq!((list.status, list.text()), (200, "v1.0.0\n"));
    let latest = get(&stoa, "/example.com/greet/@latest").await;
    assert_eq!((latest.status, &latest.body), (200, &scene.greet().info()));
}

#[tokio::test]
async fn latest_and_queries_are_relayed_and_fixed_versions_are_stored() {
    let scene = scene();
    let stoa = scene.start();
    let pseudo = "v1.1.1-0.20240708091011-0123456789ab";
    let commit = ModuleFixture::new("example.com/greet", pseudo);
    let queries = ["main", "0123456789ab", "v1", "!feature", "HEAD"];
    for query in queries {
        let query = if query == "HEAD" { "!h!e!a!d" } else { query };
        scene
            .upstream
            .file(&format!("/example.com/greet/@v/{query}.info"), commit.info());
    }
    scene.upstream.file(&commit.url_path("info"), commit.info());
    let latest = get(&stoa, "/example.com/words/@latest").await;
    let newest = scene
        .example
        .module("example.com/words", "v0.0.0-20240607080910-ddddeeeeffff");
    assert_eq!((latest.status, &latest.body), (200, &newest.info()));
    for query in ["main", "0123456789ab", "v1", "!feature", "!h!e!a!d"] {
        let answer = get(&stoa, &format!("/example.com/greet/@v/{query}.info")).await;
        assert_eq!((answer.status, &answer.body), (200, &commit.info()), "{query}");
        assert_eq!(
            answer.header("cache-control"),
            Some("public, max-age=60"),
            "{query}"
        );
    }
    let fixed = get(&stoa, &commit.url_path("info")).await;
    assert_eq!(
        fixed.header("cache-control"),
        Some("public, max-age=31536000, immutable")
    );
    let stored: Vec<_> = std::fs::read_dir(scene.storage().join("example.com/greet/@v"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(
        stored,
        [format!("{pseudo}.info")],
        "a branch moves: it is not stored"
    );
}

#[tokio::test]
async fn each_kind_of_answer_says_what_it_is_and_how_long_it_holds() {
    let scene = scene();
    let stoa = scene.start_with(&[("STOA_CACHE_LIST_TTL", "90s")]);
    let (fixed, passing) = ("public, max-age=31536000, immutable", "public, max-age=90");
    for (path, content_type, cache_control) in [
        ("/example.com/greet/@v/list", "text/plain; charset=utf-8", passing),
        ("/example.com/greet/@latest", "application/json", passing),
        ("/example.com/greet/@v/v1.0.0.info", "application/json", fixed),
        (
            "/example.com/greet/@v/v1.0.0.mod",
            "text/plain; charset=utf-8",
            fixed,
        ),
        ("/example.com/greet/@v/v1.0.0.zip", "application/zip", fixed),
    ] {
        for round in ["fetched", "remembered", "hot"] {
            let answer = get(&stoa, path).await;
            assert_eq!(
                answer.header("content-type"),
                Some(content_type),
                "{path} {round}"
            );
            assert_eq!(
                answer.header("cache-control"),
                Some(cache_control),
                "{path} {round}"
            );
            let length = answer.body.len().to_string();
            assert_eq!(
                answer.header("content-length"),
                Some(length.as_str()),
                "{path} {round}"
            );
            assert!(answer.header("date").is_some(), "{path} {round}");
        }
    }
    let zip = get(&stoa, "/example.com/greet/@v/v1.0.0.zip").await;
    assert_eq!(zip.header("accept-ranges"), Some("bytes"));
    let missing = get(&stoa, "/example.com/nobody/@v/list").await;
    assert_eq!(missing.header("cache-control"), Some("no-store"));
}

#[tokio::test]
async fn a_request_id_is_echoed_or_made() {
    let scene = scene();
    let stoa = scene.start();
    let long = "x".repeat(200);
    for path in [
        "/example.com/greet/@v/list",
        "/example.com/nobody/@v/list",
        "/healthz",
        "/%zz",
        "/nothing",
    ] {
        let echoed = get_with(&stoa, path, &[("X-Request-Id", "build-7")]).await;
        assert_eq!(echoed.header("x-request-id"), Some("build-7"), "{path}");
        let mut made = Vec::new();
        for given in ["", "two words", &long] {
            let answer = get_with(&stoa, path, &[("X-Request-Id", given)]).await;
            let id = answer.header("x-request-id").unwrap().to_owned();
            assert!(id.len() == 16 && !made.contains(&id), "{path}: {id}");
            made.push(id);
        }
    }
    stoa.wait_for_log("request_id=build-7");
}

#[tokio::test]
async fn the_info_of_a_version_that_a_query_resolved_to_is_there_when_the_upstream_is_not() {
    let scene = scene();
    let stoa = scene.start();
    let commit = ModuleFixture::new("example.com/greet", "v1.1.1-0.20240708091011-0123456789ab");
    let of_branch = commit.info().to_vec();
    let of_branch = String::from_utf8(of_branch)
        .unwrap()
        .replace("\"VCS\"", "\"Ref\":\"refs/heads/main\",\"VCS\"");
    scene
        .upstream
        .file("/example.com/greet/@v/main.info", of_branch.clone());
    scene.upstream.file(&commit.url_path("info"), commit.info());
    let asked = get(&stoa, "/example.com/greet/@v/main.info").await;
    assert_eq!(asked.text(), of_branch);
    get(&stoa, "/example.com/words/@latest").await;
    // The go command never asks for them: it has the answers to its queries.
    let words = scene
        .example
        .module("example.com/words", "v0.0.0-20240607080910-ddddeeeeffff");
    for module in [&commit, words] {
        let file = scene.storage().join(&module.url_path("info")[1..]);
        eventually("the .info", async || {
            std::fs::exists(&file).unwrap().then_some(())
        })
        .await;
    }
    scene.upstream.kill();
    for module in [&commit, words] {
        assert_eq!(
            get(&stoa, &module.url_path("info")).await.body,
            module.info(),
            "its own, not the branch's"
        );
    }
}

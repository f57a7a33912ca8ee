//! `/index` and `/catalog`.

use stoa_testing::http;

use crate::scene::{Scene, path_of, sized};

fn lines(text: &str) -> Vec<serde_json::Value> {
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_index_lists_what_somebody_wanted_in_the_order_in_which_it_came() {
    let modules = [
        sized("b", "v1.0.0", 2_000),
        sized("A", "v1.0.0", 2_000),
        sized("c", "v1.0.0", 2_000),
    ];
    let scene = Scene::start(&modules, &[]);
    scene.fetch(&modules[0]).await;
    scene.indexed(1).await;
    scene.fetch(&modules[1]).await;
    scene.indexed(2).await;
    // Only looked at, to choose the versions of a build.
    scene.get(&path_of(&modules[2], "mod")).await;
    scene.indexed(3).await;

    let answer = scene.get("/index").await;
    assert_eq!(answer.status, 200);
    assert_eq!(
        answer.header("content-type"),
        Some("application/json; charset=utf-8")
    );
    let all = lines(answer.text());
    let names: Vec<_> = all.iter().map(|line| line["Path"].as_str().unwrap()).collect();
    assert_eq!(names, ["example.com/b", "example.com/A"]);
    let moments: Vec<_> = all
        .iter()
        .map(|line| line["Timestamp"].as_str().unwrap().to_owned())
        .collect();
    assert!(moments[0] < moments[1], "{moments:?}");
    assert_eq!(all[0]["Version"], "v1.0.0");

    let later = scene.get(&format!("/index?since={}", moments[1])).await;
    assert_eq!(lines(later.text()), all[1..]);
    let one = scene.get("/index?limit=1").await;
    assert_eq!(lines(one.text()), all[..1]);
    let many = scene.get("/index?limit=1000000").await;
    assert_eq!(lines(many.text()), all);
    let none = scene.get("/index?since=2999-01-01T00:00:00Z").await;
    assert_eq!((none.status, none.text()), (200, ""));
}

/// Row 20 of Athens' table, and what else is no question.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_question_is_refused() {
    let scene = Scene::start(&[], &[]);
    scene.indexed(0).await;
    for (path, status) in [
        ("/index?limit=0", 400),
        ("/index?limit=-1", 400),
        ("/index?limit=x", 400),
        ("/index?since=02%20Jan%2006%2015:04%20MST", 400),
        ("/index?limit=", 200),
        ("/index/", 404),
        ("/index/x", 404),
        ("/catalog?pagesize=0", 400),
        ("/catalog?pagesize=x", 400),
        ("/catalog?token=x", 400),
        ("/catalog?token=", 200),
        ("/catalog", 200),
    ] {
        let answer = scene.get(path).await;
        assert_eq!(answer.status, status, "{path}: {}", answer.text());
    }
    let url = format!("{}/index", scene.stoa.url());
    let head = http::request("HEAD", &url, &[], b"").await.unwrap();
    assert_eq!((head.status, head.text()), (200, ""));
    let post = http::request("POST", &url, &[], b"").await.unwrap();
    assert_eq!(post.status, 405);
}

#[tokio::test(flavor = "multi_thread")]
async fn names_can_be_kept_from_strangers() {
    let scene = Scene::start(&[], &[("STOA_INDEX_PUBLIC", "false")]);
    scene.indexed(0).await;
    for path in ["/index", "/catalog"] {
        assert_eq!(scene.get(path).await.status, 401, "{path}");
        let token = scene.stoa.admin_authorization().unwrap();
        let url = format!("{}{path}", scene.stoa.url());
        let known = http::request("GET", &url, &[("Authorization", &token)], b"")
            .await
            .unwrap();
        assert_eq!(known.status, 200, "{path}: {}", known.text());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_catalogue_has_pages() {
    let modules = [
        sized("a", "v1.0.0", 2_000),
        sized("a", "v1.1.0", 2_000),
        sized("b", "v1.0.0", 2_000),
    ];
    let scene = Scene::start(&modules, &[]);
    for module in &modules {
        scene.fetch(module).await;
    }
    scene.indexed(3).await;
    let mut token = String::new();
    let mut seen = Vec::new();
    for page in 0..3 {
        let answer = scene.get(&format!("/catalog?pagesize=1&token={token}")).await;
        let json = answer.json();
        let found = json["modules"].as_array().unwrap();
        assert_eq!(found.len(), 1, "page {page}: {json}");
        seen.push(format!(
            "{}@{}",
            found[0]["module"].as_str().unwrap(),
            found[0]["version"].as_str().unwrap()
        ));
        token = json["next"].as_str().unwrap().to_owned();
    }
    assert_eq!(
        seen,
        [
            "example.com/a@v1.0.0",
            "example.com/a@v1.1.0",
            "example.com/b@v1.0.0"
        ]
    );
    let last = scene.get(&format!("/catalog?token={token}")).await.json();
    assert_eq!(last, serde_json::json!({ "modules": [] }));
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_known_where_a_version_came_from_and_how_large_it_is() {
    let module = sized("a", "v1.0.0", 3_000);
    let scene = Scene::start(std::slice::from_ref(&module), &[]);
    scene.fetch(&module).await;
    let all = scene.indexed_whole(1).await;
    let (status, answer) = scene
        .api("GET", "storage/versions?module=example.com/a", "")
        .await;
    assert_eq!(status, 200, "{answer}");
    let version = &answer["versions"][0];
    assert_eq!(version["zip"], 3_000);
    assert_eq!(version["h1"], module.h1().as_str());
    assert_eq!(version["origin"], scene.upstream.url().trim_end_matches('/'));
    let listed = scene.command(&["storage", "ls", "example.com/"]);
    assert_eq!(listed.code, Some(0), "{}", listed.stderr);
    assert!(
        listed.stdout.contains("example.com/a@v1.0.0  info,mod,zip  "),
        "{}",
        listed.stdout
    );
    let usage = scene.command(&["storage", "du", "--json"]);
    let usage: serde_json::Value = serde_json::from_str(&usage.stdout).unwrap();
    assert_eq!(usage["largest"][0]["module"], "example.com/a");
    assert_eq!(usage["bytes"], all["bytes"]);
}

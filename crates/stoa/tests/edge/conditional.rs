//! `HEAD`, ranges and entity tags, for files in memory, in storage and still arriving.

use stoa_testing::content::Content;
use stoa_testing::fixtures::ModuleFixture;
use stoa_testing::gate::Gate;
use stoa_testing::http::{self, Response};
use stoa_testing::process::StoaProcess;
use stoa_testing::reply::Reply;
use stoa_testing::scene::Scene;

use crate::support::{get, get_with, scene};

/// Zips that are kept in memory, and that are read from storage each time.
fn modules(scene: &Scene) -> Vec<ModuleFixture> {
    let sizes = [("example.com/small", 1000), ("example.com/large", 3 << 20)];
    let modules =
        sizes.map(|(path, size)| ModuleFixture::new(path, "v1.0.0").file("data", Content::random(size, 5)));
    scene.upstream.modules(&modules);
    modules.to_vec()
}

async fn head(stoa: &StoaProcess, path: &str, headers: &[(&str, &str)]) -> Response {
    let url = format!("{}{path}", stoa.url());
    http::request("HEAD", &url, headers, b"").await.unwrap()
}

#[tokio::test]
async fn head_tells_what_get_would() {
    let scene = scene();
    let stoa = scene.start();
    for module in modules(&scene) {
        let path = module.url_path("zip");
        for round in ["cold", "stored", "hot"] {
            let answer = head(&stoa, &path, &[]).await;
            assert_eq!((answer.status, answer.body.len()), (200, 0), "{round}");
            assert_eq!(
                answer.header("content-length"),
                Some(module.zip().len().to_string().as_str()),
                "{round}"
            );
            assert_eq!(answer.header("content-type"), Some("application/zip"), "{round}");
            assert_eq!(get(&stoa, &path).await.body, module.zip().to_bytes(), "{round}");
        }
        assert_eq!(scene.upstream.count(&path), 1);
        let (by_head, by_get) = (head(&stoa, &path, &[]).await, get(&stoa, &path).await);
        assert_eq!(by_head.header("etag"), by_get.header("etag"));
        let ranged = head(&stoa, &path, &[("Range", "bytes=0-0")]).await;
        assert_eq!(
            ranged.status, 200,
            "ranges are a matter of GET alone (RFC 9110, 14.2)"
        );
    }
    let missing = head(&stoa, "/example.com/nobody/@v/list", &[]).await;
    assert_eq!((missing.status, missing.body.len()), (404, 0));
}

#[tokio::test]
async fn head_on_a_connection_leaves_it_usable() {
    let scene = scene();
    let stoa = scene.start();
    let mut connection = http::Connection::open(stoa.url()).await.unwrap();
    let path = scene.greet().url_path("zip");
    for (method, target) in [
        ("HEAD", path.as_str()),
        ("GET", &path),
        ("HEAD", "/healthz"),
        ("HEAD", "/example.com/nobody/@latest"),
        ("POST", &path),
        ("GET", "/%zz"),
        ("HEAD", &path),
        ("GET", &path),
    ] {
        let answer = connection.send(method, target, &[], b"").await.unwrap();
        assert!(answer.is_clean(), "{method} {target}: {answer:?}");
    }
    let last = connection.send("GET", &path, &[], b"").await.unwrap();
    assert_eq!(last.body, scene.greet().zip().to_bytes());
}

#[tokio::test]
async fn a_range_is_that_part_of_the_file() {
    let scene = scene();
    let stoa = scene.start();
    for module in modules(&scene) {
        let (path, zip) = (module.url_path("zip"), module.zip().to_bytes());
        let len = zip.len();
        let whole = get(&stoa, &path).await;
        assert!(whole.status == 200 && whole.body == zip);
        let etag = get(&stoa, &path).await.header("etag").unwrap().to_owned();
        for (range, start, end) in [
            ("bytes=0-0".to_owned(), 0, 1),
            ("bytes=10-109".to_owned(), 10, 110),
            (format!("bytes={}-", len - 7), len - 7, len),
            ("bytes=-5".to_owned(), len - 5, len),
            (format!("bytes=1-{}", len * 2), 1, len),
            (format!("bytes=-{}", len * 2), 0, len),
        ] {
            let part = get_with(&stoa, &path, &[("Range", &range)]).await;
            assert_eq!(part.status, 206, "{range}");
            assert_eq!(part.body, zip.slice(start..end), "{range}");
            let content_range = format!("bytes {start}-{}/{len}", end - 1);
            assert_eq!(part.header("content-range"), Some(content_range.as_str()));
            let same = get_with(&stoa, &path, &[("Range", &range), ("If-Range", &etag)]).await;
            assert_eq!((same.status, &same.body), (206, &part.body), "{range}");
        }
        for range in [format!("bytes={len}-"), "bytes=-0".to_owned()] {
            let beyond = get_with(&stoa, &path, &[("Range", &range)]).await;
            assert_eq!((beyond.status, beyond.body.len()), (416, 0), "{range}");
            assert_eq!(beyond.header("cache-control"), Some("no-store"), "{range}");
            assert_eq!(
                beyond.header("content-range"),
                Some(format!("bytes */{len}").as_str())
            );
        }
        let date = "Wed, 21 Oct 2015 07:28:00 GMT";
        let weak = format!("W/{etag}");
        for stale in ["\"another\"", &weak, date] {
            let answer = get_with(&stoa, &path, &[("Range", "bytes=0-0"), ("If-Range", stale)]).await;
            assert_eq!((answer.status, answer.body.len()), (200, len), "{stale}");
        }
        for ignored in ["bytes=0-0,5-5", "bytes=9-1", "lines=0-1", "bytes", "bytes=a-b"] {
            let answer = get_with(&stoa, &path, &[("Range", ignored)]).await;
            assert_eq!((answer.status, answer.body.len()), (200, len), "{ignored}");
        }
    }
}

#[tokio::test]
async fn a_range_of_what_is_still_arriving_is_the_whole() {
    let scene = scene();
    let stoa = scene.start();
    let large = &modules(&scene)[1];
    let (path, zip) = (large.url_path("zip"), large.zip());
    let gate = Gate::new();
    scene
        .upstream
        .on(&path, Reply::gated_at_end(zip.clone(), 10, &gate));
    let url = format!("{}{path}", stoa.url());
    let mut stream = http::Streaming::open(&url, &[("Range", "bytes=0-0")])
        .await
        .unwrap();
    assert_eq!(stream.status, 200);
    gate.release();
    assert_eq!(stream.digest().await.unwrap().len, zip.len());
}

#[tokio::test]
async fn an_entity_tag_saves_the_second_transfer() {
    let scene = scene();
    let stoa = scene.start();
    let mut paths: Vec<_> = modules(&scene)
        .iter()
        .map(|module| module.url_path("zip"))
        .collect();
    paths.extend(["info", "mod"].map(|extension| scene.greet().url_path(extension)));
    paths.extend(["/example.com/greet/@v/list", "/example.com/greet/@latest"].map(str::to_owned));
    for path in paths {
        get(&stoa, &path).await;
        let answer = get(&stoa, &path).await;
        let etag = answer
            .header("etag")
            .unwrap_or_else(|| panic!("{path}: {answer:?}"))
            .to_owned();
        assert!(
            etag.starts_with('"') && etag.ends_with('"') && etag.len() > 10,
            "{path}: {etag}"
        );
        for tags in [
            etag.clone(),
            format!("W/{etag}"),
            format!("\"x\", {etag}"),
            "*".to_owned(),
        ] {
            let unchanged = get_with(&stoa, &path, &[("If-None-Match", &tags)]).await;
            assert_eq!(
                (unchanged.status, unchanged.body.len()),
                (304, 0),
                "{path} {tags}"
            );
            assert_eq!(unchanged.header("etag"), Some(etag.as_str()));
            assert_eq!(unchanged.header("cache-control"), answer.header("cache-control"));
        }
        let changed = get_with(&stoa, &path, &[("If-None-Match", "\"x\"")]).await;
        assert_eq!((changed.status, &changed.body), (200, &answer.body), "{path}");
    }
}

#[tokio::test]
async fn an_entity_tag_outlives_a_restart() {
    let scene = scene();
    let path = scene.greet().url_path("zip");
    let mut tags = Vec::new();
    for _ in ["first", "second"] {
        let stoa = scene.start();
        get(&stoa, &path).await;
        tags.push(get(&stoa, &path).await.header("etag").map(str::to_owned));
    }
    assert!(tags[0].is_some() && tags[0] == tags[1], "{tags:?}");
}

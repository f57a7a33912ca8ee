//! Archives: fetched once, kept, and served as files are.

use stoa_testing::content::Content;
use stoa_testing::gate::Gate;
use stoa_testing::http::{BodyEnd, Streaming};
use stoa_testing::reply::Reply;

use crate::mirror::{LARGE, Mirror, SMALL, ask, assert_error, content, get, metric};

#[tokio::test]
async fn an_archive_is_fetched_once_kept_and_served_with_its_sum_as_its_tag() {
    let mirror = Mirror::new();
    let stoa = mirror.start();
    for name in [SMALL, LARGE] {
        let (path, want) = (format!("/dl/{name}"), content(name));
        let tag = format!("\"{}\"", want.sha256());
        for round in ["cold", "stored"] {
            let answer = get(&stoa, &path).await;
            assert_eq!(answer.status, 200, "{round}: {}", answer.text());
            assert!(answer.is_clean(), "{round}");
            assert_eq!(answer.body, want.to_bytes(), "{round}");
            assert_eq!(answer.header("etag"), Some(tag.as_str()), "{round}");
            assert_eq!(
                answer.header("content-type"),
                Some("application/octet-stream"),
                "{round}"
            );
            assert_eq!(
                answer.header("content-length"),
                Some(want.len().to_string().as_str()),
                "{round}"
            );
            assert!(answer.header("cache-control").unwrap().contains("immutable"));
        }
        assert_eq!(mirror.kept(name).as_deref(), Some(&want.to_bytes()[..]));
        assert_eq!(mirror.counts(name), (1, 1), "{name}");
    }
    for (result, want) in [("miss", 2), ("hit", 2)] {
        let series =
            format!("stoa_requests_total{{resource=\"release_archive\",result=\"{result}\",status=\"200\"}}");
        assert_eq!(metric(&stoa, &series).await, want, "{series}");
    }
    let fetched = "stoa_release_fetches_total{resource=\"release_archive\",result=\"ok\"}";
    assert_eq!(metric(&stoa, fetched).await, 2);
}

#[tokio::test]
async fn parts_and_conditions_are_heeded_of_what_is_stored() {
    let mirror = Mirror::new();
    let stoa = mirror.start();
    let (path, want) = (format!("/dl/{LARGE}"), content(LARGE).to_bytes());
    let tag = format!("\"{}\"", content(LARGE).sha256());
    // Nothing is brought in for who wants no bytes.
    let head = ask(&stoa, "HEAD", &path, &[]).await;
    assert_eq!((head.status, head.body.len()), (200, 0));
    let len = want.len().to_string();
    assert_eq!(head.header("content-length"), Some(len.as_str()));
    assert_eq!(head.header("etag"), Some(tag.as_str()));
    assert_eq!(mirror.counts(LARGE), (1, 0));
    assert_eq!(get(&stoa, &path).await.body, want);

    let part = ask(&stoa, "GET", &path, &[("Range", "bytes=1000000-1000009")]).await;
    assert_eq!((part.status, &part.body[..]), (206, &want[1_000_000..1_000_010]));
    let range = format!("bytes 1000000-1000009/{len}");
    assert_eq!(part.header("content-range"), Some(range.as_str()));
    let rest = [("Range", "bytes=3145000-"), ("If-Range", tag.as_str())];
    let rest = ask(&stoa, "GET", &path, &rest).await;
    assert_eq!((rest.status, &rest.body[..]), (206, &want[3_145_000..]));
    let other = [("Range", "bytes=5-"), ("If-Range", "\"another\"")];
    assert_eq!(ask(&stoa, "GET", &path, &other).await.status, 200);
    let beyond = ask(&stoa, "GET", &path, &[("Range", "bytes=9999999-")]).await;
    assert_eq!(beyond.status, 416);
    let same = ask(&stoa, "GET", &path, &[("If-None-Match", &tag)]).await;
    assert_eq!((same.status, same.body.len()), (304, 0));
    let head = ask(&stoa, "HEAD", &path, &[]).await;
    assert_eq!(head.header("content-length"), Some(len.as_str()));
    assert_eq!(mirror.counts(LARGE), (1, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_clients_cost_one_fetch_and_get_it_while_it_arrives() {
    let mirror = Mirror::new();
    let stoa = mirror.start();
    let gate = Gate::new();
    mirror.back.on(
        &Mirror::behind(LARGE),
        Reply::gated_at_end(content(LARGE), 512 << 10, &gate),
    );
    let url = format!("{}/dl/{LARGE}", stoa.url());
    let mut clients = Vec::new();
    for _ in 0..50 {
        let mut client = Streaming::open(&url, &[]).await.unwrap();
        assert_eq!(client.status, 200);
        assert!(
            client.read_past(1 << 20).await.unwrap(),
            "it comes while it arrives"
        );
        clients.push(client);
    }
    assert_eq!(
        mirror.kept(LARGE),
        None,
        "nothing is stored before all of it has come"
    );
    gate.release();
    for mut client in clients {
        let digest = client.digest().await.unwrap();
        assert_eq!(
            (client.received(), digest.end),
            (content(LARGE).len(), BodyEnd::Clean)
        );
    }
    assert_eq!(mirror.counts(LARGE).1, 1);
    assert_eq!(
        mirror.kept(LARGE).as_deref(),
        Some(&content(LARGE).to_bytes()[..])
    );
}

#[tokio::test]
async fn sums_come_from_the_index_and_signatures_are_kept() {
    let mirror = Mirror::new();
    let stoa = mirror.start();
    let sum = get(&stoa, &format!("/dl/{SMALL}.sha256")).await;
    assert_eq!((sum.status, sum.text()), (200, content(SMALL).sha256().as_str()));
    assert_eq!(mirror.back.total(), 0);

    let path = format!("/dl/{SMALL}.asc");
    let behind = format!("/go/{SMALL}.asc");
    assert_error("none", &get(&stoa, &path).await, 404, &[]);
    mirror.back.script(&behind, [Reply::ok("<html>no</html>")]);
    assert_error(
        "no signature",
        &get(&stoa, &path).await,
        502,
        &["is no signature"],
    );
    mirror
        .back
        .script(&behind, [Reply::ok(Content::zeros((64 << 10) + 1))]);
    assert_error(
        "too long",
        &get(&stoa, &path).await,
        502,
        &["larger than the limit"],
    );
    let signature = "-----BEGIN PGP SIGNATURE-----\n\nAAAA\n-----END PGP SIGNATURE-----\n";
    mirror.back.on(&behind, Reply::ok(signature));
    for round in ["cold", "stored"] {
        let answer = get(&stoa, &path).await;
        assert_eq!((answer.status, answer.text()), (200, signature), "{round}");
    }
    assert_eq!(mirror.back.count(&behind), 4);
    assert_error(
        "of nothing",
        &get(&stoa, "/dl/go9.src.tar.gz.asc").await,
        404,
        &["the index of releases does not have it"],
    );
}

#[tokio::test]
async fn what_the_index_does_not_have_is_not_found_and_nobody_is_asked_for_it() {
    let mirror = Mirror::new();
    let stoa = mirror.start();
    for path in ["/dl/go9.9.9.linux-amd64.tar.gz", "/dl/go9.src.tar.gz.sha256"] {
        let answer = get(&stoa, path).await;
        assert_error(
            path,
            &answer,
            404,
            &["not found", "the index of releases does not have it"],
        );
    }
    for path in [
        "/dl/index.html",
        "/dl/..",
        "/dl/%2e%2e",
        "/dl/go%00",
        "/dl/go%2f..%2f..%2fx",
    ] {
        let answer = get(&stoa, path).await;
        assert!(matches!(answer.status, 400 | 404), "{path}: {}", answer.status);
    }
    // These are paths of modules, if any.
    for path in ["/dl/a/b", "/dl/go1/@v/list"] {
        let answer = get(&stoa, path).await;
        assert!(matches!(answer.status, 400 | 404), "{path}: {}", answer.status);
        assert!(
            !answer.text().contains("index of releases"),
            "{path}: {}",
            answer.text()
        );
    }
    assert_eq!((mirror.front.total(), mirror.back.total()), (1, 0));
}

#[tokio::test]
async fn an_archive_without_a_sum_is_refused() {
    let mirror = Mirror::new();
    mirror.list("go1.1.linux-amd64.tar.gz", "", 1000);
    let stoa = mirror.start();
    let answer = get(&stoa, "/dl/go1.1.linux-amd64.tar.gz").await;
    assert_error("no sum", &answer, 403, &["has no SHA-256"]);
    let head = ask(&stoa, "HEAD", "/dl/go1.1.linux-amd64.tar.gz", &[]).await;
    assert_eq!(head.status, 403);
    assert_eq!(mirror.back.total(), 0);
}

//! Lists of a source that fails, and of which a part is stored.

use bytes::Bytes;
use stoa_testing::fixtures::ModuleFixture;
use stoa_testing::http::{self, Response};
use stoa_testing::process::StoaProcess;
use stoa_testing::reply::Reply;
use stoa_testing::upstream::Upstream;

use crate::STOA;

const LIST: &str = "/example.com/m/@v/list";
const LATEST: &str = "/example.com/m/@latest";
const ALL: &str = "v1.0.0\nv1.1.0\nv1.2.0\n";

/// All the ways in which a source does not answer.
fn failures() -> Vec<Reply> {
    let raw = |bytes: &'static str| Reply::Raw(Bytes::from_static(bytes.as_bytes()));
    let cut = Reply::Truncate {
        announce: 21,
        send: "v1.0.0\n".into(),
    };
    let (unframed, chunk) = (
        "HTTP/1.0 200 OK\r\n\r\nv1.0.0\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n7\r\nv1.0.0\n\r\n",
    );
    vec![
        Reply::text(500, "a fault"),
        Reply::text(502, "a fault behind it"),
        Reply::text(503, "a moment"),
        Reply::text(429, "too many"),
        Reply::text(403, "not you"),
        Reply::Reset,
        cut,
        raw(""),
        raw("HTTP/1.1 200"),
        raw(unframed),
        raw(chunk),
        raw("no HTTP\r\n\r\n"),
    ]
}

async fn get(stoa: &StoaProcess, path: &str) -> Response {
    http::get(&format!("{}{path}", stoa.url())).await.unwrap()
}

/// stoa that remembers nothing for long.
fn stoa(directory: &std::path::Path, upstream: &Upstream, network: &str, stale: &str) -> StoaProcess {
    StoaProcess::command(STOA)
        .storage(&directory.join("storage"))
        .upstream(&upstream.url())
        .env("STOA_NETWORK", network)
        .env("STOA_CACHE_LIST_TTL", "0s")
        .env("STOA_CACHE_STALE_TTL", stale)
        .env("STOA_CACHE_NEGATIVE_TTL", "0s")
        .env("STOA_DISPATCH_BREAKER", "disabled")
        .env("STOA_DISPATCH_RETRIES", "0")
        .env("STOA_FETCH_TOTAL_TIMEOUT", "1s")
        .start()
}

/// The source, of which one version of three is stored, as the first server knows.
async fn partly_stored(directory: &std::path::Path, stale: &str) -> (Upstream, StoaProcess) {
    let upstream = Upstream::start().await;
    let versions = ["v1.0.0", "v1.1.0", "v1.2.0"].map(|version| ModuleFixture::new("example.com/m", version));
    upstream.modules(&versions);
    let stoa = stoa(directory, &upstream, "online", stale);
    for extension in ["info", "mod"] {
        assert_eq!(get(&stoa, &versions[0].url_path(extension)).await.status, 200);
    }
    assert_eq!(get(&stoa, LIST).await.text(), ALL);
    (upstream, stoa)
}

/// Whether this is a failure of the source, told as one.
fn is_failure(answer: &Response) -> bool {
    matches!(answer.status, 502..=504)
}

#[tokio::test]
async fn a_source_that_fails_leaves_no_shorter_list() {
    for stale in ["0s", "10m"] {
        let directory = tempfile::tempdir().unwrap();
        let (upstream, stoa) = partly_stored(directory.path(), stale).await;
        let mut failed = 0;
        for failure in failures() {
            upstream.on(LIST, failure.clone()).on(LATEST, failure.clone());
            for _ in 0..2 {
                let (list, latest) = tokio::join!(get(&stoa, LIST), get(&stoa, LATEST));
                failed += usize::from(is_failure(&list));
                let is_whole = list.status == 200 && list.text() == ALL;
                assert!(
                    is_whole || is_failure(&list),
                    "{stale} {failure:?}: {} {}",
                    list.status,
                    list.text()
                );
                assert!(
                    is_failure(&latest) || latest.text().contains("v1.2.0"),
                    "{stale} {failure:?}: {} {}",
                    latest.status,
                    latest.text()
                );
            }
        }
        println!(
            "kept stale for {stale}: {failed} of {} are failures",
            failures().len() * 2
        );
        upstream.recover(LIST).recover(LATEST);
        assert_eq!(get(&stoa, LIST).await.text(), ALL);
    }
}

#[tokio::test]
async fn a_new_server_has_no_list_while_the_source_fails() {
    let directory = tempfile::tempdir().unwrap();
    let (upstream, first) = partly_stored(directory.path(), "10m").await;
    drop(first);
    let online = stoa(directory.path(), &upstream, "online", "10m");
    let fallback = stoa(directory.path(), &upstream, "fallback", "10m");
    for failure in failures() {
        upstream.on(LIST, failure.clone()).on(LATEST, failure.clone());
        for path in [LIST, LATEST] {
            let answer = get(&online, path).await;
            assert!(
                is_failure(&answer),
                "{failure:?} {path}: {} {}",
                answer.status,
                answer.text()
            );
        }
        // Storage stands in where the configuration says so.
        let list = get(&fallback, LIST).await;
        assert_eq!((list.status, list.text()), (200, "v1.0.0\n"), "{failure:?}");
    }
    upstream.recover(LIST).recover(LATEST);
    for stoa in [&online, &fallback] {
        assert_eq!(get(stoa, LIST).await.text(), ALL);
    }
}

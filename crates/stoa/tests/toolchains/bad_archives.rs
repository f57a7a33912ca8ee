//! Servers that fail, and archives that are not what the index says.

use stoa_testing::content::Content;
use stoa_testing::http::BodyEnd;
use stoa_testing::reply::Reply;

use crate::mirror::{LARGE, Mirror, SMALL, assert_error, content, get, metric};

/// As many other bytes.
fn other(name: &str) -> Content {
    Content::random(content(name).len(), 99)
}

fn nothing_is_kept(mirror: &Mirror, name: &str) {
    assert_eq!(mirror.kept(name), None, "{name} is not stored");
    let tmp = mirror.path("storage/.stoa/tmp");
    let left: Vec<_> = std::fs::read_dir(tmp).unwrap().collect();
    assert!(left.is_empty(), "nothing of {name} is left: {left:?}");
}

#[tokio::test]
async fn a_small_archive_that_is_another_has_a_status_with_the_reason() {
    let mirror = Mirror::new();
    let stoa = mirror.start();
    let (path, behind, good) = (format!("/dl/{SMALL}"), Mirror::behind(SMALL), content(SMALL));
    let shorter = Content::random(good.len() - 1, 1);
    let longer = Content::concat([good.clone(), Content::zeros(1)]);
    for (bad, words) in [
        (Reply::ok(other(SMALL)), "has SHA-256"),
        (
            Reply::ok(shorter.clone()),
            "and the index says 300000; not stored",
        ),
        (Reply::ok(longer.clone()), "larger than the limit of 300000 bytes"),
        (Reply::Chunked(other(SMALL)), "has SHA-256"),
        (
            Reply::Chunked(shorter),
            "has 299999 bytes, and the index says 300000",
        ),
        (Reply::Chunked(longer), "larger than the limit of 300000 bytes"),
        (Reply::text(404, "no such object\n"), "its index has go1.98.0"),
        (Reply::text(403, "forbidden\n"), "answered 403"),
        (Reply::text(500, "broken\n"), "answered 500"),
        (Reply::text(503, "away\n"), "answered 503"),
        (Reply::Endless, "larger than the limit"),
    ] {
        let case = format!("{bad:?}");
        mirror.back.script(&behind, [bad]);
        let answer = get(&stoa, &path).await;
        assert_error(&case, &answer, 502, &[words]);
        nothing_is_kept(&mirror, SMALL);
    }
    let answer = get(&stoa, &path).await;
    assert_eq!((answer.status, &answer.body), (200, &good.to_bytes()));
    let failed = "stoa_release_fetches_total{resource=\"release_archive\",result=\"error\"}";
    assert_eq!(metric(&stoa, failed).await, 11);
}

#[tokio::test]
async fn a_large_archive_that_is_another_is_cut_off_and_never_kept() {
    let mirror = Mirror::new();
    let stoa = mirror.start();
    let (path, behind) = (format!("/dl/{LARGE}"), Mirror::behind(LARGE));
    // All but the last byte is right.
    let mut bytes = content(LARGE).to_bytes().to_vec();
    *bytes.last_mut().unwrap() ^= 1;
    for bad in [
        Reply::ok(bytes.clone()),
        Reply::Chunked(bytes[1..].to_vec().into()),
    ] {
        mirror.back.script(&behind, [bad]);
        let answer = get(&stoa, &path).await;
        assert_eq!(answer.status, 200);
        assert!(
            matches!(answer.end, BodyEnd::Cut { received, .. } if received < content(LARGE).len()),
            "{:?}",
            answer.end
        );
        stoa.wait_for_log("a release archive was not stored");
        nothing_is_kept(&mirror, LARGE);
    }
    let answer = get(&stoa, &path).await;
    assert!(answer.is_clean() && answer.body == content(LARGE).to_bytes());
}

#[tokio::test]
async fn a_transfer_that_breaks_off_goes_on_under_its_client() {
    let mirror = Mirror::new();
    let stoa = mirror.start();
    let (path, behind, whole) = (format!("/dl/{LARGE}"), Mirror::behind(LARGE), content(LARGE));
    let tag = ("ETag".to_owned(), format!("\"{LARGE}\""));
    let head = format!(
        "HTTP/1.1 200 OK\r\n{}: {}\r\nContent-Length: {}\r\n\r\n",
        tag.0,
        tag.1,
        whole.len()
    );
    let half = [head.as_bytes(), &whole.to_bytes()[..2 << 20]].concat();
    mirror.back.script(&behind, [Reply::Raw(half.into())]);
    let answer = get(&stoa, &path).await;
    assert!(answer.is_clean(), "{:?}", answer.end);
    assert!(answer.body == whole.to_bytes());
    let requests = mirror.back.requests();
    let ranges: Vec<_> = requests.iter().map(|request| request.header("range")).collect();
    assert_eq!(ranges, [None, Some("bytes=2097152-")]);
    let saved = "stoa_transfers_broken_total{resource=\"release_archive\",result=\"saved\"}";
    assert_eq!(metric(&stoa, saved).await, 1);
}

#[tokio::test]
async fn a_redirect_leads_only_where_the_operator_says() {
    let mirror = Mirror::new();
    let port = mirror.back.address().port();
    for hosts in ["", "dl.google.com", "127.0.0.1", &format!("localhost:{port}")] {
        let stoa = mirror.stoa().env("STOA_TOOLCHAINS_HOSTS", hosts).start();
        let answer = get(&stoa, &format!("/dl/{SMALL}")).await;
        let said = format!("redirected to 127.0.0.1:{port}, which toolchains.hosts does not name");
        assert_error(hosts, &answer, 502, &[&said]);
    }
    assert_eq!(mirror.back.total(), 0);
    // Whatever is named may be asked by the front itself, too.
    let direct = Reply::Redirect(format!("{}/moved/{SMALL}", mirror.front.url()));
    mirror.front.script(&format!("/dl/{SMALL}"), [direct]);
    mirror.front.file(&format!("/moved/{SMALL}"), content(SMALL));
    let stoa = mirror.stoa().env("STOA_TOOLCHAINS_HOSTS", "").start();
    let answer = get(&stoa, &format!("/dl/{SMALL}")).await;
    assert_eq!((answer.status, &answer.body), (200, &content(SMALL).to_bytes()));
}

#[tokio::test]
async fn an_index_that_changes_its_mind_does_not_change_what_is_stored() {
    let mirror = Mirror::new();
    let stoa = mirror.stoa().env("STOA_TOOLCHAINS_INDEX_TTL", "0s").start();
    let path = format!("/dl/{SMALL}");
    assert_eq!(get(&stoa, &path).await.status, 200);
    mirror.list(SMALL, &other(SMALL).sha256(), content(SMALL).len() + 1);
    assert_eq!(get(&stoa, "/dl/?mode=json&include=all").await.status, 200);
    let answer = get(&stoa, &path).await;
    assert_error(
        "changed",
        &answer,
        500,
        &["has 300000 bytes, and the index says 300001"],
    );
    assert_eq!(
        mirror.kept(SMALL).as_deref(),
        Some(&content(SMALL).to_bytes()[..])
    );
}

//! Every kind of reply, seen from the wire.

use std::io::ErrorKind;
use std::time::Duration;

use stoa_testing::content::Content;
use stoa_testing::gate::Gate;
use stoa_testing::http::{self, BodyEnd, Connection, Response, Streaming};
use stoa_testing::reply::Reply;
use stoa_testing::upstream::Upstream;

async fn answer(reply: Reply) -> Response {
    let upstream = Upstream::start().await;
    upstream.on("/x", reply);
    http::get(&format!("{}/x", upstream.url())).await.unwrap()
}

#[tokio::test]
async fn statuses_types_and_headers_are_as_scripted() {
    let gone = answer(Reply::text(410, "gone for good\n")).await;
    assert_eq!((gone.status, gone.text()), (410, "gone for good\n"));
    assert_eq!(gone.header("content-type"), Some("text/plain; charset=utf-8"));
    assert!(gone.is_clean());

    let busy = answer(Reply::full(503, &[("Retry-After", "7")], "later")).await;
    assert_eq!(
        (busy.status, busy.header("Retry-After"), busy.text()),
        (503, Some("7"), "later")
    );

    let moved = answer(Reply::Redirect("http://127.0.0.1:1/y".to_owned())).await;
    assert_eq!(
        (moved.status, moved.header("location")),
        (302, Some("http://127.0.0.1:1/y"))
    );

    let json = answer(Reply::json(&serde_json::json!({ "a": 1 }))).await;
    assert_eq!(json.json()["a"], 1);

    let empty = answer(Reply::full(204, &[], "")).await;
    assert_eq!(
        (empty.status, empty.header("content-length"), empty.is_clean()),
        (204, None, true)
    );
}

#[tokio::test]
async fn truncation_is_seen_with_both_framings() {
    let cut = answer(Reply::Truncate {
        announce: 1000,
        send: "only this".into(),
    })
    .await;
    assert_eq!(cut.text(), "only this");
    assert_eq!(
        cut.end,
        BodyEnd::Cut {
            received: 9,
            announced: Some(1000),
            reset: false
        }
    );

    let cut = answer(Reply::TruncateChunked(Content::random(200_000, 1))).await;
    assert_eq!(cut.body, Content::random(200_000, 1).to_bytes());
    assert_eq!(
        cut.end,
        BodyEnd::Cut {
            received: 200_000,
            announced: None,
            reset: false
        }
    );

    let whole = answer(Reply::Chunked(Content::random(200_000, 1))).await;
    assert_eq!((whole.body.len(), whole.end), (200_000, BodyEnd::Clean));
}

#[tokio::test]
async fn resets_are_resets() {
    let upstream = Upstream::start().await;
    let url = format!("{}/x", upstream.url());
    upstream.on("/x", Reply::Reset);
    assert_eq!(
        http::get(&url).await.unwrap_err().kind(),
        ErrorKind::ConnectionReset
    );

    upstream.on(
        "/x",
        Reply::ResetAfter {
            announce: 50_000_000,
            send: Content::zeros(20_000_000),
        },
    );
    let response = http::get(&url).await;
    match response.map(|response| response.end) {
        Ok(BodyEnd::Cut { announced, reset, .. }) => assert_eq!((announced, reset), (Some(50_000_000), true)),
        Ok(other) => panic!("{other:?}"),
        Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionReset),
    }
}

#[tokio::test]
async fn raw_bytes_go_out_as_they_are() {
    let upstream = Upstream::start().await;
    upstream.on("/x", Reply::Raw("HTTP/1.0 200 OK\r\n\r\nno framing".into()));
    let response = http::get(&format!("{}/x", upstream.url())).await.unwrap();
    assert_eq!((response.text(), response.end), ("no framing", BodyEnd::Closed));
    upstream.on("/x", Reply::Raw("SSH-2.0-OpenSSH\r\n\r\n".into()));
    let error = http::get(&format!("{}/x", upstream.url())).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidData);
}

#[tokio::test]
async fn a_hanging_server_notices_the_client_leaving() {
    let upstream = Upstream::start().await;
    upstream
        .on("/hang", Reply::Hang)
        .on("/headers", Reply::HangAfterHeaders { announce: 10 });

    let mut silent = Connection::open(&upstream.url()).await.unwrap();
    silent.write_request("GET", "/hang", &[], b"").await.unwrap();
    upstream.arrived("/hang", 1).await;
    assert_eq!(upstream.hang_ups("/hang"), 0);
    drop(silent);
    upstream.hung_up("/hang", 1).await;

    let streaming = Streaming::open(&format!("{}/headers", upstream.url()), &[])
        .await
        .unwrap();
    assert_eq!(
        (streaming.status, streaming.headers.get("content-length")),
        (200, Some("10"))
    );
    streaming.reset();
    upstream.hung_up("/headers", 1).await;
}

#[tokio::test]
async fn a_gate_holds_the_rest_of_the_body() {
    let upstream = Upstream::start().await;
    let gate = Gate::new();
    let body = Content::random(300_000, 3);
    upstream.on("/x", Reply::gated_at_end(body.clone(), 1, &gate));
    let mut streaming = Streaming::open(&format!("{}/x", upstream.url()), &[])
        .await
        .unwrap();
    gate.reached(1).await;
    assert!(streaming.read_past(299_999).await.unwrap());
    let last = tokio::time::timeout(Duration::from_millis(50), streaming.next()).await;
    assert!(last.is_err(), "the last byte came before its release");
    gate.release();
    let rest = streaming.digest().await.unwrap();
    assert_eq!(
        (rest.len, rest.end, streaming.received()),
        (1, BodyEnd::Clean, 300_000)
    );
}

#[tokio::test]
async fn a_held_reply_waits_for_all_of_its_requests() {
    let upstream = Upstream::start().await;
    let gate = Gate::new();
    upstream.on("/x", Reply::text(404, "no").held(&gate));
    let url = format!("{}/x", upstream.url());
    let observe = async {
        gate.reached(2).await;
        gate.release();
    };
    let (one, other, ()) = tokio::join!(http::get(&url), http::get(&url), observe);
    assert_eq!((one.unwrap().status, other.unwrap().status), (404, 404));
    assert_eq!(upstream.peak_in_flight(), 2);
}

#[tokio::test]
async fn a_drip_comes_whole_and_slowly() {
    let started = std::time::Instant::now();
    let every = Duration::from_millis(20);
    let response = answer(Reply::Drip {
        body: "drip drop".into(),
        chunk: 3,
        every,
    })
    .await;
    assert_eq!((response.text(), response.is_clean()), ("drip drop", true));
    assert!(started.elapsed() >= 2 * every);
}

#[tokio::test]
async fn an_endless_body_does_not_end() {
    let upstream = Upstream::start().await;
    upstream.on("/x", Reply::Endless);
    let mut streaming = Streaming::open(&format!("{}/x", upstream.url()), &[])
        .await
        .unwrap();
    assert!(streaming.read_past(50_000_000).await.unwrap());
    assert!(streaming.first_byte().is_some() && streaming.end().is_none());
    drop(streaming);
    upstream.hung_up("/x", 1).await;
}

#[tokio::test]
async fn ranges_are_served_and_refused() {
    type Case = (
        &'static [(&'static str, &'static str)],
        u16,
        &'static str,
        Option<&'static str>,
    );

    let upstream = Upstream::start().await;
    upstream.on(
        "/x",
        Reply::Ranged {
            etag: "\"one\"".to_owned(),
            body: "0123456789".into(),
        },
    );
    let url = format!("{}/x", upstream.url());
    let cases: [Case; 6] = [
        (&[], 200, "0123456789", None),
        (&[("Range", "bytes=4-")], 206, "456789", Some("bytes 4-9/10")),
        (
            &[("Range", "bytes=2-3"), ("If-Range", "\"one\"")],
            206,
            "23",
            Some("bytes 2-3/10"),
        ),
        (&[("Range", "bytes=-1")], 206, "9", Some("bytes 9-9/10")),
        (
            &[("Range", "bytes=4-"), ("If-Range", "\"two\"")],
            200,
            "0123456789",
            None,
        ),
        (&[("Range", "bytes=10-")], 416, "", Some("bytes */10")),
    ];
    for (headers, status, body, content_range) in cases {
        let response = http::request("GET", &url, headers, b"").await.unwrap();
        assert_eq!((response.status, response.text()), (status, body), "{headers:?}");
        assert_eq!(response.header("content-range"), content_range, "{headers:?}");
        assert!(response.is_clean());
    }
}

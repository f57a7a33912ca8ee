//! Mounted parts stream.

use std::{
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

use axum::{Router, http::header::CONTENT_LENGTH, routing::get};
use stoa_testing::http::{self, BodyEnd, Connection, Streaming};

use crate::{
    client::{Identity, WAYS},
    lab::{DEADLINE, Lab, eventually},
    parts::{large, live, live_with, mount},
};

#[tokio::test]
async fn each_event_arrives_before_the_next_is_sent_in_every_way() {
    let identity = Identity::new();
    for way in WAYS {
        let (part, pieces) = live("text/event-stream");
        let lab = Lab {
            mounts: vec![part],
            ..Lab::default()
        };
        let server = way.prepare(lab, &identity).start().await;
        let mut stream = way.open(&server, &identity, "/live", "events").await;
        assert_eq!(stream.response.status(), 200, "{way:?}");
        assert_eq!(stream.response.headers()["x-request-id"], "events");
        let began = Instant::now();
        let mut sent = String::new();
        for i in 0..3 {
            let event = format!("data: {i}\n\n");
            sent += &event;
            pieces.send(Ok(event.into())).await.unwrap();
            // The next event is not sent before this one is here.
            stream.expect(&sent).await;
            assert!(
                server.lines().is_empty(),
                "{way:?}: the access line comes at the end"
            );
        }
        let lasted = began.elapsed().as_micros();
        drop(pieces);
        assert_eq!(stream.end().await, Ok(()), "{way:?}");
        let line = server.access("events").await;
        assert_eq!(
            (&line["bytes"], line.get("cut")),
            (&sent.len().into(), None),
            "{way:?}: {line}"
        );
        assert_eq!(
            (&line["status"], &line["result"]),
            (&200.into(), &"-".into()),
            "{line}"
        );
        assert!(
            u128::from(line["duration_us"].as_u64().unwrap()) >= lasted,
            "{line}"
        );
    }
}

#[tokio::test]
async fn a_page_of_64_mib_arrives_whole_with_and_without_a_length() {
    const LEN: u64 = 64 << 20;
    let identity = Identity::new();
    for way in WAYS {
        let (part, polled) = large(LEN >> 20, 1 << 20);
        let whole = get(async || vec![7_u8; 64 << 20]);
        let lab = Lab {
            mounts: vec![part, mount("/whole", Router::new().route("/whole", whole))],
            ..Lab::default()
        };
        let server = way.prepare(lab, &identity).start().await;
        let mut page = way.open(&server, &identity, "/large", "large").await;
        assert_eq!(page.response.headers().get(CONTENT_LENGTH), None);
        assert_eq!(page.rest().await, (LEN, Ok(())), "{way:?}");
        assert_eq!(polled.load(Ordering::SeqCst), LEN);
        let mut page = way.open(&server, &identity, "/whole", "whole").await;
        assert_eq!(page.response.headers()[CONTENT_LENGTH], LEN.to_string());
        assert_eq!(page.rest().await, (LEN, Ok(())), "{way:?}");
        for id in ["large", "whole"] {
            let line = server.access(id).await;
            assert_eq!(
                (&line["bytes"], line.get("cut")),
                (&LEN.into(), None),
                "{way:?}: {line}"
            );
        }
    }
}

/// What the kernel and the server hold for one client that does not read, at most.
const HELD: u64 = 32 << 20;

#[tokio::test]
async fn a_client_that_stops_reading_stops_the_part() {
    const LEN: u64 = 256 << 20;
    let (part, polled) = large(LEN >> 16, 1 << 16);
    let lab = Lab {
        mounts: vec![part],
        ..Lab::default()
    };
    let server = lab.start().await;
    let mut stream = Streaming::open(&server.url("/large"), &[]).await.unwrap();
    assert!(stream.read_past(1).await.unwrap());
    // It is stopped when it has not been asked for a while, and it has not been asked for everything.
    let (mut seen, mut since) = (0, Instant::now());
    let stopped = eventually("the part to be left alone", async || {
        let now = polled.load(Ordering::SeqCst);
        if now != seen {
            (seen, since) = (now, Instant::now());
        }
        (since.elapsed() > Duration::from_millis(300)).then_some(now)
    })
    .await;
    assert!(
        stopped <= HELD,
        "{stopped} bytes are held for a client that does not read"
    );
    let digest = stream.digest().await.unwrap();
    assert_eq!((digest.end, stream.received()), (BodyEnd::Clean, LEN));
}

#[tokio::test]
async fn a_client_that_goes_away_ends_the_stream_of_the_part() {
    let (part, pieces) = live("text/event-stream");
    let lab = Lab {
        mounts: vec![part],
        ..Lab::default()
    };
    let server = lab.start().await;
    let mut stream = Streaming::open(&server.url("/live"), &[("X-Request-Id", "gone")])
        .await
        .unwrap();
    pieces.send(Ok("data: 1\n\n".into())).await.unwrap();
    assert!(stream.read_past(8).await.unwrap());
    stream.reset();
    tokio::time::timeout(DEADLINE, pieces.closed()).await.unwrap();
    let line = server.access("gone").await;
    assert_eq!(
        (&line["bytes"], &line["cut"]),
        (&9.into(), &true.into()),
        "{line}"
    );
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_cut_and_not_short() {
    let identity = Identity::new();
    for way in WAYS {
        let (part, pieces) = live("text/plain");
        let lab = Lab {
            mounts: vec![part],
            ..Lab::default()
        };
        let server = way.prepare(lab, &identity).start().await;
        let mut stream = way.open(&server, &identity, "/live", "broken").await;
        pieces.send(Ok("half a ".into())).await.unwrap();
        stream.expect("half a ").await;
        pieces.send(Err("the disk is gone")).await.unwrap();
        assert!(stream.end().await.is_err(), "{way:?}");
        let line = server.access("broken").await;
        assert_eq!(
            (&line["bytes"], &line["cut"]),
            (&7.into(), &true.into()),
            "{line}"
        );
        assert_eq!(line["error"], "the answer broke off: the disk is gone");
    }
}

#[tokio::test]
async fn an_answer_shorter_than_announced_is_cut() {
    let identity = Identity::new();
    for way in WAYS {
        let (part, pieces) = live_with([(CONTENT_LENGTH, "10")]);
        let lab = Lab {
            mounts: vec![part],
            ..Lab::default()
        };
        let server = way.prepare(lab, &identity).start().await;
        let mut stream = way.open(&server, &identity, "/live", "short").await;
        pieces.send(Ok("1234".into())).await.unwrap();
        stream.expect("1234").await;
        drop(pieces);
        assert!(stream.end().await.is_err(), "{way:?}");
        let line = server.access("short").await;
        assert_eq!(
            (&line["error"], &line["cut"]),
            (
                &"the answer ended 6 bytes before its announced end".into(),
                &true.into()
            ),
            "{line}"
        );
    }
}

#[tokio::test]
async fn a_connection_serves_on_after_a_stream_has_ended() {
    let (part, pieces) = live("text/event-stream");
    let lab = Lab {
        mounts: vec![part],
        ..Lab::default()
    };
    let server = lab.start().await;
    let mut connection = Connection::open(&server.address).await.unwrap();
    connection.write_request("GET", "/live", &[], b"").await.unwrap();
    pieces.send(Ok("data: 1\n\n".into())).await.unwrap();
    drop(pieces);
    let events = connection.read_response("GET").await.unwrap();
    assert_eq!((events.text(), events.end), ("data: 1\n\n", BodyEnd::Clean));
    let answer = connection
        .send("GET", "/example.com/a/@v/v1.0.0.mod", &[], b"")
        .await
        .unwrap();
    assert_eq!(answer.text(), "example.com/a@v1.0.0.mod");
    assert_eq!(http::get(&server.url("/nothing")).await.unwrap().status, 404);
}

//! How streams end when the server does.

use std::time::Duration;

use stoa_testing::http::{BodyEnd, Connection};

use crate::{
    client::{Identity, WAYS, Way},
    lab::Lab,
    parts::{live, polite},
};

#[tokio::test]
async fn a_stream_of_events_is_ended_between_two_events() {
    let identity = Identity::new();
    for way in WAYS {
        let (part, pieces) = live("text/event-stream; charset=utf-8");
        let lab = Lab {
            mounts: vec![part],
            ..Lab::default()
        };
        let mut server = way.prepare(lab, &identity).start().await;
        let mut stream = way.open(&server, &identity, "/live", "events").await;
        pieces.send(Ok("data: 1\n\ndata: 2\n".into())).await.unwrap();
        stream.expect("data: 1\n\ndata: 2\n").await;
        server.shutdown.cancel();
        // The time in which the part may end the stream is over, and an event is half sent.
        tokio::time::sleep(Duration::from_millis(1500)).await;
        pieces.send(Ok("data: 3\n\ndata: 4\n\n".into())).await.unwrap();
        stream.expect("data: 1\n\ndata: 2\ndata: 3\n\n").await;
        assert_eq!(stream.end().await, Ok(()), "{way:?}");
        drop(stream);
        assert_eq!(server.stopped().await, 0, "{way:?}");
        let line = server.access("events").await;
        assert_eq!((&line["bytes"], line.get("cut")), (&26.into(), None), "{line}");
        assert!(pieces.is_closed(), "the part's stream is gone");
    }
}

#[tokio::test]
async fn an_idle_stream_of_events_ends_soon_and_a_polite_part_ends_its_own() {
    let identity = Identity::new();
    for way in [Way::Http1, Way::Http2] {
        let (part, pieces) = live("text/event-stream");
        let lab = Lab {
            mounts: vec![part, polite()],
            ..Lab::default()
        };
        let mut server = lab.start().await;
        let mut idle = way.open(&server, &identity, "/live", "idle").await;
        let mut ends = way.open(&server, &identity, "/polite", "polite").await;
        pieces.send(Ok("data: 1\n\n".into())).await.unwrap();
        idle.expect("data: 1\n\n").await;
        server.shutdown.cancel();
        ends.expect("data: bye\n\n").await;
        assert_eq!(ends.end().await, Ok(()), "{way:?}");
        assert!(!pieces.is_closed(), "the other one has a moment to end by itself");
        assert_eq!(idle.end().await, Ok(()), "{way:?}");
        drop((idle, ends));
        assert_eq!(server.stopped().await, 0, "{way:?}");
    }
}

#[tokio::test]
async fn other_streams_go_on_until_the_drain_has_taken_too_long_and_are_cut() {
    let identity = Identity::new();
    for way in WAYS {
        let (part, pieces) = live("application/octet-stream");
        let lab = Lab {
            mounts: vec![part],
            drain_timeout: Duration::from_secs(2),
            ..Lab::default()
        };
        let mut server = way.prepare(lab, &identity).start().await;
        let mut stream = way.open(&server, &identity, "/live", "download").await;
        pieces.send(Ok("one\n\n".into())).await.unwrap();
        stream.expect("one\n\n").await;
        server.shutdown.cancel();
        // Longer than a stream of events would go on.
        tokio::time::sleep(Duration::from_millis(1200)).await;
        pieces.send(Ok("two".into())).await.unwrap();
        stream.expect("one\n\ntwo").await;
        assert!(stream.end().await.is_err(), "{way:?}: cut, not short");
        assert_eq!(server.stopped().await, 1, "{way:?}");
        let line = server.access("download").await;
        assert_eq!(
            (&line["bytes"], &line["cut"]),
            (&8.into(), &true.into()),
            "{line}"
        );
    }
}

/// To a client of HTTP/1.0 the end of the connection is the end of a body without a length.
#[tokio::test]
async fn a_client_of_http_1_0_sees_a_cut_as_a_reset() {
    for is_drained in [true, false] {
        let (part, pieces) = live("application/octet-stream");
        let lab = Lab {
            mounts: vec![part],
            drain_timeout: Duration::from_millis(200),
            ..Lab::default()
        };
        let server = lab.start().await;
        let mut connection = Connection::open(&server.address).await.unwrap();
        let request = b"GET /live HTTP/1.0\r\nX-Request-Id: old\r\n\r\n";
        connection.write(request).await.unwrap();
        pieces.send(Ok("one".into())).await.unwrap();
        // Taken by the server, so that the first piece is under way.
        pieces.send(Ok("two".into())).await.unwrap();
        if is_drained {
            server.shutdown.cancel();
        } else {
            pieces.send(Err("the disk is gone")).await.unwrap();
        }
        let line = server.access("old").await;
        assert_eq!(line["cut"], true, "{line}");
        // What is on its way is lost with a reset, so the head may be too.
        let end = connection.read_response("GET").await.map(|answer| answer.end);
        assert!(
            matches!(end, Ok(BodyEnd::Cut { reset: true, .. }) | Err(_)),
            "{is_drained}: {end:?}"
        );
    }
    let (part, pieces) = live("application/octet-stream");
    let lab = Lab {
        mounts: vec![part],
        ..Lab::default()
    };
    let server = lab.start().await;
    let mut connection = Connection::open(&server.address).await.unwrap();
    connection.write(b"GET /live HTTP/1.0\r\n\r\n").await.unwrap();
    pieces.send(Ok("whole".into())).await.unwrap();
    drop(pieces);
    let whole = connection.read_response("GET").await.unwrap();
    assert_eq!((whole.text(), whole.end), ("whole", BodyEnd::Closed));
}

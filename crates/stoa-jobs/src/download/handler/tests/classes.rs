//! What becomes of a job, for every way in which a download can fail.

use std::time::Duration;

use serde_json::{Value, json};

use crate::{
    Attempt, Ended, Outcome, Timestamp,
    download::{
        TransportFault,
        testing::{Lab, Origin, Reply, Step, error, png},
    },
};

async fn class_of(reply: Reply, payload: Value) -> (&'static str, String) {
    // With a validator, so that there would be something to go on from.
    let origin = Origin::of(reply.header("etag", "\"a\""));
    let mut lab = Lab::new(&origin, payload);
    let ran = lab.run().await;
    let (what, class) = ran.class();
    if what == "dead" {
        assert_eq!(lab.temporary(), [""; 0], "{:?}", ran.outcome);
    }
    if what != "ok" {
        assert_eq!(lab.published(), None);
    }
    assert_eq!(origin.requests().len(), 1);
    (what, class.to_owned())
}

#[tokio::test]
async fn statuses() {
    let expected: [(&str, &[u16]); 3] = [
        ("ok", &[200, 203]),
        ("retry", &[202, 408, 425, 429, 500, 502, 503, 504, 507, 599]),
        (
            "dead",
            &[
                201, 204, 205, 206, 226, 300, 301, 302, 304, 307, 400, 401, 403, 404, 410, 416, 418, 451, 501,
            ],
        ),
    ];
    for (what, statuses) in expected {
        for status in statuses {
            let reply = Reply::new(*status).step(Step::Send("x".into()));
            let class = if what == "ok" { "" } else { "status" };
            assert_eq!(
                class_of(reply, json!({})).await,
                (what, class.to_owned()),
                "{status}"
            );
        }
    }
}

#[tokio::test]
async fn faults_before_and_in_the_body() {
    let pause = Duration::from_secs(7);
    for (fault, expected) in [
        (TransportFault::Connect, ("retry", "connect")),
        (TransportFault::Dns, ("retry", "dns")),
        (TransportFault::Timeout, ("retry", "timeout")),
        (TransportFault::Cut, ("retry", "cut")),
        (TransportFault::Protocol, ("retry", "protocol")),
        (TransportFault::Tls, ("dead", "tls")),
        (TransportFault::Refused, ("dead", "refused")),
        (TransportFault::TooManyRedirects, ("dead", "redirects")),
        (
            TransportFault::Paused { retry_after: pause },
            ("snooze", "paused"),
        ),
        (TransportFault::Overloaded, ("snooze", "overloaded")),
        (TransportFault::Draining, ("interrupted", "interrupted")),
    ] {
        let of_head = fault.clone();
        let origin = Origin::new(move |_, _| Err(error(of_head.clone())));
        let ran = Lab::new(&origin, json!({})).run().await;
        assert_eq!(ran.class(), expected);
        if let Outcome::Snooze { wait, .. } = ran.outcome {
            assert!(wait == pause || (2..=5).contains(&wait.as_secs()), "{wait:?}");
        }
        let in_body = Reply::new(200)
            .step(Step::Send("x".into()))
            .step(Step::Break(fault));
        let (what, class) = class_of(in_body, json!({})).await;
        assert_eq!((what, &*class), expected);
    }
}

#[tokio::test]
async fn a_server_that_wants_a_pause_gets_it() {
    for (status, value, expected) in [
        (429, "3", 3),
        (503, "120", 120),
        (503, "9999999", 86_400),
        (429, "0", 1),
    ] {
        let origin = Origin::of(Reply::new(status).header("retry-after", value));
        let mut lab = Lab::new(&origin, json!({}));
        let ran = lab.run().await;
        let Outcome::Snooze { wait, failure } = &ran.outcome else {
            panic!("{ran:?}");
        };
        assert_eq!((&*failure.class, wait.as_secs()), ("status", expected));
        assert_eq!(ran.notes["status"], status);
    }
    for status in [500, 408] {
        let origin = Origin::of(Reply::new(status).header("retry-after", "60"));
        let ran = Lab::new(&origin, json!({})).run().await;
        let Outcome::Retry { after, .. } = ran.outcome else {
            panic!("{ran:?}");
        };
        assert_eq!(after, Some(Duration::from_secs(60)), "{status}");
    }
}

#[tokio::test]
async fn a_server_that_only_wants_pauses_is_charged_in_the_end() {
    let origin = Origin::of(Reply::new(503).header("retry-after", "1"));
    let mut lab = Lab::new(&origin, json!({}));
    let mut seen = Vec::new();
    for _ in 0..12 {
        let ran = lab.run().await;
        let is_free = ran.class().0 == "snooze";
        seen.push(is_free);
        lab.job.attempts.push_back(Attempt {
            start: Timestamp::default(),
            end: Timestamp::default(),
            node: "a".into(),
            ended: if is_free { Ended::Snoozed } else { Ended::Failed },
            failure: None,
            notes: serde_json::Map::new(),
        });
    }
    let mut expected = [true; 12];
    expected[10] = false;
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn content_that_is_not_wanted() {
    let sha256 = "0".repeat(64);
    let of = |content: &[u8]| Reply::ok(content.to_vec()).header("etag", "\"a\"");
    let image = png(10, 10);
    for (reply, payload, class) in [
        (of(b"hello"), json!({"sha256": sha256}), "digest"),
        (of(b"hello"), json!({"mime_type": "image/*"}), "type"),
        (of(&image), json!({"mime_type": "!image/*"}), "type"),
        (of(b""), json!({"mime_type": "image/*"}), "type"),
        (of(&image[..20]), json!({"extract_image_size": true}), "image"),
        (of(b"hello"), json!({"max_bytes": 4}), "too_large"),
        (of(b"hello"), json!({"sink": "elsewhere"}), "payload"),
    ] {
        let origin = Origin::of(reply);
        let mut lab = Lab::new(&origin, payload.clone());
        let ran = lab.run().await;
        assert_eq!(ran.class(), ("dead", class), "{payload}");
        assert_eq!(
            (lab.published(), lab.temporary()),
            (None, Vec::new()),
            "{payload}"
        );
    }
}

#[tokio::test]
async fn what_is_no_payload_asks_nobody() {
    let origin = Origin::of(Reply::new(200));
    for payload in [
        json!({"url": "ftp://example.com/"}),
        json!({"url": "/path"}),
        json!({"mime_type": "["}),
        json!({"conditional": {"etag": "a\nb"}}),
        json!({"headers": {"range": "bytes=0-1"}}),
    ] {
        let ran = Lab::new(&origin, payload).run().await;
        let (what, class) = ran.class();
        assert_eq!(what, "dead");
        assert!(matches!(class, "payload" | "headers"), "{class}");
    }
    assert_eq!(origin.requests().len(), 0);
}

#[tokio::test]
async fn a_body_of_another_length_than_announced() {
    let cut = Reply::new(200)
        .header("content-length", "10")
        .step(Step::Send("hello".into()));
    let wrong_type = json!({"mime_type": "image/*"});
    assert_eq!(class_of(cut, wrong_type).await, ("retry", "cut".to_owned()));
    let long = Reply::new(200)
        .header("content-length", "3")
        .header("etag", "\"a\"")
        .step(Step::Send("hello".into()));
    assert_eq!(class_of(long, json!({})).await, ("retry", "cut".to_owned()));
}

#[tokio::test]
async fn the_proxy_and_the_headers_of_the_aggregation_are_used() {
    let origin = Origin::of(Reply::ok("x"));
    let mut lab = Lab::new(&origin, json!({"headers": {"x-a": "job"}}));
    lab.settings.proxy = Some("http://user:hunter2@proxy:3128".to_owned());
    lab.settings.headers = [
        ("X-A".to_owned(), "aggregation".to_owned()),
        ("x-b".to_owned(), "b".to_owned()),
    ]
    .into();
    lab.run().await.result();
    let request = &origin.requests()[0];
    assert_eq!(
        request.proxy.as_ref().map(url::Url::as_str),
        Some("http://user:hunter2@proxy:3128/")
    );
    assert_eq!(request.headers["x-a"], "job");
    assert_eq!(request.headers["x-b"], "b");
    assert_eq!(request.headers["accept-encoding"], "identity");
    assert_eq!(request.headers["authorization"], "Basic dTpw");
    assert_eq!(request.url.as_str(), "https://example.com/file?token=t");
    lab.settings.proxy = Some("hunter2".to_owned());
    let ran = lab.run().await;
    assert_eq!(ran.class(), ("retry", "proxy"));
    assert!(!format!("{ran:?}").contains("hunter2"));
    // An operator can mend what kills no job.
    lab.settings.headers = [("host".to_owned(), "hunter2".to_owned())].into();
    let ran = lab.run().await;
    assert_eq!(ran.class(), ("retry", "headers"));
    assert!(!format!("{ran:?}").contains("hunter2"));
    assert_eq!(origin.requests().len(), 1);
}

#[tokio::test]
async fn the_headers_of_an_aggregation_go_to_no_other_host() {
    let origin = Origin::of(Reply::ok("x"));
    let mut lab = Lab::new(
        &origin,
        json!({"url": "https://evil.example/file", "headers": {"x-a": "job"}}),
    );
    lab.settings.headers = [("x-b".to_owned(), "hunter2".to_owned())].into();
    lab.run().await.result();
    let request = &origin.requests()[0];
    assert_eq!(
        (request.url.host_str(), &request.headers["x-a"]),
        (Some("evil.example"), &"job".parse().expect("a value"))
    );
    assert!(!request.headers.contains_key("x-b"));
}

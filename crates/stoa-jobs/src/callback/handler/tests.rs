//! Callbacks to a scripted target.

use std::{num::NonZeroU32, time::SystemTime};

use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::*;
use crate::{
    AggregationSettings, Job,
    download::{
        DownloadUrl, TransportFault,
        testing::{Leases, Origin, Reply, Step, error, job, lease},
    },
    hex::hex,
};

const BODY: &str = r#"{"success":true}"#;

fn callback() -> Job {
    let url: DownloadUrl = "https://u:p@hooks.example.com/x?t=1".parse().expect("a URL");
    let payload = CallbackPayload {
        url,
        body: BODY.to_owned(),
        key: "abcdefghijklmn-0-1".to_owned(),
    };
    job(serde_json::to_value(payload).expect("a payload"))
}

fn run_of(job: Job, epoch: u64, settings: AggregationSettings) -> Run {
    let store = Arc::new(Leases::default());
    Run::new(job, lease(epoch), settings, store, Duration::from_secs(60))
}

async fn deliver(target: &Origin, options: CallbackOptions) -> (Outcome, serde_json::Map<String, Value>) {
    let run = run_of(callback(), 1, AggregationSettings::default());
    let outcome = CallbackHandler::new(Arc::new(target.clone()), options)
        .run(&run)
        .await;
    (outcome, run.take_notes())
}

fn class(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Ok(_) => "ok",
        Outcome::Retry { .. } => "retry",
        Outcome::Snooze { .. } => "snooze",
        Outcome::Dead(_) => "dead",
        Outcome::Interrupted(_) => "interrupted",
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn statuses() {
    let expected: [(&str, &[u16]); 3] = [
        ("ok", &[200, 201, 202, 204, 206, 299]),
        (
            "retry",
            &[
                301, 302, 303, 304, 400, 401, 403, 404, 408, 409, 413, 422, 425, 429, 500, 502, 503, 504,
            ],
        ),
        ("dead", &[410, 501]),
    ];
    for (what, statuses) in expected {
        for status in statuses {
            let target = Origin::of(Reply::new(*status));
            let (outcome, notes) = deliver(&target, CallbackOptions::default()).await;
            assert_eq!(class(&outcome), what, "{status}");
            assert_eq!(notes["status"], *status);
        }
    }
    let pause = Origin::of(Reply::new(503).header("retry-after", "9"));
    let (outcome, _) = deliver(&pause, CallbackOptions::default()).await;
    assert!(
        matches!(outcome, Outcome::Snooze { wait, .. } if wait.as_secs() == 9),
        "{outcome:?}"
    );
}

#[tokio::test]
async fn faults() {
    for (fault, expected) in [
        (TransportFault::Connect, "retry"),
        (TransportFault::Timeout, "retry"),
        (TransportFault::Refused, "dead"),
        (TransportFault::Tls, "dead"),
        (TransportFault::Draining, "interrupted"),
        (TransportFault::Overloaded, "snooze"),
    ] {
        let target = Origin::new(move |_, _| Err(error(fault.clone())));
        let (outcome, notes) = deliver(&target, CallbackOptions::default()).await;
        assert_eq!(class(&outcome), expected);
        assert_eq!(notes["idempotency_key"], "abcdefghijklmn-0-1");
    }
}

#[tokio::test]
async fn what_is_sent() {
    let target = Origin::of(Reply::new(202));
    let options = CallbackOptions {
        headers: [("User-Agent".to_owned(), "stoa".to_owned())].into(),
        ..CallbackOptions::default()
    };
    let settings = AggregationSettings {
        proxy: Some("http://proxy:3128".to_owned()),
        headers: [("x-a".to_owned(), "b".to_owned())].into(),
        ..AggregationSettings::default()
    };
    let run = run_of(callback(), 1, settings);
    let outcome = CallbackHandler::new(Arc::new(target.clone()), options)
        .run(&run)
        .await;
    assert_eq!(outcome, Outcome::Ok(json!({"status": 202})));
    let notes = json!({
        "status": 202,
        "remote": "192.0.2.1:443",
        "final_url": "https://hooks.example.com/x?...",
        "idempotency_key": "abcdefghijklmn-0-1",
    });
    assert_eq!(Value::from(run.take_notes()), notes);
    let request = &target.requests()[0];
    assert_eq!(request.method, Method::Post(BODY.into()));
    assert_eq!(
        (request.purpose, request.url.as_str()),
        (Purpose::Callback, "https://hooks.example.com/x?t=1")
    );
    assert_eq!(
        request.proxy.as_ref().map(url::Url::as_str),
        Some("http://proxy:3128/")
    );
    assert_eq!(request.response_timeout, Some(Duration::from_secs(30)));
    let headers: BTreeMap<_, _> = request
        .headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.to_str().expect("text")))
        .collect();
    let expected = [
        ("authorization", "Basic dTpw"),
        ("content-type", "application/json"),
        ("idempotency-key", "abcdefghijklmn-0-1"),
        ("user-agent", "stoa"),
    ];
    // Those of the aggregation are for downloads.
    assert_eq!(headers, expected.into());
}

#[tokio::test]
async fn the_signature_is_verified_without_our_code() {
    let target = Origin::of(Reply::new(200));
    let options = CallbackOptions {
        secret: Some(CallbackSecret::new("s3cret")),
        ..CallbackOptions::default()
    };
    assert!(!format!("{options:?}").contains("s3cret"));
    deliver(&target, options).await;
    let headers = &target.requests()[0].headers;
    let text = |name: &str| headers[name].to_str().expect("text").to_owned();
    let (timestamp, signature) = (text("x-stoa-timestamp"), text("x-stoa-signature"));
    let now = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .expect("a time")
        .as_secs();
    let second: u64 = timestamp.parse().expect("a number");
    assert!(now - 60 <= second && second <= now, "{second} {now}");
    // HMAC as RFC 2104 writes it.
    let padded = |pad: u8| {
        let mut block = [0; 64];
        block[..6].copy_from_slice(b"s3cret");
        block.map(|byte: u8| byte ^ pad).to_vec()
    };
    let hash = |parts: [&[u8]; 2]| Sha256::digest(parts.concat()).to_vec();
    let inner = hash([&padded(0x36), format!("{timestamp}.{BODY}").as_bytes()]);
    let outer = hash([&padded(0x5c), &inner]);
    assert_eq!(signature, format!("sha256={}", hex(&outer)));
}

#[tokio::test]
async fn key_and_body_are_the_same_at_every_attempt() {
    let target = Origin::of(Reply::new(500));
    let handler = CallbackHandler::new(Arc::new(target.clone()), CallbackOptions::default());
    for epoch in 1..=5 {
        let mut job = callback();
        job.charged = u32::try_from(epoch).expect("a number");
        job.max_attempts = NonZeroU32::MIN;
        handler
            .run(&run_of(job, epoch, AggregationSettings::default()))
            .await;
    }
    let requests = target.requests();
    assert_eq!(requests.len(), 5);
    for request in requests {
        assert_eq!(request.headers["idempotency-key"], "abcdefghijklmn-0-1");
        assert_eq!(request.method, Method::Post(BODY.into()));
    }
}

#[tokio::test(start_paused = true)]
async fn the_rest_of_an_answer_is_not_waited_for_for_long() {
    let began = tokio::time::Instant::now();
    let endless = Step::Repeat(vec![Step::Send(vec![0; 1_024].into())]);
    let (outcome, _) = deliver(
        &Origin::of(Reply::new(200).step(endless)),
        CallbackOptions::default(),
    )
    .await;
    assert_eq!((class(&outcome), began.elapsed().as_secs()), ("ok", 0));
    let silent = Reply::new(200).step(Step::Wait(Duration::from_secs(3_600)));
    let (outcome, _) = deliver(&Origin::of(silent), CallbackOptions::default()).await;
    assert_eq!((class(&outcome), began.elapsed().as_secs()), ("ok", 5));
    let broken = Reply::new(200).step(Step::Break(TransportFault::Cut));
    let (outcome, _) = deliver(&Origin::of(broken), CallbackOptions::default()).await;
    assert_eq!(class(&outcome), "ok");
}

#[tokio::test]
async fn what_is_no_callback_is_dead_at_once() {
    let target = Origin::of(Reply::new(200));
    let handler = CallbackHandler::new(Arc::new(target.clone()), CallbackOptions::default());
    let run = run_of(job(json!({"key": "a-0-0"})), 1, AggregationSettings::default());
    let outcome = handler.run(&run).await;
    assert!(
        matches!(&outcome, Outcome::Dead(failure) if &*failure.class == "payload"),
        "{outcome:?}"
    );
    assert_eq!(target.requests().len(), 0);
}

//! Bodies that do not end, or not in time.

use std::time::Duration;

use bytes::Bytes;
use serde_json::json;
use tokio::time::Instant;

use crate::download::{
    DownloadOptions,
    testing::{Lab, Origin, Reply, Step, png},
};

fn endless(steps: Vec<Step>) -> Origin {
    Origin::of(Reply::new(200).step(Step::Repeat(steps)))
}

#[tokio::test]
async fn an_endless_body_is_cut_at_the_cap() {
    let origin = endless(vec![Step::Send(vec![7; 64 * 1_024].into())]);
    let mut lab = Lab::new(&origin, json!({"max_bytes": 10_000_000}));
    let ran = lab.run().await;
    assert_eq!(ran.class(), ("dead", "too_large"));
    let bytes = ran.notes["bytes"].as_u64().expect("a number");
    assert!((9_000_000..=10_000_000).contains(&bytes), "{bytes}");
    assert_eq!(lab.temporary(), [""; 0]);
}

#[tokio::test]
async fn the_cap_of_the_configuration_is_the_highest() {
    let options = || DownloadOptions {
        max_bytes: Some(4),
        ..DownloadOptions::default()
    };
    for (payload, expected) in [(json!({"max_bytes": 100}), "dead"), (json!({}), "dead")] {
        let mut lab = Lab::with(&Origin::of(Reply::ok("hello")), payload, options());
        assert_eq!(lab.run().await.class(), (expected, "too_large"));
    }
    let mut lab = Lab::with(&Origin::of(Reply::ok("four")), json!({}), options());
    assert_eq!(lab.run().await.result().bytes, 4);
}

#[tokio::test(start_paused = true)]
async fn a_drip_is_too_slow() {
    let second = Duration::from_secs(1);
    let origin = endless(vec![Step::Send("x".into()), Step::Wait(second)]);
    let payload = json!({"min_speed": {"bytes_per_second": 10, "window_ms": 20_000}});
    let mut lab = Lab::new(&origin, payload);
    let began = Instant::now();
    let ran = lab.run().await;
    assert_eq!(ran.class(), ("retry", "too_slow"));
    assert_eq!(began.elapsed().as_secs(), 20);
    assert_eq!(lab.temporary(), [""; 0], "nothing could go on from it");
    // The default of the configuration holds for jobs that say nothing.
    let mut lab = Lab::with(&origin, json!({}), DownloadOptions::default());
    let began = Instant::now();
    assert_eq!(lab.run().await.class(), ("retry", "too_slow"));
    assert_eq!(began.elapsed().as_secs(), 60);
}

#[tokio::test(start_paused = true)]
async fn a_transfer_of_the_lowest_speed_goes_on() {
    let mut reply = Reply::new(200);
    for _ in 0..100 {
        reply = reply
            .step(Step::Send(vec![1; 10].into()))
            .step(Step::Wait(Duration::from_secs(1)));
    }
    let payload = json!({"min_speed": {"bytes_per_second": 10, "window_ms": 20_000}});
    assert_eq!(
        Lab::new(&Origin::of(reply), payload).run().await.result().bytes,
        1_000
    );
}

#[tokio::test(start_paused = true)]
async fn silence_is_a_timeout() {
    let silence = Reply::new(200)
        .step(Step::Send("x".into()))
        .step(Step::Wait(Duration::from_secs(3_600)));
    let began = Instant::now();
    let mut lab = Lab::new(&Origin::of(silence), json!({"timeouts": {"idle_ms": 5_000}}));
    assert_eq!(lab.run().await.class(), ("retry", "timeout"));
    assert_eq!(began.elapsed().as_secs(), 5);
    // Parts without bytes are silence as well.
    let origin = endless(vec![Step::SendNothing, Step::Wait(Duration::from_secs(1))]);
    let began = Instant::now();
    assert_eq!(
        Lab::new(&origin, json!({})).run().await.class(),
        ("retry", "timeout")
    );
    assert_eq!(began.elapsed().as_secs(), 60);
}

#[tokio::test]
async fn one_byte_at_a_time_is_sniffed_like_all_at_once() {
    let image = png(10, 10);
    for content in [image, vec![b'a'; 3_000], Vec::new()] {
        let mut reply = Reply::new(200);
        for byte in &content {
            reply = reply.step(Step::Send(Bytes::copy_from_slice(&[*byte])));
        }
        let by_byte = Lab::new(&Origin::of(reply), json!({"extract_image_size": true}))
            .run()
            .await
            .result();
        let payload = json!({"extract_image_size": true});
        let whole = Lab::new(&Origin::of(Reply::ok(content)), payload)
            .run()
            .await
            .result();
        assert_eq!(by_byte, whole);
    }
}

#[tokio::test]
async fn a_wrong_type_is_found_before_the_end() {
    let origin = endless(vec![Step::Send("a".repeat(600).into())]);
    let ran = Lab::new(&origin, json!({"mime_type": "image/*"})).run().await;
    assert_eq!(ran.class(), ("dead", "type"));
    assert_eq!(ran.notes["content_type"], "text/plain");
}

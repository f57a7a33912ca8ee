//! Ends of producers and of engines.

use std::time::{Duration, Instant};

use rdkafka::types::RDKafkaRespErr;
use stoa_jobs::{Ended, StateName};

use crate::scene::Scene;

#[tokio::test(flavor = "multi_thread")]
async fn what_is_queued_is_sent_before_the_end() {
    let mut scene = Scene::new(&[("linger.ms", "20000"), ("message.timeout.ms", "60000")], 1);
    let (_, callback) = scene.tell("topic").await;
    scene.queued.notified().await;
    let began = Instant::now();
    scene.kafka.close().await;
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    scene.delivered(&callback).await;
    assert_eq!(scene.written("topic").len(), 1);
    // Once more is nothing.
    scene.kafka.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_sent_is_given_up_after_five_seconds_and_costs_nothing() {
    let mut scene = Scene::new(&[("message.timeout.ms", "60000")], 1);
    scene.cluster.broker_down(1).expect("a broker");
    let (_, callback) = scene.tell("topic").await;
    scene.queued.notified().await;
    let began = Instant::now();
    // It is the engine that stops first in a server; here the run goes on, and is told.
    scene.engine.quiet();
    scene.kafka.close().await;
    let took = began.elapsed();
    assert!((5..15).contains(&took.as_secs()), "{took:?}");
    scene.event(|event| event.class.as_deref() == Some("kafka")).await;
    let found = scene.engine.store().job(&callback).await.expect("a store");
    let (job, _) = found.expect("a job");
    assert_eq!((job.state.name(), job.charged), (StateName::Ready, 0));
    assert_eq!(job.attempts[0].ended, Ended::Interrupted);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_that_stops_waits_for_no_report() {
    let mut scene = Scene::new(&[("message.timeout.ms", "60000")], 1);
    let error = RDKafkaRespErr::RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE;
    scene.cluster.topic_error("topic", error).expect("a topic");
    let (_, callback) = scene.tell("topic").await;
    scene.queued.notified().await;
    let began = Instant::now();
    scene.engine.drain(Duration::ZERO).await;
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    let found = scene.engine.store().job(&callback).await.expect("a store");
    let (job, _) = found.expect("a job");
    assert_eq!((job.state.name(), job.charged), (StateName::Ready, 0));
}

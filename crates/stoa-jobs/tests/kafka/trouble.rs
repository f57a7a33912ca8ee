//! Brokers that refuse, and that are away.

use rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr};
use stoa_jobs::{Ended, StateName};

use crate::scene::Scene;

#[tokio::test(flavor = "multi_thread")]
async fn what_brokers_refuse_is_tried_again() {
    let mut scene = Scene::new(&[], 3);
    // librdkafka itself tries the second of them again, and not the first and the third.
    let errors = [
        RDKafkaRespErr::RD_KAFKA_RESP_ERR_INVALID_RECORD,
        RDKafkaRespErr::RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS,
        RDKafkaRespErr::RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE,
    ];
    scene.cluster.request_errors(RDKafkaApiKey::Produce, &errors);
    let (_, callback) = scene.tell("topic").await;
    let job = scene.delivered(&callback).await;
    assert_eq!((Scene::classes(&job), job.charged), (vec!["kafka", "kafka"], 3));
    let text = &job.attempts[0].failure.as_ref().expect("a failure").text;
    assert!(text.contains("InvalidRecord"), "{text}");
    assert_eq!(scene.written("topic").len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_was_away_is_told_once() {
    let mut scene = Scene::new(
        &[
            ("message.timeout.ms", "1000"),
            ("reconnect.backoff.max.ms", "200"),
        ],
        50,
    );
    scene.cluster.broker_down(1).expect("a broker");
    let (id, callback) = scene.tell("topic").await;
    let failed = scene.event(|event| event.class.is_some()).await;
    assert_eq!(
        (&failed.job, failed.class.as_deref()),
        (&callback, Some("timeout"))
    );
    scene.cluster.broker_up(1).expect("a broker");
    let job = scene.delivered(&callback).await;
    assert_eq!(u64::from(job.charged), job.attempts.len() as u64);
    let written = scene.written("topic");
    assert_eq!(written.len(), 1);
    let key = ("idempotency-key".to_owned(), format!("{id}-0-0"));
    assert_eq!(written[0].headers[0], key);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_topic_is_given_up_after_the_last_attempt() {
    let mut scene = Scene::new(&[("topic.metadata.propagation.max.ms", "500")], 2);
    let error = RDKafkaRespErr::RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
    scene.cluster.topic_error("nowhere", error).expect("a topic");
    let (_, callback) = scene.tell("nowhere").await;
    let job = scene.ended(&callback).await;
    assert_eq!((job.state.name(), job.charged), (StateName::Dead, 2));
    assert_eq!(Scene::classes(&job), ["unknown_topic", "unknown_topic"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_queue_costs_no_attempt() {
    let mut scene = Scene::new(
        &[
            ("queue.buffering.max.messages", "1"),
            ("message.timeout.ms", "60000"),
        ],
        1,
    );
    scene.cluster.broker_down(1).expect("a broker");
    let (_, first) = scene.tell("topic").await;
    scene.queued.notified().await;
    let (_, second) = scene.tell("topic").await;
    let put_off = scene.event(|event| event.class.is_some()).await;
    assert_eq!(
        (&put_off.job, put_off.class.as_deref()),
        (&second, Some("overloaded"))
    );
    scene.cluster.broker_up(1).expect("a broker");
    scene.delivered(&first).await;
    let job = scene.delivered(&second).await;
    assert_eq!((job.charged, job.attempts[0].ended), (1, Ended::Snoozed));
    assert_eq!(scene.written("topic").len(), 2);
}

//! Jobs that tell of the ends of others.

use serde_json::{Map, Value};

use super::*;
use crate::{
    Attempt, Ended, Failure, State, Timestamp,
    download::testing::{job, lease},
};

const AT: Timestamp = Timestamp::from_millis(5);

fn callbacks() -> CallbackJobs {
    CallbackJobs::new("https://files.example.com/d/", CallbackRules::default())
}

fn submitter(number: u32, callback: Value, extra: &str) -> Submitter {
    Submitter {
        number,
        callback: Some(callback),
        extra: extra.to_owned(),
        ..Submitter::default()
    }
}

fn to(dst: &str) -> Value {
    json!({"type": "http", "dst": dst})
}

fn done() -> Job {
    let mut job = job(json!({"url": "https://u:p@example.com/a?b=<c>&d"}));
    job.state = State::Ok { at: AT };
    job.result = Some(json!({"status": 200, "image_size": "10x10", "location": "elsewhere"}));
    job.submitters = vec![submitter(
        0,
        to("https://user:pw@hooks.example.com:8443/x?t=1"),
        "a \"b\"\n",
    )];
    job
}

fn dead() -> Job {
    let mut job = done();
    job.state = State::Dead {
        at: AT,
        failure: Failure::new("status", "the server answered 404"),
    };
    job.result = None;
    job.attempts.push_back(Attempt {
        start: AT,
        end: AT,
        node: lease(1).node,
        ended: Ended::Failed,
        failure: None,
        notes: Map::from_iter([("status".to_owned(), json!(404))]),
    });
    job
}

fn bodies(job: &Job) -> Vec<String> {
    let jobs = callbacks().of(job);
    jobs.iter()
        .map(|job| job.payload["body"].as_str().expect("a body").to_owned())
        .collect()
}

#[test]
fn the_message_has_these_bytes() {
    assert_eq!(
        bodies(&done()),
        [concat!(
            r#"{"success":true,"error":"","extra":"a \"b\"\n","image_size":"10x10","#,
            r#""resource_url":"https://u:p@example.com/a?b=<c>&d","#,
            r#""download_url":"https://files.example.com/d/abc/abcdefghijklmn","job_id":"abcdefghijklmn","#,
            r#""response_code":200,"delivered":true,"delivery_error":""}"#
        )]
    );
    assert_eq!(
        bodies(&dead()),
        [concat!(
            r#"{"success":false,"error":"the server answered 404","extra":"a \"b\"\n","image_size":"","#,
            r#""resource_url":"https://u:p@example.com/a?b=<c>&d","download_url":"","job_id":"abcdefghijklmn","#,
            r#""response_code":404,"delivered":true,"delivery_error":""}"#
        )]
    );
}

#[test]
fn what_is_not_there_is_empty() {
    let mut unchanged = done();
    unchanged.result = Some(json!({"status": 304, "unchanged": true}));
    let message: CallbackMessage = serde_json::from_str(&bodies(&unchanged)[0]).expect("a message");
    assert_eq!(
        (message.success, message.response_code, &*message.download_url),
        (true, 304, "")
    );
    let mut cancelled = done();
    cancelled.payload = json!({"module": "example.com/m"});
    cancelled.title = "example.com/m@v1.0.0".to_owned();
    cancelled.state = State::Cancelled {
        at: AT,
        failure: Failure::new("cancelled", "no longer wanted"),
    };
    let message: CallbackMessage = serde_json::from_str(&bodies(&cancelled)[0]).expect("a message");
    let expected = CallbackMessage {
        error: "no longer wanted".to_owned(),
        extra: "a \"b\"\n".to_owned(),
        resource_url: "example.com/m@v1.0.0".to_owned(),
        job_id: "abcdefghijklmn".to_owned(),
        delivered: true,
        ..CallbackMessage::default()
    };
    assert_eq!(message, expected);
}

#[test]
fn each_submitter_is_told_in_the_aggregation_of_its_host() {
    let mut job = done();
    job.round = 2;
    job.submitters.push(Submitter {
        number: 1,
        ..Submitter::default()
    });
    job.submitters
        .push(submitter(2, json!({"type": "carrier-pigeon", "dst": "x"}), ""));
    job.submitters
        .push(submitter(3, to("http://other.example.com/"), "other"));
    job.submitters
        .push(submitter(4, to("ftp://other.example.com/"), ""));
    job.submitters
        .push(submitter(5, json!({"type": "kafka", "dst": "a.topic"}), ""));
    job.submitters
        .push(submitter(6, json!({"type": "kafka", "dst": "no topic"}), ""));
    let jobs = callbacks().of(&job);
    let found: Vec<_> = jobs
        .iter()
        .map(|job| {
            (
                job.aggregation.to_string(),
                job.payload["key"].as_str().expect("a key"),
                &*job.title,
            )
        })
        .collect();
    assert_eq!(
        found,
        [
            (
                "callback/hooks.example.com:8443".to_owned(),
                "abcdefghijklmn-2-0",
                "https://hooks.example.com:8443/x?... for abcdefghijklmn"
            ),
            (
                "callback/other.example.com".to_owned(),
                "abcdefghijklmn-2-3",
                "http://other.example.com/ for abcdefghijklmn"
            ),
            (
                "callback/unreadable".to_owned(),
                "abcdefghijklmn-2-4",
                "abcdefghijklmn-2-4"
            ),
            (
                "callback-kafka/a.topic".to_owned(),
                "abcdefghijklmn-2-5",
                "kafka:a.topic for abcdefghijklmn"
            ),
            (
                "callback-kafka/unreadable".to_owned(),
                "abcdefghijklmn-2-6",
                "abcdefghijklmn-2-6"
            ),
        ]
    );
    for job in jobs {
        assert_eq!(
            (job.id, job.fingerprint, job.max_attempts.get()),
            (None, None, 50)
        );
        assert_eq!(
            job.submitter,
            Submitter::default(),
            "nobody is told of a callback"
        );
    }
}

#[test]
fn the_rules_of_the_configuration_are_those_of_the_jobs() {
    let rules = CallbackRules {
        max_attempts: NonZeroU32::MIN,
        max_age: Some(Duration::from_secs(5)),
        priority: Priority::FIRST,
        settings: Some(AggregationSettings::default()),
    };
    let jobs = CallbackJobs::new("", rules.clone()).of(&done());
    let job = &jobs[0];
    let found = CallbackRules {
        max_attempts: job.max_attempts,
        max_age: job.max_age,
        priority: job.priority,
        settings: job.aggregation_settings.clone(),
    };
    assert_eq!(found, rules);
}

#[test]
fn the_end_of_a_callback_is_told_to_nobody() {
    for aggregation in ["callback/example.com", "callback-kafka/topic"] {
        let mut job = done();
        job.aggregation = aggregation.parse().expect("a key");
        assert_eq!(callbacks().of(&job), []);
    }
}

#[test]
fn the_message_is_the_same_over_kafka() {
    let mut job = done();
    job.submitters.push(submitter(
        1,
        json!({"type": "kafka", "dst": "topic"}),
        "a \"b\"\n",
    ));
    let jobs = callbacks().of(&job);
    assert_eq!(jobs[1].payload["body"], jobs[0].payload["body"]);
    let expected = json!({"topic": "topic", "body": bodies(&job)[0], "key": "abcdefghijklmn-0-1"});
    assert_eq!(jobs[1].payload, expected);
}

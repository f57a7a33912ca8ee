//! Lives of jobs.

use super::*;
use crate::{AggregationKey, Fingerprint, Priority, StateName};

const NOW: Timestamp = Timestamp::from_millis(1_000_000);

fn key() -> AggregationKey {
    "url/example.com".parse().expect("a key")
}

fn id(number: u8) -> JobId {
    JobId::of_bytes([number; 10]).expect("no dash first")
}

fn new_job() -> NewJob {
    NewJob::new(key(), Value::Null)
}

fn rules() -> Rules {
    Rules {
        callbacks: Arc::new(ToldOnce),
        ..Rules::default()
    }
}

/// One job for each submitter with a callback.
#[derive(Debug)]
struct ToldOnce;

#[deny(clippy::missing_trait_methods)]
impl Callbacks for ToldOnce {
    fn of(&self, job: &Job) -> Vec<NewJob> {
        let wants = |submitter: &&Submitter| submitter.callback.is_some();
        let tell = |submitter: &Submitter| NewJob::new(key(), submitter.number.into());
        job.submitters.iter().filter(wants).map(tell).collect()
    }
}

fn lease() -> Lease {
    Lease {
        node: "a".into(),
        epoch: 1,
        since: NOW,
        until: NOW.plus(Duration::from_secs(60)),
    }
}

fn failure() -> Failure {
    Failure::new("status", "500")
}

fn job_of(new: NewJob) -> Job {
    rules().accept(new, id(1), NOW)
}

/// What becomes of a running job when its run comes to `outcome`.
fn finish(job: &mut Job, outcome: Outcome) -> Change {
    job.state = State::Running(lease());
    rules().finish(job, &lease(), outcome, Map::new(), NOW, 0.5)
}

fn retry() -> Outcome {
    Outcome::Retry {
        failure: failure(),
        after: None,
    }
}

#[test]
fn failures_are_charged_and_the_last_one_is_the_end() {
    let mut job = job_of(new_job());
    finish(&mut job, retry());
    assert_eq!(
        job.state,
        State::Scheduled {
            due: NOW.plus(Duration::from_secs(1)),
            why: Wait::Retry
        }
    );
    finish(&mut job, retry());
    assert_eq!(
        job.state,
        State::Scheduled {
            due: NOW.plus(Duration::from_secs(2)),
            why: Wait::Retry
        }
    );
    finish(&mut job, retry());
    assert_eq!(
        job.state,
        State::Dead {
            at: NOW,
            failure: failure()
        }
    );
    assert_eq!((job.charged, job.attempts.len()), (3, 3));
}

#[test]
fn a_retry_comes_no_sooner_than_the_other_side_wished() {
    let mut job = job_of(new_job());
    finish(
        &mut job,
        Outcome::Retry {
            failure: failure(),
            after: Some(Duration::from_secs(30)),
        },
    );
    assert_eq!(
        job.state,
        State::Scheduled {
            due: NOW.plus(Duration::from_secs(30)),
            why: Wait::Retry
        }
    );
}

#[test]
fn what_is_not_the_fault_of_the_job_is_free() {
    let mut job = job_of(new_job());
    for _ in 0..10 {
        finish(&mut job, Outcome::Interrupted(failure()));
        assert_eq!(job.state, State::Ready { since: NOW });
        finish(
            &mut job,
            Outcome::Snooze {
                failure: failure(),
                wait: Duration::from_secs(5),
            },
        );
        assert_eq!(
            job.state,
            State::Scheduled {
                due: NOW.plus(Duration::from_secs(5)),
                why: Wait::Snooze
            }
        );
    }
    assert_eq!((job.charged, job.attempts.len()), (0, 20));
    finish(&mut job, Outcome::Interrupted(failure()));
    assert_eq!(job.attempts.len(), Job::MAX_ATTEMPTS_KEPT);
}

#[test]
fn a_job_that_takes_its_nodes_with_it_is_quarantined() {
    let mut job = job_of(new_job());
    for _ in 0..2 {
        assert_eq!(rules().lose(&mut job, &lease(), NOW), Change::default());
        assert_eq!(job.state, State::Ready { since: NOW });
    }
    finish(&mut job, Outcome::Interrupted(failure()));
    for _ in 0..2 {
        rules().lose(&mut job, &lease(), NOW);
        assert_eq!(
            job.state,
            State::Ready { since: NOW },
            "only losses in a row count"
        );
    }
    rules().lose(&mut job, &lease(), NOW);
    assert!(
        matches!(&job.state, State::Dead { failure, .. } if &*failure.class == "quarantined"),
        "{job:?}"
    );
    assert_eq!(job.charged, 0);
}

#[test]
fn an_end_is_told_to_every_submitter_and_every_parent() {
    let callback = || Submitter {
        callback: Some(Value::Bool(true)),
        ..Submitter::default()
    };
    let mut job = job_of(NewJob {
        submitter: callback(),
        parent: Some(id(2)),
        ..new_job()
    });
    rules().join(&mut job, new_job(), NOW).expect("joined");
    rules()
        .join(
            &mut job,
            NewJob {
                submitter: callback(),
                parent: Some(id(3)),
                ..new_job()
            },
            NOW,
        )
        .expect("joined");
    let change = finish(&mut job, Outcome::Ok(Value::from(7)));
    let told: Vec<_> = change.submit.iter().map(|job| job.payload.clone()).collect();
    assert_eq!(told, [Value::from(0), Value::from(2)]);
    assert_eq!(change.parents, [(id(2), true), (id(3), true)]);
    assert_eq!((job.result, job.charged), (Some(Value::from(7)), 1));
}

#[test]
fn who_joins_may_only_hurry_a_job() {
    let mut job = job_of(NewJob {
        max_age: Some(Duration::from_secs(10)),
        ..new_job()
    });
    let hurry = NewJob {
        priority: Priority::FIRST,
        max_age: Some(Duration::from_secs(20)),
        ..new_job()
    };
    rules().join(&mut job, hurry, NOW).expect("joined");
    assert_eq!(
        (job.priority, job.deadline),
        (Priority::FIRST, Some(NOW.plus(Duration::from_secs(20))))
    );
    rules()
        .join(
            &mut job,
            NewJob {
                priority: Priority::LAST,
                ..new_job()
            },
            NOW,
        )
        .expect("joined");
    assert_eq!((job.priority, job.deadline), (Priority::FIRST, None));
    let fingerprint = Fingerprint::new("abc");
    rules().cancel(&mut job, failure(), NOW);
    let refused = rules()
        .join(
            &mut job,
            NewJob {
                fingerprint,
                ..new_job()
            },
            NOW,
        )
        .expect_err("it is cancelled");
    assert_eq!(refused.fingerprint, None);
}

#[test]
fn no_more_than_a_bounded_number_joins() {
    let mut job = job_of(new_job());
    let joined = (0..2_000)
        .filter(|_| rules().join(&mut job, new_job(), NOW).is_ok())
        .count();
    assert_eq!(joined + 1, Job::MAX_SUBMITTERS);
    // Nor more than a bounded number of bytes, for the job is written as a whole.
    let mut job = job_of(new_job());
    let long = || NewJob {
        submitter: Submitter {
            extra: "x".repeat(Submitter::MAX_EXTRA),
            ..Submitter::default()
        },
        ..new_job()
    };
    let joined = (0..100)
        .filter(|_| rules().join(&mut job, long(), NOW).is_ok())
        .count();
    assert_eq!(joined, Job::MAX_SUBMITTER_BYTES / Submitter::MAX_EXTRA - 1);
}

#[test]
fn a_running_job_that_is_cancelled_ends_by_its_run() {
    let mut job = job_of(new_job());
    job.state = State::Running(lease());
    assert_eq!(rules().cancel(&mut job, failure(), NOW), Change::default());
    assert_eq!(job.state.name(), StateName::Running);
    finish(&mut job, Outcome::Interrupted(Failure::new("shutdown", "")));
    assert_eq!(
        job.state,
        State::Cancelled {
            at: NOW,
            failure: failure()
        }
    );
    let mut job = job_of(new_job());
    job.state = State::Running(lease());
    rules().cancel(&mut job, failure(), NOW);
    rules().lose(&mut job, &lease(), NOW);
    assert_eq!(
        job.state,
        State::Cancelled {
            at: NOW,
            failure: failure()
        }
    );
    let mut job = job_of(new_job());
    job.cancel = Some(failure());
    finish(&mut job, Outcome::Ok(Value::Null));
    assert_eq!(
        job.state,
        State::Ok { at: NOW },
        "it was done before it could be stopped"
    );
}

#[test]
fn a_parent_waits_for_all_of_its_children() {
    let mut job = job_of(new_job());
    let change = finish(
        &mut job,
        Outcome::Spawn {
            children: vec![new_job(), new_job()],
            checkpoint: 5.into(),
        },
    );
    assert_eq!(job.state, State::Blocked);
    assert!(
        change.submit.iter().all(|child| child.parent == Some(id(1))),
        "{change:?}"
    );
    rules().has_spawned(&mut job, 2, NOW);
    rules().child_ended(&mut job, true, 20, NOW);
    assert_eq!(job.state, State::Blocked);
    rules().child_ended(&mut job, false, 0, NOW);
    assert_eq!(job.state, State::Ready { since: NOW });
    assert_eq!(
        job.children,
        Children {
            open: 0,
            ok: 1,
            failed: 1,
            bytes: 20
        }
    );
    finish(
        &mut job,
        Outcome::Spawn {
            children: vec![],
            checkpoint: Value::Null,
        },
    );
    rules().has_spawned(&mut job, 0, NOW);
    assert_eq!(
        job.state,
        State::Ready { since: NOW },
        "there is nothing to wait for"
    );
}

#[test]
fn no_pause_reaches_beyond_the_deadline() {
    let mut job = job_of(NewJob {
        max_age: Some(Duration::from_secs(10)),
        ..new_job()
    });
    finish(
        &mut job,
        Outcome::Snooze {
            failure: failure(),
            wait: Duration::from_secs(9),
        },
    );
    assert_eq!(job.state.name(), StateName::Scheduled);
    finish(
        &mut job,
        Outcome::Snooze {
            failure: failure(),
            wait: Duration::from_secs(10),
        },
    );
    assert!(
        matches!(&job.state, State::Dead { failure, .. } if failure.text.starts_with("500 (and its deadline"))
    );
    let mut job = job_of(NewJob {
        max_age: Some(Duration::from_secs(10)),
        ..new_job()
    });
    rules().expire(&mut job, NOW.plus(Duration::from_secs(10)));
    assert!(
        matches!(&job.state, State::Dead { failure, .. } if &*failure.class == "deadline"),
        "{job:?}"
    );
}

#[test]
fn a_dead_job_starts_anew_with_all_its_attempts() {
    let mut job = job_of(NewJob {
        max_age: Some(Duration::ZERO),
        ..new_job()
    });
    finish(
        &mut job,
        Outcome::Spawn {
            children: vec![],
            checkpoint: 5.into(),
        },
    );
    job.children.failed = 1;
    finish(&mut job, Outcome::Dead(failure()));
    assert_eq!(rules().removal(&job), Some(NOW.plus(rules().keep_failed)));
    assert!(rules().retry(&mut job, NOW));
    assert_eq!((job.charged, job.round, job.deadline), (0, 1, None));
    assert_eq!(
        (&job.checkpoint, job.children),
        (&Value::Null, Children::default()),
        "it begins anew"
    );
    assert_eq!(job.state, State::Ready { since: NOW });
    assert!(!rules().retry(&mut job, NOW), "it has not ended");
    finish(&mut job, Outcome::Ok(Value::Null));
    assert!(!rules().retry(&mut job, NOW), "it is done");
    assert_eq!(rules().removal(&job), Some(NOW.plus(rules().keep_ok)));
}

#[test]
fn fields_of_another_version_are_kept() {
    let mut stored = serde_json::to_value(job_of(new_job())).expect("a value");
    stored["colour"] = "blue".into();
    let mut job: Job = serde_json::from_value(stored).expect("a job");
    finish(&mut job, retry());
    let stored = serde_json::to_value(&job).expect("a value");
    assert_eq!(stored["colour"], "blue");
    assert_eq!(serde_json::from_value::<Job>(stored).expect("a job"), job);
}

#[test]
fn a_job_may_be_kept_for_less_than_others_unless_somebody_joins_who_did_not_say_so() {
    let brief = |seconds| NewJob {
        keep: Some(Duration::from_secs(seconds)),
        ..new_job()
    };
    let removal = |job: &Job| rules().removal(job).map(|at| at.since(NOW));
    let mut job = job_of(brief(60));
    assert!(rules().join(&mut job, brief(90), NOW).is_ok());
    assert_eq!(removal(&job), None, "it has not ended");
    let mut joined = job.clone();
    finish(&mut job, Outcome::Dead(failure()));
    assert_eq!(removal(&job), Some(Duration::from_secs(90)));
    assert!(rules().join(&mut joined, new_job(), NOW).is_ok());
    finish(&mut joined, Outcome::Dead(failure()));
    assert_eq!(removal(&joined), Some(rules().keep_failed));
    let mut long = job_of(brief(u64::MAX / 1_000));
    finish(&mut long, Outcome::Ok(Value::Null));
    assert_eq!(removal(&long), Some(rules().keep_ok), "no longer than others");
}

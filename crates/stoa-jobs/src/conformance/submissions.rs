//! What is taken is kept.

use std::{collections::HashSet, sync::Arc, time::Duration};

use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::adapter::Adapter;
use super::examples::{
    LONG, Scene, act, claim, claim_one, claim_with, done, end, failure, job, key, look, same, state, submit,
};
use crate::{Action, AggregationSettings, Job, JobId, NewJob, Priority, StateName, Submitted, Submitter};

pub(super) async fn run(adapter: &dyn Adapter) {
    what_was_taken_is_there_when_the_storage_is_opened_again(adapter).await;
    one_job_comes_of_fifty_of_a_fingerprint(adapter).await;
    a_fingerprint_is_free_again_after_the_end(adapter).await;
    a_job_that_is_being_cancelled_takes_nobody_in(adapter).await;
    a_job_of_an_id_is_taken_once(adapter).await;
    a_batch_is_answered_in_its_order(adapter).await;
    fields_of_another_version_are_kept(adapter).await;
}

async fn what_was_taken_is_there_when_the_storage_is_opened_again(adapter: &dyn Adapter) {
    let scene = Scene::new(adapter).await;
    let new = NewJob {
        title: "a title".into(),
        payload: json!({"url": "http://example.com/"}),
        priority: Priority::LAST,
        timeout: Some(Duration::from_secs(5)),
        max_age: Some(LONG),
        submitter: Submitter {
            extra: "e".into(),
            callback: Some(json!({"to": "x"})),
            ..Submitter::default()
        },
        ..same("x", "f")
    };
    let id = submit(&*scene.a, new).await;
    let before = look(&*scene.a, &id).await;
    assert_eq!(
        (before.payload["url"].as_str(), before.timeout_ms),
        (Some("http://example.com/"), Some(5_000))
    );
    assert_eq!(before.submitters[0].extra, "e");
    scene.a.close().await;
    scene.b.close().await;
    let again = scene.storage.open().await;
    assert_eq!(look(&*again, &id).await, before, "the job is as it was");
    let claimed = claim_one(&*again, LONG).await;
    end(&*again, &claimed, done()).await;
    again.close().await;
    let again = scene.storage.open().await;
    let after = look(&*again, &id).await;
    assert_eq!(
        (after.state.name(), after.result),
        (StateName::Ok, Some(Value::from(7)))
    );
    again.close().await;
}

async fn one_job_comes_of_fifty_of_a_fingerprint(adapter: &dyn Adapter) {
    let scene = Scene::new(adapter).await;
    let mut tasks = JoinSet::new();
    for number in 0..50 {
        let store = Arc::clone(if number % 2 == 0 { &scene.a } else { &scene.b });
        let submitter = Submitter {
            extra: number.to_string(),
            ..Submitter::default()
        };
        let new = NewJob {
            submitter,
            ..same("x", "f")
        };
        tasks.spawn(async move { store.submit(vec![new]).await.expect("submits").remove(0) });
    }
    let submitted = tasks.join_all().await;
    let new = submitted
        .iter()
        .filter(|submitted| matches!(submitted, Submitted::New(_)))
        .count();
    let ids: HashSet<&JobId> = submitted.iter().map(Submitted::id).collect();
    assert_eq!((new, ids.len()), (1, 1), "one is new, and all are one job");
    let job = look(&*scene.a, submitted[0].id()).await;
    let numbers: Vec<_> = job.submitters.iter().map(|submitter| submitter.number).collect();
    assert_eq!(numbers, (0..50).collect::<Vec<_>>());
    let extras: HashSet<_> = job.submitters.iter().map(|submitter| &*submitter.extra).collect();
    assert_eq!(extras.len(), 50, "each is remembered");
    assert_eq!(claim(&*scene.b, 10).await.len(), 1, "and one runs");
    scene.close().await;
}

async fn a_fingerprint_is_free_again_after_the_end(adapter: &dyn Adapter) {
    let scene = Scene::new(adapter).await;
    let first = submit(&*scene.a, same("x", "f")).await;
    let urgent = NewJob {
        priority: Priority::FIRST,
        ..same("x", "f")
    };
    let joined = scene.b.submit(vec![urgent]).await.expect("submits");
    assert_eq!(joined, [Submitted::Joined(first.clone())]);
    assert_eq!(
        look(&*scene.a, &first).await.priority,
        Priority::FIRST,
        "it is as urgent as the most urgent one"
    );
    let running = claim_one(&*scene.a, LONG).await;
    let joined = scene.b.submit(vec![same("x", "f")]).await.expect("submits");
    assert_eq!(joined, [Submitted::Joined(first.clone())], "while it runs");
    end(&*scene.a, &running, done()).await;
    assert_eq!(
        look(&*scene.a, &first).await.submitters.len(),
        3,
        "the run has not forgotten who joined"
    );
    assert_ne!(submit(&*scene.b, same("x", "f")).await, first);
    scene.close().await;
}

async fn a_job_that_is_being_cancelled_takes_nobody_in(adapter: &dyn Adapter) {
    let scene = Scene::new(adapter).await;
    let first = submit(&*scene.a, same("x", "f")).await;
    claim_one(&*scene.a, LONG).await;
    act(&*scene.b, &first, Action::Cancel(failure("unwanted"))).await;
    let second = submit(&*scene.a, same("x", "f")).await;
    assert_ne!(first, second);
    assert_eq!(look(&*scene.a, &second).await.fingerprint, None);
    scene.close().await;
}

async fn a_job_of_an_id_is_taken_once(adapter: &dyn Adapter) {
    let scene = Scene::new(adapter).await;
    let id = JobId::of_bytes([7; 10]).expect("no dash first");
    let new = NewJob {
        id: Some(id.clone()),
        title: "first".into(),
        ..job("x")
    };
    assert_eq!(submit(&*scene.a, new.clone()).await, id);
    let again = NewJob {
        title: "second".into(),
        ..new
    };
    assert_eq!(
        scene.b.submit(vec![again]).await.expect("submits"),
        [Submitted::Joined(id.clone())]
    );
    let job = look(&*scene.a, &id).await;
    assert_eq!(
        (&*job.title, job.submitters.len()),
        ("first", 1),
        "nothing has changed"
    );
    scene.close().await;
}

async fn a_batch_is_answered_in_its_order(adapter: &dyn Adapter) {
    let scene = Scene::new(adapter).await;
    let batch = vec![same("x", "f"), job("y"), same("x", "f")];
    let submitted = scene.a.submit(batch).await.expect("submits");
    assert!(matches!(submitted[0], Submitted::New(_)), "{submitted:?}");
    assert_eq!(look(&*scene.b, submitted[1].id()).await.aggregation, key("y"));
    assert_eq!(
        submitted[2],
        Submitted::Joined(submitted[0].id().clone()),
        "also within the batch"
    );
    assert_eq!(scene.a.submit(Vec::new()).await.expect("submits"), []);
    scene.close().await;
}

async fn fields_of_another_version_are_kept(adapter: &dyn Adapter) {
    let scene = Scene::new(adapter).await;
    let colour: serde_json::Map<String, Value> = [("colour".to_owned(), json!("blue"))].into_iter().collect();
    let new = NewJob {
        submitter: Submitter {
            unknown: colour.clone(),
            ..Submitter::default()
        },
        aggregation_settings: Some(AggregationSettings {
            unknown: colour.clone(),
            ..AggregationSettings::default()
        }),
        ..same("x", "f")
    };
    let id = submit(&*scene.a, new).await;
    let is_planted = scene.storage.plant(&id, "shape", "round").await;
    scene.b.submit(vec![same("x", "f")]).await.expect("submits");
    let (running, settings) = claim_with(&*scene.b, &["url"], 1, LONG).await.jobs.remove(0);
    assert_eq!(settings.unknown, colour, "those of settings");
    end(&*scene.b, &running, done()).await;
    assert_eq!(state(&*scene.a, &id).await, StateName::Ok);
    let Job {
        submitters, unknown, ..
    } = look(&*scene.a, &id).await;
    assert_eq!(submitters[0].unknown, colour, "those of submitters");
    if is_planted {
        assert_eq!(unknown.get("shape"), Some(&json!("round")), "and those of jobs");
    }
    scene.close().await;
}

//! Parents, children, and those who are told.

use std::sync::Arc;

use serde_json::{Value, json};

use super::adapter::Adapter;
use super::examples::{
    LONG, Scene, act, claim, claim_one, claim_with, done, end, failure, job, key, look, rules, same, state,
    submit,
};
use crate::{
    Action, AggregationKey, Callbacks, Children, Ended, Job, JobQuery, NewJob, Outcome, Rules, StateName,
    Submitter,
};

pub(super) async fn run(adapter: &dyn Adapter) {
    a_parent_goes_on_when_all_its_children_have_ended(adapter).await;
    children_join_jobs_that_are_there(adapter).await;
    a_parent_of_no_children_goes_on_at_once(adapter).await;
    a_parent_does_not_wait_for_itself(adapter).await;
    families_do_not_wait_in_a_circle(adapter).await;
    a_cancelled_parent_leaves_its_children(adapter).await;
    every_end_is_told(adapter).await;
}

fn spawn(children: Vec<NewJob>) -> Outcome {
    Outcome::Spawn {
        children,
        checkpoint: json!({"step": 2}),
    }
}

async fn a_parent_goes_on_when_all_its_children_have_ended(adapter: &dyn Adapter) {
    let scene = Scene::new(adapter).await;
    let parent = submit(&*scene.a, job("parents")).await;
    let running = claim_one(&*scene.a, LONG).await;
    end(&*scene.a, &running, spawn(vec![job("x"), job("x"), job("y")])).await;
    let blocked = look(&*scene.b, &parent).await;
    assert_eq!((blocked.state.name(), blocked.charged), (StateName::Blocked, 0));
    assert_eq!(
        blocked.children,
        Children {
            open: 3,
            ok: 0,
            failed: 0,
            bytes: 0
        }
    );
    let found = scene
        .b
        .jobs(&JobQuery {
            parent: Some(parent.clone()),
            ..JobQuery::latest(10)
        })
        .await
        .expect("finds");
    assert_eq!(found.jobs.len(), 3);
    assert!(found.jobs.iter().all(|child| child.parents == [parent.clone()]));
    let children = claim(&*scene.b, 10).await;
    let told = Outcome::Ok(json!({ "bytes": 20 }));
    end(&*scene.b, &children[0], told).await;
    end(&*scene.b, &children[1], Outcome::Dead(failure("status"))).await;
    assert_eq!(state(&*scene.a, &parent).await, StateName::Blocked);
    end(&*scene.b, &children[2], done()).await;
    let again = claim_one(&*scene.a, LONG).await;
    assert_eq!((&again.id, &again.checkpoint), (&parent, &json!({"step": 2})));
    assert_eq!(
        again.children,
        Children {
            open: 0,
            ok: 2,
            failed: 1,
            bytes: 20
        }
    );
    assert_eq!(again.attempts[0].ended, Ended::Spawned);
    end(&*scene.a, &again, done()).await;
    scene.close().await;
}

async fn children_join_jobs_that_are_there(adapter: &dyn Adapter) {
    let scene = Scene::new(adapter).await;
    let shared = submit(&*scene.a, same("x", "f")).await;
    let first = claim_one(&*scene.a, LONG).await;
    let parents = [
        submit(&*scene.a, job("parents")).await,
        submit(&*scene.a, job("parents")).await,
    ];
    for parent in claim(&*scene.a, 10).await {
        end(&*scene.a, &parent, spawn(vec![same("x", "f")])).await;
    }
    assert_eq!(look(&*scene.a, &shared).await.parents, parents);
    assert_eq!(state(&*scene.a, &parents[0]).await, StateName::Blocked);
    assert_eq!(claim(&*scene.a, 10).await.len(), 0);
    end(&*scene.a, &first, done()).await;
    for parent in &parents {
        assert_eq!(state(&*scene.b, parent).await, StateName::Ready);
        assert_eq!(
            look(&*scene.b, parent).await.children,
            Children {
                open: 0,
                ok: 1,
                failed: 0,
                bytes: 0
            }
        );
    }
    scene.close().await;
}

async fn a_parent_of_no_children_goes_on_at_once(adapter: &dyn Adapter) {
    let scene = Scene::new(adapter).await;
    let parent = submit(&*scene.a, job("parents")).await;
    let running = claim_one(&*scene.a, LONG).await;
    end(&*scene.a, &running, spawn(Vec::new())).await;
    assert_eq!(state(&*scene.a, &parent).await, StateName::Ready);
    assert_eq!(claim_one(&*scene.b, LONG).await.id, parent);
    scene.close().await;
}

async fn a_parent_does_not_wait_for_itself(adapter: &dyn Adapter) {
    let scene = Scene::new(adapter).await;
    let parent = submit(&*scene.a, same("parents", "p")).await;
    let running = claim_one(&*scene.a, LONG).await;
    end(&*scene.a, &running, spawn(vec![same("parents", "p")])).await;
    let again = look(&*scene.a, &parent).await;
    assert_eq!((again.state.name(), again.children.open), (StateName::Ready, 0));
    scene.close().await;
}

async fn families_do_not_wait_in_a_circle(adapter: &dyn Adapter) {
    let scene = Scene::new(adapter).await;
    let parent = submit(&*scene.a, same("parents", "p")).await;
    let running = claim_one(&*scene.a, LONG).await;
    end(&*scene.a, &running, spawn(vec![same("x", "child")])).await;
    let child = claim_one(&*scene.a, LONG).await;
    end(
        &*scene.a,
        &child,
        spawn(vec![same("parents", "p"), same("x", "grandchild")]),
    )
    .await;
    assert_eq!(
        look(&*scene.a, &child.id).await.children.open,
        1,
        "the parent is not one of those it waits for"
    );
    for _ in 0..3 {
        let next = claim_one(&*scene.a, LONG).await;
        end(&*scene.a, &next, done()).await;
    }
    assert_eq!(state(&*scene.a, &parent).await, StateName::Ok);
    scene.close().await;
}

async fn a_cancelled_parent_leaves_its_children(adapter: &dyn Adapter) {
    let scene = Scene::new(adapter).await;
    let parent = submit(&*scene.a, job("parents")).await;
    let running = claim_one(&*scene.a, LONG).await;
    end(&*scene.a, &running, spawn(vec![job("x")])).await;
    act(&*scene.b, &parent, Action::Cancel(failure("unwanted"))).await;
    let child = claim_one(&*scene.a, LONG).await;
    end(&*scene.a, &child, done()).await;
    assert_eq!(state(&*scene.b, &parent).await, StateName::Cancelled);
    scene.close().await;
}

/// One job for each submitter with a callback.
#[derive(Debug)]
struct Tell;

#[deny(clippy::missing_trait_methods)]
impl Callbacks for Tell {
    fn of(&self, job: &Job) -> Vec<NewJob> {
        let key: AggregationKey = "callback/target".parse().expect("a key");
        let wants = |submitter: &&Submitter| submitter.callback.is_some();
        let tell = |submitter: &Submitter| {
            let told = json!([job.id, submitter.number, job.state.name()]);
            NewJob::new(key.clone(), told)
        };
        job.submitters.iter().filter(wants).map(tell).collect()
    }
}

async fn every_end_is_told(adapter: &dyn Adapter) {
    let scene = Scene::with(
        adapter,
        Rules {
            callbacks: Arc::new(Tell),
            ..rules()
        },
    )
    .await;
    let told = || Submitter {
        callback: Some(json!("to")),
        ..Submitter::default()
    };
    let first = submit(
        &*scene.a,
        NewJob {
            submitter: told(),
            ..same("x", "f")
        },
    )
    .await;
    scene.a.submit(vec![same("x", "f")]).await.expect("submits");
    scene
        .b
        .submit(vec![NewJob {
            submitter: told(),
            ..same("x", "f")
        }])
        .await
        .expect("submits");
    let second = submit(
        &*scene.a,
        NewJob {
            submitter: told(),
            ..job("y")
        },
    )
    .await;
    assert_eq!(
        claim_with(&*scene.a, &["callback"], 10, LONG).await.jobs.len(),
        0,
        "nothing has ended"
    );
    act(&*scene.a, &second, Action::Cancel(failure("unwanted"))).await;
    let running = claim_one(&*scene.a, LONG).await;
    end(&*scene.a, &running, done()).await;
    let mut told: Vec<Value> = Vec::new();
    for (callback, _) in claim_with(&*scene.b, &["callback"], 10, LONG).await.jobs {
        assert_eq!(callback.aggregation.name(), "target");
        end(&*scene.b, &callback, done()).await;
        told.push(callback.payload);
    }
    let expected = [
        json!([second, 0, "cancelled"]),
        json!([first, 0, "ok"]),
        json!([first, 2, "ok"]),
    ];
    assert_eq!(told, expected);
    assert!(scene.a.aggregation(&key("x")).await.expect("looks").is_none());
    scene.close().await;
}

//! What limits say is what runs.

use std::{sync::Arc, time::Duration};

use super::adapter::Adapter;
use super::examples::{
    LONG, Scene, act, at_most, claim, claim_one, claim_with, done, end, failure, job, key, kind, limit,
    rules, state, submit, submit_all,
};
use crate::{
    Action, AggregationKey, AggregationSettings, Job, Limits, NewJob, Outcome, Priority, Rules, StateName,
};

pub(super) async fn run(adapter: &dyn Adapter) {
    no_more_run_than_the_limit_on_all_nodes_together(adapter).await;
    limits_change_while_jobs_run(adapter).await;
    nothing_of_a_paused_aggregation_starts(adapter).await;
    a_rate_holds_on_all_nodes_together(adapter).await;
    a_changed_rate_counts_at_once(adapter).await;
    urgent_jobs_start_first(adapter).await;
    kinds_that_nobody_wants_stay(adapter).await;
    a_job_waits_for_its_delay(adapter).await;
    the_first_job_sets_the_limits_unless_they_are_pinned(adapter).await;
    a_configured_limit_is_stronger_than_that_of_a_job(adapter).await;
}

async fn no_more_run_than_the_limit_on_all_nodes_together(adapter: &dyn Adapter) {
    let scene = Scene::new(adapter).await;
    submit_all(&*scene.a, vec![job("x"); 10]).await;
    let first = claim(&*scene.a, 3).await;
    let second = claim(&*scene.b, 10).await;
    assert_eq!((first.len(), second.len()), (3, 1), "four at a time");
    assert_eq!(claim(&*scene.a, 10).await.len(), 0);
    end(&*scene.a, &first[0], done()).await;
    assert_eq!(claim(&*scene.b, 10).await.len(), 1, "a slot is free");
    let aggregation = scene
        .b
        .aggregation(&key("x"))
        .await
        .expect("looks")
        .expect("it is there");
    assert_eq!(
        (aggregation.ready, aggregation.running, aggregation.scheduled),
        (5, 4, 0)
    );
    scene.close().await;
}

async fn limits_change_while_jobs_run(adapter: &dyn Adapter) {
    let scene = Scene::new(adapter).await;
    submit_all(&*scene.a, vec![job("x"); 10]).await;
    let running = claim(&*scene.a, 10).await;
    limit(&*scene.b, "x", 2).await;
    end(&*scene.a, &running[0], done()).await;
    end(&*scene.a, &running[1], done()).await;
    assert_eq!(claim(&*scene.a, 10).await.len(), 0, "two still run");
    limit(&*scene.b, "x", 6).await;
    assert_eq!(claim(&*scene.a, 10).await.len(), 4);
    scene.close().await;
}

async fn nothing_of_a_paused_aggregation_starts(adapter: &dyn Adapter) {
    let scene = Scene::new(adapter).await;
    submit_all(&*scene.a, vec![job("x"), job("x"), job("y")]).await;
    let running = claim(&*scene.a, 1).await;
    let paused = AggregationSettings {
        paused: true,
        ..AggregationSettings::default()
    };
    let other = if running[0].aggregation == key("x") {
        "y"
    } else {
        "x"
    };
    scene
        .a
        .set_aggregation(&key(other), Some(paused.clone()))
        .await
        .expect("sets");
    let rest = claim(&*scene.b, 10).await;
    assert!(rest.iter().all(|job| job.aggregation != key(other)), "{rest:?}");
    scene
        .b
        .set_aggregation(
            &key(other),
            Some(AggregationSettings {
                paused: false,
                ..paused
            }),
        )
        .await
        .expect("sets");
    assert_eq!(
        claim(&*scene.b, 10).await.len() + rest.len(),
        2,
        "all start when it goes on"
    );
    scene.close().await;
}

async fn a_rate_holds_on_all_nodes_together(adapter: &dyn Adapter) {
    let scene = Scene::new(adapter).await;
    let settings = AggregationSettings {
        rate: Some("1/s".parse().expect("a rate")),
        ..at_most(100)
    };
    scene
        .a
        .set_aggregation(&key("x"), Some(settings))
        .await
        .expect("sets");
    submit_all(&*scene.a, vec![job("x"); 4]).await;
    assert_eq!(claim(&*scene.a, 10).await.len(), 1);
    let claimed = claim_with(&*scene.b, &["url"], 10, LONG).await;
    assert_eq!(claimed.jobs.len(), 0);
    let next = claimed.next.expect("there will be more");
    assert!(
        next > Duration::ZERO && next <= Duration::from_millis(1_010),
        "{next:?}"
    );
    scene.storage.pass(next).await;
    assert_eq!(claim(&*scene.b, 10).await.len(), 1, "one each second");
    assert_eq!(claim(&*scene.a, 10).await.len(), 0);
    scene.close().await;
}

async fn a_changed_rate_counts_at_once(adapter: &dyn Adapter) {
    let scene = Scene::new(adapter).await;
    let slow = AggregationSettings {
        rate: Some("1/h".parse().expect("a rate")),
        ..at_most(100)
    };
    submit_all(
        &*scene.a,
        vec![
            NewJob {
                aggregation_settings: Some(slow.clone()),
                ..job("x")
            };
            4
        ],
    )
    .await;
    let first = claim(&*scene.a, 10).await;
    assert_eq!(first.len(), 1);
    let next = claim_with(&*scene.a, &["url"], 10, LONG)
        .await
        .next
        .expect("there will be more");
    assert!(
        next > Duration::from_secs(3_590) && next <= Duration::from_secs(3_601),
        "{next:?}"
    );
    scene
        .b
        .set_aggregation(
            &key("x"),
            Some(AggregationSettings {
                rate: None,
                ..slow.clone()
            }),
        )
        .await
        .expect("sets");
    let rest = claim(&*scene.a, 10).await;
    assert_eq!(rest.len(), 3);
    scene.close().await;

    let scene = Scene::new(adapter).await;
    let new = NewJob {
        aggregation_settings: Some(slow),
        ..job("x")
    };
    submit(&*scene.a, new.clone()).await;
    let first = claim_one(&*scene.a, LONG).await;
    end(&*scene.a, &first, done()).await;
    submit(&*scene.a, new).await;
    assert_eq!(
        claim(&*scene.a, 10).await.len(),
        0,
        "a rate is not forgotten with the last job"
    );
    scene.close().await;
}

async fn urgent_jobs_start_first(adapter: &dyn Adapter) {
    let scene = Scene::new(adapter).await;
    let of = |priority: u8| NewJob {
        priority: Priority::new(priority).expect("0 to 9"),
        ..job("x")
    };
    limit(&*scene.a, "x", 100).await;
    let ids = submit_all(&*scene.a, [9, 5, 0, 5, 7, 0].map(of).into()).await;
    let order: Vec<_> = claim(&*scene.b, 3).await.into_iter().map(|job| job.id).collect();
    assert_eq!(order, [2, 5, 1].map(|at| ids[at].clone()));
    let promoted = act(&*scene.a, &ids[0], Action::Promote).await;
    assert_eq!(promoted.priority, Priority::FIRST);
    let late = submit(&*scene.a, of(0)).await;
    act(&*scene.a, &ids[4], Action::Promote).await;
    let order: Vec<_> = claim(&*scene.b, 10).await.into_iter().map(|job| job.id).collect();
    assert_eq!(
        order,
        [&ids[4], &ids[0], &late, &ids[3]].map(Clone::clone),
        "before all others, the latest first"
    );
    scene.close().await;
}

async fn kinds_that_nobody_wants_stay(adapter: &dyn Adapter) {
    let scene = Scene::new(adapter).await;
    let other = AggregationKey::new(kind("url-2"), "x").expect("a key");
    let id = submit(
        &*scene.a,
        NewJob {
            delay: Duration::ZERO,
            ..NewJob::new(other, 7.into())
        },
    )
    .await;
    submit(&*scene.a, job("x")).await;
    assert_eq!(claim(&*scene.a, 10).await.len(), 1);
    let claimed = claim_with(&*scene.a, &["url"], 10, LONG).await;
    assert_eq!(
        (claimed.jobs.len(), claimed.next),
        (0, None),
        "only a signal can change anything"
    );
    assert_eq!(claim_with(&*scene.a, &[], 10, LONG).await.jobs.len(), 0);
    assert_eq!(state(&*scene.a, &id).await, StateName::Ready);
    let claimed = claim_with(&*scene.b, &["url", "url-2", "url-3", "url"], 10, LONG).await;
    assert_eq!(claimed.jobs.first().map(|(job, _)| job.id.clone()), Some(id));
    scene.close().await;
}

async fn a_job_waits_for_its_delay(adapter: &dyn Adapter) {
    let scene = Scene::new(adapter).await;
    let id = submit(
        &*scene.a,
        NewJob {
            delay: Duration::from_secs(2),
            ..job("x")
        },
    )
    .await;
    submit(
        &*scene.a,
        NewJob {
            delay: LONG,
            ..NewJob::new("other/x".parse().expect("a key"), 7.into())
        },
    )
    .await;
    let claimed = claim_with(&*scene.b, &["url"], 10, LONG).await;
    assert_eq!(claimed.jobs.len(), 0);
    let next = claimed.next.expect("it becomes due");
    assert!(
        next > Duration::ZERO && next <= Duration::from_secs(2),
        "{next:?}"
    );
    scene.storage.pass(next).await;
    let job: Job = claim_one(&*scene.b, LONG).await;
    assert_eq!(job.id, id);
    end(
        &*scene.b,
        &job,
        Outcome::Snooze {
            failure: failure("busy"),
            wait: LONG,
        },
    )
    .await;
    let next = claim_with(&*scene.a, &["url"], 10, LONG)
        .await
        .next
        .expect("it becomes due");
    assert!(next + Duration::from_secs(60) > LONG && next <= LONG, "{next:?}");
    let next = claim_with(&*scene.a, &["third"], 10, LONG).await.next;
    assert_eq!(next, None, "other kinds do not matter");
    scene.close().await;
}

async fn the_first_job_sets_the_limits_unless_they_are_pinned(adapter: &dyn Adapter) {
    let scene = Scene::new(adapter).await;
    let with = |limit: u32, name: &str| NewJob {
        aggregation_settings: Some(at_most(limit)),
        ..job(name)
    };
    limit(&*scene.a, "pinned", 1).await;
    submit_all(
        &*scene.a,
        vec![
            with(2, "x"),
            with(9, "x"),
            with(9, "x"),
            with(9, "pinned"),
            with(9, "pinned"),
        ],
    )
    .await;
    let running = claim(&*scene.b, 10).await;
    let of = |name: &str| running.iter().filter(|job| job.aggregation == key(name)).count();
    assert_eq!((of("x"), of("pinned")), (2, 1));
    scene.close().await;
}

/// Three at a time for `x`.
#[derive(Debug)]
struct OfX;

impl Limits for OfX {
    fn of(&self, of: &AggregationKey) -> Option<AggregationSettings> {
        (*of == key("x")).then(|| at_most(3))
    }
}

async fn a_configured_limit_is_stronger_than_that_of_a_job(adapter: &dyn Adapter) {
    let rules = Rules {
        limits: Arc::new(OfX),
        ..rules()
    };
    let scene = Scene::with(adapter, rules).await;
    let with = |name: &str| NewJob {
        aggregation_settings: Some(at_most(2)),
        ..job(name)
    };
    submit_all(&*scene.a, [vec![with("x"); 9], vec![with("y"); 9]].concat()).await;
    let running = claim(&*scene.b, 20).await;
    let of = |name: &str| running.iter().filter(|job| job.aggregation == key(name)).count();
    assert_eq!((of("x"), of("y")), (3, 2));
    limit(&*scene.a, "x", 5).await;
    assert_eq!(claim(&*scene.b, 20).await.len(), 2, "an operator is stronger");
    scene.close().await;
}

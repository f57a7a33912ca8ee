//! What comes with time.

use std::{num::NonZeroU32, time::Duration};

use super::adapter::Adapter;
use super::examples::{
    LATER, LONG, SHORT, Scene, claim, claim_one, done, end, failure, job, keep_house, key, look, retry,
    rules, run_to, state, submit, submit_all,
};
use crate::{Ended, JobQuery, NewJob, Outcome, Rules, State, StateName};

pub(super) async fn run(adapter: &dyn Adapter) {
    a_failed_job_runs_again_until_its_attempts_are_spent(adapter).await;
    what_is_not_the_fault_of_the_job_is_free(adapter).await;
    a_job_that_waits_past_its_deadline_is_dead(adapter).await;
    ended_jobs_are_removed_in_their_time(adapter).await;
    the_housekeeping_does_a_part_at_a_time(adapter).await;
}

async fn a_failed_job_runs_again_until_its_attempts_are_spent(adapter: &dyn Adapter) {
    let scene = Scene::new(adapter).await;
    let two = NonZeroU32::new(2).expect("two");
    let id = run_to(
        &*scene.a,
        NewJob {
            max_attempts: two,
            ..job("x")
        },
        retry(),
    )
    .await;
    let waiting = look(&*scene.b, &id).await;
    let State::Scheduled { due, .. } = waiting.state else {
        panic!("{waiting:?}")
    };
    assert!(
        due.since(waiting.attempts[0].end) <= Duration::from_secs(1),
        "{waiting:?}"
    );
    scene.storage.pass(Duration::from_secs(1)).await;
    let running = claim_one(&*scene.b, LONG).await;
    assert_eq!((running.charged, running.attempts[0].ended), (1, Ended::Failed));
    end(&*scene.b, &running, retry()).await;
    let dead = look(&*scene.a, &id).await;
    assert_eq!((dead.state.name(), dead.charged), (StateName::Dead, 2));
    scene.close().await;
}

async fn what_is_not_the_fault_of_the_job_is_free(adapter: &dyn Adapter) {
    let scene = Scene::new(adapter).await;
    let id = run_to(&*scene.a, job("x"), Outcome::Interrupted(failure("shutdown"))).await;
    assert_eq!(
        (state(&*scene.b, &id).await, look(&*scene.b, &id).await.charged),
        (StateName::Ready, 0)
    );
    let running = claim_one(&*scene.b, LONG).await;
    end(
        &*scene.b,
        &running,
        Outcome::Snooze {
            failure: failure("busy"),
            wait: SHORT,
        },
    )
    .await;
    assert_eq!(claim(&*scene.a, 10).await.len(), 0);
    scene.storage.pass(LATER).await;
    assert_eq!(claim_one(&*scene.a, LONG).await.charged, 0);
    scene.close().await;
}

async fn a_job_that_waits_past_its_deadline_is_dead(adapter: &dyn Adapter) {
    let scene = Scene::new(adapter).await;
    let hasty = |name: &str| NewJob {
        max_age: Some(SHORT),
        ..job(name)
    };
    let ready = submit(&*scene.a, hasty("x")).await;
    let running = claim_one(&*scene.a, LONG).await;
    let waiting = submit(&*scene.a, hasty("x")).await;
    let later = submit(
        &*scene.a,
        NewJob {
            delay: LONG,
            ..hasty("x")
        },
    )
    .await;
    submit(&*scene.a, job("x")).await;
    assert_eq!(keep_house(&*scene.b).await, (0, 0, 0));
    scene.storage.pass(LATER).await;
    assert_eq!(keep_house(&*scene.b).await, (0, 2, 0));
    for id in [&waiting, &later] {
        let dead = look(&*scene.a, id).await;
        assert!(
            matches!(&dead.state, State::Dead { failure, .. } if &*failure.class == "deadline"),
            "{dead:?}"
        );
    }
    assert_eq!(
        state(&*scene.a, &ready).await,
        StateName::Running,
        "one that runs is left to its handler"
    );
    end(&*scene.a, &running, Outcome::Interrupted(failure("shutdown"))).await;
    assert_eq!(keep_house(&*scene.b).await, (0, 1, 0), "until it waits again");
    scene.close().await;
}

async fn ended_jobs_are_removed_in_their_time(adapter: &dyn Adapter) {
    let rules = Rules {
        keep_ok: SHORT,
        keep_failed: SHORT * 2,
        ..rules()
    };
    let scene = Scene::with(adapter, rules).await;
    let ok = run_to(&*scene.a, job("x"), done()).await;
    let dead = run_to(&*scene.a, job("x"), Outcome::Dead(failure("status"))).await;
    let kept = scene.b.keep_house().await.expect("keeps house");
    assert!(
        kept.next
            .is_some_and(|next| next > Duration::ZERO && next <= SHORT),
        "{kept:?}"
    );
    scene.storage.pass(LATER).await;
    assert_eq!(keep_house(&*scene.b).await, (0, 0, 1));
    assert_eq!(scene.a.job(&ok).await.expect("looks"), None);
    assert_eq!(state(&*scene.a, &dead).await, StateName::Dead);
    scene.storage.pass(LATER).await;
    assert_eq!(keep_house(&*scene.b).await, (0, 0, 1));
    assert_eq!(scene.a.job(&dead).await.expect("looks"), None);
    let counts = scene.b.counts().await.expect("counts");
    assert_eq!(counts.values().sum::<u64>(), 0, "{counts:?}");
    assert_eq!(scene.b.jobs(&JobQuery::latest(10)).await.expect("finds").jobs, []);
    assert_eq!(scene.a.aggregation(&key("x")).await.expect("looks"), None);
    scene.close().await;
}

async fn the_housekeeping_does_a_part_at_a_time(adapter: &dyn Adapter) {
    let scene = Scene::new(adapter).await;
    submit_all(
        &*scene.a,
        vec![
            NewJob {
                max_age: Some(SHORT),
                ..job("x")
            };
            2_500
        ],
    )
    .await;
    scene.storage.pass(LATER).await;
    let kept = scene.a.keep_house().await.expect("keeps house");
    assert!(kept.expired > 0 && kept.expired <= 1_000, "{kept:?}");
    assert_eq!(kept.next, Some(Duration::ZERO), "there is more");
    let (_, rest, _) = keep_house(&*scene.b).await;
    assert_eq!(kept.expired + rest, 2_500);
    scene.close().await;
}

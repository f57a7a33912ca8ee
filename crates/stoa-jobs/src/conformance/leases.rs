//! A lease of which nothing is heard ends.

use std::time::Duration;

use serde_json::json;

use super::adapter::Adapter;
use super::examples::{
    LATER, LONG, SHORT, Scene, act, claim, claim_one, done, end, failure, finish, job, keep_house, limit,
    look, state, submit,
};
use crate::{Action, Ended, Finished, Job, JobId, Outcome, Renewal, Renewed, State, StateName, Store};

pub(super) async fn run(adapter: &dyn Adapter) {
    a_job_whose_node_is_not_heard_of_runs_again(adapter).await;
    what_comes_under_an_old_lease_is_refused(adapter).await;
    a_renewed_lease_holds(adapter).await;
    a_job_that_loses_three_nodes_is_dead(adapter).await;
    a_lost_job_that_was_cancelled_ends(adapter).await;
    what_was_interrupted_or_lost_keeps_its_turn(adapter).await;
}

async fn renew(store: &dyn Store, job: &Job, progress: Option<serde_json::Value>) -> Renewed {
    let epoch = job.lease().expect("a running job").epoch;
    let renewal = Renewal {
        id: job.id.clone(),
        epoch,
        progress,
    };
    store.renew(&[renewal], SHORT).await.expect("renews").remove(0)
}

async fn a_job_whose_node_is_not_heard_of_runs_again(adapter: &dyn Adapter) {
    let scene = Scene::new(adapter).await;
    let id = submit(&*scene.a, job("x")).await;
    let first = claim_one(&*scene.a, SHORT).await;
    let kept = scene.b.keep_house().await.expect("keeps house");
    assert_eq!(kept.lost, []);
    assert!(
        kept.next
            .is_some_and(|next| next > Duration::ZERO && next <= SHORT),
        "{kept:?}"
    );
    scene.storage.pass(LATER).await;
    let kept = scene.b.keep_house().await.expect("keeps house");
    assert_eq!(kept.lost, std::slice::from_ref(&id));
    let second = claim_one(&*scene.b, LONG).await;
    assert!(second.lease().expect("it runs").epoch > first.lease().expect("it ran").epoch);
    assert_eq!((second.charged, second.lost, second.attempts.len()), (0, 1, 1));
    assert_eq!(
        (second.attempts[0].ended, &*second.attempts[0].node),
        (Ended::Lost, "node-a")
    );
    scene.close().await;
}

async fn what_comes_under_an_old_lease_is_refused(adapter: &dyn Adapter) {
    let scene = Scene::new(adapter).await;
    let id = submit(&*scene.a, job("x")).await;
    let first = claim_one(&*scene.a, SHORT).await;
    scene.storage.pass(LATER).await;
    assert_eq!(
        finish(&*scene.a, &first, done()).await,
        Finished::Stale,
        "the lease has ended by the clock"
    );
    keep_house(&*scene.b).await;
    let ready = look(&*scene.a, &id).await;
    assert_eq!(
        finish(&*scene.a, &first, done()).await,
        Finished::Stale,
        "while it waits"
    );
    assert_eq!(renew(&*scene.a, &first, Some(json!(1))).await, Renewed::Lost);
    assert_eq!(
        scene.a.job(&id).await.expect("looks"),
        Some((ready, None)),
        "nothing has changed"
    );
    let second = claim_one(&*scene.b, LONG).await;
    let events = scene.b.last_event().await.expect("looks");
    assert_eq!(
        finish(&*scene.a, &first, done()).await,
        Finished::Stale,
        "while it runs again"
    );
    assert_eq!(renew(&*scene.a, &first, Some(json!(1))).await, Renewed::Lost);
    assert_eq!(
        scene.a.job(&id).await.expect("looks"),
        Some((second.clone(), None)),
        "nothing has changed"
    );
    assert_eq!(scene.b.last_event().await.expect("looks"), events);
    end(&*scene.b, &second, done()).await;
    assert_eq!(
        finish(&*scene.b, &second, done()).await,
        Finished::Stale,
        "a second time"
    );
    let nobody = Job {
        id: JobId::of_bytes([7; 10]).expect("no dash first"),
        ..second
    };
    assert_eq!(
        finish(&*scene.b, &nobody, done()).await,
        Finished::Stale,
        "no such job"
    );
    assert_eq!(renew(&*scene.b, &nobody, None).await, Renewed::Lost);
    assert_eq!(scene.a.counts().await.expect("counts")[&StateName::Ok], 1);
    scene.close().await;
}

async fn a_renewed_lease_holds(adapter: &dyn Adapter) {
    let scene = Scene::new(adapter).await;
    let id = submit(&*scene.a, job("x")).await;
    let running = claim_one(&*scene.a, SHORT).await;
    for percent in [50, 100] {
        scene.storage.pass(SHORT / 2).await;
        assert_eq!(
            renew(&*scene.a, &running, Some(json!(percent))).await,
            Renewed::Held
        );
        assert_eq!(keep_house(&*scene.b).await, (0, 0, 0));
        let (job, progress) = scene.b.job(&id).await.expect("looks").expect("it is there");
        assert_eq!(
            (job.state.name(), progress),
            (StateName::Running, Some(json!(percent)))
        );
    }
    assert_eq!(renew(&*scene.a, &running, None).await, Renewed::Held);
    let (_, progress) = scene.b.job(&id).await.expect("looks").expect("it is there");
    assert_eq!(progress, Some(json!(100)), "no news changes nothing");
    end(&*scene.a, &running, done()).await;
    let (_, progress) = scene.b.job(&id).await.expect("looks").expect("it is there");
    assert_eq!(progress, None, "a job that does not run makes no progress");
    scene.close().await;
}

async fn a_job_that_loses_three_nodes_is_dead(adapter: &dyn Adapter) {
    let scene = Scene::new(adapter).await;
    let id = submit(&*scene.a, job("x")).await;
    for lost in 1..=3 {
        assert_eq!(
            state(&*scene.a, &id).await,
            StateName::Ready,
            "after {} losses",
            lost - 1
        );
        claim_one(&*scene.a, SHORT).await;
        scene.storage.pass(LATER).await;
        assert_eq!(keep_house(&*scene.b).await, (1, 0, 0));
    }
    let dead = look(&*scene.a, &id).await;
    assert!(
        matches!(&dead.state, State::Dead { failure, .. } if &*failure.class == "quarantined"),
        "{dead:?}"
    );
    assert_eq!(claim(&*scene.a, 10).await.len(), 0);
    scene.close().await;
}

async fn a_lost_job_that_was_cancelled_ends(adapter: &dyn Adapter) {
    let scene = Scene::new(adapter).await;
    let id = submit(&*scene.a, job("x")).await;
    claim_one(&*scene.a, SHORT).await;
    act(&*scene.b, &id, Action::Cancel(failure("unwanted"))).await;
    scene.storage.pass(LATER).await;
    keep_house(&*scene.b).await;
    assert_eq!(state(&*scene.a, &id).await, StateName::Cancelled);
    scene.close().await;
}

async fn what_was_interrupted_or_lost_keeps_its_turn(adapter: &dyn Adapter) {
    let scene = Scene::new(adapter).await;
    limit(&*scene.a, "x", 1).await;
    let interrupted = submit(&*scene.a, job("x")).await;
    submit(&*scene.a, job("x")).await;
    let running = claim_one(&*scene.a, LONG).await;
    assert_eq!(running.id, interrupted);
    end(&*scene.a, &running, Outcome::Interrupted(failure("interrupted"))).await;
    let again = claim_one(&*scene.b, SHORT).await;
    assert_eq!(again.id, interrupted, "before what came after it");
    scene.storage.pass(LATER).await;
    keep_house(&*scene.b).await;
    assert_eq!(
        claim_one(&*scene.a, LONG).await.id,
        interrupted,
        "after a loss, too"
    );
    scene.close().await;
}

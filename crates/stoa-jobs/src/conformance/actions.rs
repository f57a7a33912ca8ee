//! What people do to jobs.

use super::adapter::Adapter;
use super::examples::{
    LONG, Scene, act, claim, claim_one, done, end, failure, job, key, look, retry, run_to, same, state,
    submit,
};
use crate::{Acted, Action, Ended, JobId, NewJob, Outcome, Renewal, Renewed, State, StateName};

pub(super) async fn run(adapter: &dyn Adapter) {
    a_waiting_job_is_cancelled_at_once(adapter).await;
    a_running_job_is_cancelled_by_its_node(adapter).await;
    what_ended_meanwhile_is_done(adapter).await;
    a_dead_job_starts_anew(adapter).await;
    a_job_with_a_living_twin_does_not_start_anew(adapter).await;
    a_promoted_job_does_not_wait(adapter).await;
    what_fits_no_state_changes_nothing(adapter).await;
}

fn cancel() -> Action {
    Action::Cancel(failure("unwanted"))
}

async fn a_waiting_job_is_cancelled_at_once(adapter: &dyn Adapter) {
    let scene = Scene::new(adapter).await;
    let ready = submit(&*scene.a, same("x", "f")).await;
    let scheduled = submit(
        &*scene.a,
        NewJob {
            delay: LONG,
            ..job("x")
        },
    )
    .await;
    for id in [&ready, &scheduled] {
        let cancelled = act(&*scene.b, id, cancel()).await;
        assert!(
            matches!(&cancelled.state, State::Cancelled { failure, .. } if &*failure.class == "unwanted")
        );
        assert_eq!(look(&*scene.a, id).await, cancelled);
    }
    assert_eq!(claim(&*scene.a, 10).await.len(), 0);
    assert!(scene.a.aggregation(&key("x")).await.expect("looks").is_none());
    submit(&*scene.a, same("x", "f")).await;
    scene.close().await;
}

async fn a_running_job_is_cancelled_by_its_node(adapter: &dyn Adapter) {
    let scene = Scene::new(adapter).await;
    let id = submit(&*scene.a, job("x")).await;
    let running = claim_one(&*scene.a, LONG).await;
    let said = act(&*scene.b, &id, cancel()).await;
    assert_eq!(said.state.name(), StateName::Running);
    let renewal = Renewal {
        id: id.clone(),
        epoch: running.lease().expect("it runs").epoch,
        progress: None,
    };
    let renewed = scene.a.renew(&[renewal], LONG).await.expect("renews");
    assert_eq!(renewed, [Renewed::Cancel(failure("unwanted"))]);
    end(&*scene.a, &running, Outcome::Interrupted(failure("cancelled"))).await;
    let ended = look(&*scene.b, &id).await;
    assert_eq!(
        (ended.state.name(), ended.attempts[0].ended),
        (StateName::Cancelled, Ended::Cancelled)
    );
    scene.close().await;
}

async fn what_ended_meanwhile_is_done(adapter: &dyn Adapter) {
    let scene = Scene::new(adapter).await;
    let id = submit(&*scene.a, job("x")).await;
    let running = claim_one(&*scene.a, LONG).await;
    act(&*scene.b, &id, cancel()).await;
    end(&*scene.a, &running, done()).await;
    assert_eq!(state(&*scene.b, &id).await, StateName::Ok);
    scene.close().await;
}

async fn a_dead_job_starts_anew(adapter: &dyn Adapter) {
    let scene = Scene::new(adapter).await;
    let id = run_to(&*scene.a, same("x", "f"), Outcome::Dead(failure("status"))).await;
    let anew = act(&*scene.b, &id, Action::Retry).await;
    assert_eq!(
        (anew.state.name(), anew.charged, anew.round, anew.attempts.len()),
        (StateName::Ready, 0, 1, 1)
    );
    let joined = scene.a.submit(vec![same("x", "f")]).await.expect("submits");
    assert_eq!(joined[0].id(), &id, "its fingerprint is taken again");
    let running = claim_one(&*scene.a, LONG).await;
    assert_eq!(
        running.lease().expect("it runs").epoch,
        2,
        "epochs never start anew"
    );
    end(&*scene.a, &running, done()).await;
    assert_eq!(state(&*scene.b, &id).await, StateName::Ok);
    scene.close().await;
}

async fn a_job_with_a_living_twin_does_not_start_anew(adapter: &dyn Adapter) {
    let scene = Scene::new(adapter).await;
    let dead = run_to(&*scene.a, same("x", "f"), Outcome::Dead(failure("status"))).await;
    let twin = submit(&*scene.a, same("x", "f")).await;
    let before = look(&*scene.a, &dead).await;
    assert_eq!(
        scene.b.act(&dead, Action::Retry).await.expect("acts"),
        Acted::Twin(twin)
    );
    assert_eq!(look(&*scene.a, &dead).await, before);
    scene.close().await;
}

async fn a_promoted_job_does_not_wait(adapter: &dyn Adapter) {
    let scene = Scene::new(adapter).await;
    let id = run_to(
        &*scene.a,
        job("x"),
        Outcome::Snooze {
            failure: failure("busy"),
            wait: LONG,
        },
    )
    .await;
    submit(&*scene.a, job("x")).await;
    act(&*scene.b, &id, Action::Promote).await;
    let running = claim(&*scene.a, 10).await;
    assert_eq!((running.len(), &running[0].id), (2, &id));
    scene.close().await;
}

async fn what_fits_no_state_changes_nothing(adapter: &dyn Adapter) {
    let scene = Scene::new(adapter).await;
    let ok = run_to(&*scene.a, job("x"), done()).await;
    let before = look(&*scene.a, &ok).await;
    let events = scene.a.last_event().await.expect("looks");
    for action in [cancel(), Action::Retry, Action::Promote] {
        let acted = scene.b.act(&ok, action).await.expect("acts");
        assert_eq!(acted, Acted::NotNow(Box::new(before.clone())));
    }
    let waiting = run_to(&*scene.a, job("y"), retry()).await;
    let acted = scene.b.act(&waiting, Action::Retry).await.expect("acts");
    assert!(matches!(acted, Acted::NotNow(_)), "{acted:?}");
    let nobody = JobId::of_bytes([7; 10]).expect("no dash first");
    assert_eq!(
        scene.b.act(&nobody, cancel()).await.expect("acts"),
        Acted::Unknown
    );
    assert!(scene.a.last_event().await.expect("looks").0 >= events.0);
    assert_eq!(look(&*scene.a, &ok).await, before);
    scene.close().await;
}

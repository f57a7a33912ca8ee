//! Events, and who is woken by what.

use std::time::Duration;

use serde_json::Map;
use tokio::{sync::watch, time::timeout};

use super::adapter::Adapter;
use super::examples::{
    LATER, LONG, SHORT, Scene, act, at_most, claim_one, done, end, failure, job, keep_house, key, kind,
    retry, run_to, submit, submit_all,
};
use crate::{Action, AggregationSettings, Claim, EventId, JobQuery, NewJob, StateName, StoreError};

/// How long a signal may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

pub(super) async fn run(adapter: &dyn Adapter) {
    events_tell_every_state_in_order(adapter).await;
    old_events_are_pruned(adapter).await;
    every_handle_is_woken(adapter).await;
    a_closed_store_says_so(adapter).await;
}

async fn events_tell_every_state_in_order(adapter: &dyn Adapter) {
    let scene = Scene::new(adapter).await;
    let start = scene.b.last_event().await.expect("looks");
    let id = run_to(&*scene.a, job("x"), retry()).await;
    act(&*scene.b, &id, Action::Cancel(failure("unwanted"))).await;
    let events = scene.b.events(start, 100).await.expect("reads");
    let told: Vec<_> = events
        .iter()
        .map(|event| (event.to, event.class.as_deref()))
        .collect();
    let expected = [
        (StateName::Ready, None),
        (StateName::Running, None),
        (StateName::Scheduled, Some("status")),
        (StateName::Cancelled, Some("unwanted")),
    ];
    assert_eq!(told, expected);
    assert!(
        events
            .iter()
            .all(|event| event.job == id && event.aggregation == key("x"))
    );
    assert!(
        events.is_sorted_by(|one, next| one.id < next.id && one.at <= next.at),
        "{events:?}"
    );
    let last = scene.a.last_event().await.expect("looks");
    assert_eq!(events.last().map(|event| event.id), Some(last));
    let part = scene.a.events(events[0].id, 2).await.expect("reads");
    assert_eq!(part, events[1..3]);
    assert_eq!(scene.a.events(last, 10).await.expect("reads"), []);
    let running = submit(&*scene.a, job("x")).await;
    claim_one(&*scene.a, SHORT).await;
    scene.storage.pass(LATER).await;
    keep_house(&*scene.b).await;
    let events = scene.b.events(last, 100).await.expect("reads");
    let lost = events.last().expect("an event");
    assert_eq!(
        (lost.to, lost.class.as_deref(), &lost.job),
        (StateName::Ready, Some("lost"), &running)
    );
    scene.close().await;
}

async fn old_events_are_pruned(adapter: &dyn Adapter) {
    let scene = Scene::new(adapter).await;
    submit_all(&*scene.a, vec![job("x"); 11_000]).await;
    keep_house(&*scene.a).await;
    let last = scene.b.last_event().await.expect("looks");
    let events = scene.b.events(EventId::default(), 20_000).await.expect("reads");
    assert!(
        (9_900..=10_600).contains(&events.len()),
        "ten thousand or so, not {}",
        events.len()
    );
    assert_eq!(events.last().map(|event| event.id), Some(last), "the latest ones");
    scene.close().await;
}

/// Forgets what has been signalled.
fn rest(signal: &mut watch::Receiver<u64>) {
    signal.borrow_and_update();
}

async fn woken(signal: &mut watch::Receiver<u64>, why: &str) {
    let changed = timeout(PATIENCE, signal.changed()).await;
    assert!(changed.is_ok(), "{why} wakes the others");
    changed.expect("in time").expect("the store is there");
}

async fn every_handle_is_woken(adapter: &dyn Adapter) {
    let scene = Scene::new(adapter).await;
    let mut other = scene.b.signals();
    rest(&mut other.work);
    rest(&mut other.events);
    let id = submit(&*scene.a, job("x")).await;
    woken(&mut other.work, "a job").await;
    woken(&mut other.events, "an event").await;

    let running = claim_one(&*scene.b, LONG).await;
    settle(&scene).await;
    let mut other = scene.b.signals();
    rest(&mut other.control);
    act(&*scene.a, &id, Action::Cancel(failure("unwanted"))).await;
    woken(&mut other.control, "a cancelled job").await;

    settle(&scene).await;
    let mut other = scene.b.signals();
    rest(&mut other.work);
    end(&*scene.a, &running, done()).await;
    woken(&mut other.work, "a slot that is free").await;

    settle(&scene).await;
    let mut other = scene.b.signals();
    rest(&mut other.work);
    submit(
        &*scene.a,
        NewJob {
            delay: LONG,
            ..job("x")
        },
    )
    .await;
    woken(&mut other.work, "a job that is due some time").await;

    for (settings, why) in [
        (
            AggregationSettings {
                paused: true,
                ..at_most(1)
            },
            "a pause",
        ),
        (at_most(1), "going on"),
        (at_most(2), "a higher limit"),
    ] {
        settle(&scene).await;
        let mut other = scene.b.signals();
        rest(&mut other.work);
        scene
            .a
            .set_aggregation(&key("x"), Some(settings.clone()))
            .await
            .expect("sets");
        if !settings.paused {
            woken(&mut other.work, why).await;
        }
    }
    scene.close().await;
}

/// Waits until what has happened so far has been signalled: until a change by each handle has reached the other one.
async fn settle(scene: &Scene) {
    for (from, to) in [(&scene.a, &scene.b), (&scene.b, &scene.a)] {
        let mut events = to.signals().events;
        rest(&mut events);
        let id = submit(&**from, NewJob::new("settle/x".parse().expect("a key"), 7.into())).await;
        woken(&mut events, "an event").await;
        assert!(to.job(&id).await.expect("looks").is_some());
    }
}

async fn a_closed_store_says_so(adapter: &dyn Adapter) {
    let scene = Scene::new(adapter).await;
    let id = submit(&*scene.a, job("x")).await;
    let running = claim_one(&*scene.a, LONG).await;
    scene.a.close().await;
    scene.a.close().await;
    let store = &scene.a;
    let claim = Claim {
        node: "node-a".into(),
        kinds: vec![kind("url")],
        max: 1,
        lease: LONG,
    };
    let lease = running.lease().expect("it runs");
    let answers = [
        store.submit(vec![job("x")]).await.err(),
        store.claim(&claim).await.err(),
        store.renew(&[], LONG).await.err(),
        store.finish(&id, lease, done(), Map::new()).await.err(),
        store.keep_house().await.err(),
        store.act(&id, Action::Promote).await.err(),
        store.job(&id).await.err(),
        store.jobs(&JobQuery::latest(1)).await.err(),
        store.counts().await.err(),
        store.aggregations(None, 1).await.err(),
        store.aggregation(&key("x")).await.err(),
        store.set_aggregation(&key("x"), None).await.err(),
        store.events(EventId::default(), 1).await.err(),
        store.last_event().await.err(),
    ];
    for (number, answer) in answers.iter().enumerate() {
        assert!(
            matches!(answer, Some(StoreError::Closed)),
            "call {number}: {answer:?}"
        );
    }
    end(&*scene.b, &running, done()).await;
    scene.b.close().await;
}

//! What people see.

use std::collections::BTreeSet;

use super::adapter::Adapter;
use super::examples::{
    LONG, Scene, at_most, claim, claim_one, done, end, failure, job, key, kind, limit, retry, run_to, submit,
    submit_all,
};
use crate::{AggregationKey, Job, JobId, JobQuery, NewJob, Outcome, StateName, Store};

pub(super) async fn run(adapter: &dyn Adapter) {
    pages_do_not_move_while_jobs_come_in(adapter).await;
    queries_find_what_they_ask_for(adapter).await;
    jobs_are_counted(adapter).await;
    aggregations_come_and_go_with_their_jobs(adapter).await;
    aggregations_are_listed_by_key(adapter).await;
}

/// All that a query finds, page by page.
async fn find(store: &dyn Store, mut query: JobQuery) -> Vec<Job> {
    let mut jobs = Vec::new();
    for _ in 0..1_000 {
        let page = store.jobs(&query).await.expect("finds");
        assert!(page.jobs.len() <= query.limit);
        jobs.extend(page.jobs);
        query.before = page.next;
        if query.before.is_none() {
            return jobs;
        }
    }
    panic!("the pages do not end")
}

fn ids(jobs: &[Job]) -> Vec<JobId> {
    jobs.iter().map(|job| job.id.clone()).collect()
}

async fn pages_do_not_move_while_jobs_come_in(adapter: &dyn Adapter) {
    let scene = Scene::new(adapter).await;
    let mut all = submit_all(&*scene.a, vec![job("x"); 25]).await;
    all.reverse();
    let mut query = JobQuery::latest(10);
    let mut seen = Vec::new();
    loop {
        let page = scene.b.jobs(&query).await.expect("finds");
        seen.extend(ids(&page.jobs));
        query.before = page.next;
        if query.before.is_none() {
            break;
        }
        submit_all(&*scene.a, vec![job("x"); 3]).await;
    }
    assert_eq!(seen, all);
    assert_eq!(find(&*scene.b, JobQuery::latest(7)).await.len(), 31);
    scene.close().await;
}

async fn queries_find_what_they_ask_for(adapter: &dyn Adapter) {
    let scene = Scene::new(adapter).await;
    let titled = |name: &str, title: &str| NewJob {
        title: title.into(),
        ..job(name)
    };
    let dead = run_to(
        &*scene.a,
        titled("x", "http://example.com/100%_a"),
        Outcome::Dead(failure("status")),
    )
    .await;
    let waiting = run_to(&*scene.a, titled("x", "http://example.com/b"), retry()).await;
    let other = NewJob {
        title: "EXAMPLE".into(),
        ..NewJob::new("other/x".parse().expect("a key"), 7.into())
    };
    let other = submit(&*scene.a, other).await;
    let ready = submit(&*scene.a, titled("y", "100 a")).await;
    let latest = || JobQuery::latest(2);
    let states = |states: &[StateName]| states.iter().copied().collect::<BTreeSet<_>>();
    let text = |text: &str| JobQuery {
        text: text.into(),
        ..latest()
    };
    let of = JobQuery {
        aggregation: Some(key("x")),
        ..latest()
    };
    let retried = JobQuery {
        states: states(&[StateName::Scheduled]),
        ..of.clone()
    };
    let some = JobQuery {
        states: states(&[StateName::Dead, StateName::Ready]),
        ..latest()
    };
    let urls = JobQuery {
        kind: Some(kind("url")),
        ..latest()
    };
    let children = JobQuery {
        parent: Some(ready.clone()),
        ..latest()
    };
    let cases = [
        (some, vec![&ready, &other, &dead]),
        (urls, vec![&ready, &waiting, &dead]),
        (of, vec![&waiting, &dead]),
        (retried, vec![&waiting]),
        (text("example"), vec![&waiting, &dead]),
        (text("100%_a"), vec![&dead]),
        (text("nothing"), vec![]),
        (children, vec![]),
    ];
    for (query, expected) in cases {
        let expected: Vec<_> = expected.into_iter().cloned().collect();
        assert_eq!(ids(&find(&*scene.b, query.clone()).await), expected, "{query:?}");
    }
    scene.close().await;
}

async fn jobs_are_counted(adapter: &dyn Adapter) {
    let scene = Scene::new(adapter).await;
    run_to(&*scene.a, job("x"), done()).await;
    run_to(&*scene.a, job("x"), Outcome::Dead(failure("status"))).await;
    submit_all(&*scene.a, vec![job("x"); 3]).await;
    claim(&*scene.a, 2).await;
    submit(
        &*scene.b,
        NewJob {
            delay: LONG,
            ..job("y")
        },
    )
    .await;
    let counts = scene.b.counts().await.expect("counts");
    let seen: Vec<_> = StateName::ALL
        .iter()
        .map(|state| counts.get(state).copied().unwrap_or_default())
        .collect();
    assert_eq!(seen, [1, 1, 2, 0, 1, 1, 0]);
    scene.close().await;
}

async fn aggregations_come_and_go_with_their_jobs(adapter: &dyn Adapter) {
    let scene = Scene::new(adapter).await;
    let look = async |name: &str| scene.b.aggregation(&key(name)).await.expect("looks");
    assert_eq!(look("x").await, None);
    let new = NewJob {
        aggregation_settings: Some(at_most(9)),
        ..job("x")
    };
    submit(&*scene.a, new.clone()).await;
    let shown = look("x").await.expect("it is there");
    assert_eq!((shown.settings.clone(), shown.pinned), (at_most(9), false));
    assert!(shown.oldest_ready.is_some());
    let running = claim_one(&*scene.a, LONG).await;
    assert_eq!(look("x").await.expect("it is there").oldest_ready, None);
    end(&*scene.a, &running, done()).await;
    assert_eq!(look("x").await, None, "it goes with its last job");

    limit(&*scene.a, "x", 3).await;
    let shown = look("x").await.expect("it is there");
    assert_eq!((shown.pinned, shown.settings, shown.ready), (true, at_most(3), 0));
    submit(&*scene.a, new).await;
    scene.a.set_aggregation(&key("x"), None).await.expect("sets");
    let shown = look("x").await.expect("it has a job");
    assert_eq!((shown.pinned, shown.settings), (false, at_most(3)));
    let running = claim_one(&*scene.a, LONG).await;
    end(&*scene.a, &running, done()).await;
    assert_eq!(look("x").await, None);
    scene
        .a
        .set_aggregation(&key("x"), None)
        .await
        .expect("nothing to unpin");
    assert_eq!(look("x").await, None);
    scene.close().await;
}

async fn aggregations_are_listed_by_key(adapter: &dyn Adapter) {
    let scene = Scene::new(adapter).await;
    let mut keys: Vec<AggregationKey> = ["url/b", "url-2/a", "url/a/b", "a/z", "url/é"]
        .map(|text| text.parse().expect("a key"))
        .into();
    submit_all(
        &*scene.a,
        keys.iter()
            .map(|key| NewJob::new(key.clone(), 7.into()))
            .collect(),
    )
    .await;
    keys.sort();
    let listed = scene.b.aggregations(None, 100).await.expect("lists");
    assert_eq!(
        listed.iter().map(|shown| shown.key.clone()).collect::<Vec<_>>(),
        keys
    );
    let listed = scene.b.aggregations(Some(&keys[1]), 2).await.expect("lists");
    assert_eq!(
        listed.iter().map(|shown| shown.key.clone()).collect::<Vec<_>>(),
        keys[2..4]
    );
    let between = "b/b".parse().expect("a key");
    let listed = scene.b.aggregations(Some(&between), 1).await.expect("lists");
    assert_eq!(listed[0].key, keys[1], "after a key that is not there");
    scene.close().await;
}

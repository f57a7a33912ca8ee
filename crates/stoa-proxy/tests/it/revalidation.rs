//! Answers that may change: fresh, stale, old, and what happens when the source fails.

use std::{sync::Arc, time::Duration};

use futures_util::{FutureExt, future::join_all};

use stoa_module::Resource;
use stoa_proxy::{Answer, Content, Outcome, Refreshes, RevalidationCache, RevalidationOptions};
use tokio::time::advance;
use tokio_util::task::TaskTracker;

use crate::{
    fake::{Fake, Say, broken, missing},
    lab::{Ask, info, latest, list, resource, settle},
};

pub(crate) const LIST_TTL: Duration = Duration::from_secs(60);
pub(crate) const STALE_TTL: Duration = Duration::from_secs(600);
pub(crate) const NEGATIVE_TTL: Duration = Duration::from_secs(30);
const SECOND: Duration = Duration::from_secs(1);

pub(crate) fn cache(capacity: u64) -> (Fake, RevalidationCache, TaskTracker) {
    let (fake, tasks) = (Fake::new(), TaskTracker::new());
    let options = RevalidationOptions {
        list_ttl: LIST_TTL,
        stale_ttl: STALE_TTL,
        negative_ttl: NEGATIVE_TTL,
        capacity,
    };
    let refreshes = Arc::new(Refreshes::new(None));
    let cache = RevalidationCache::new(Arc::new(fake.clone()), options, refreshes, tasks.clone());
    (fake, cache, tasks)
}

/// A cache that is told what is new.
pub(crate) fn renewable_cache() -> (Fake, RevalidationCache, Arc<Refreshes>) {
    let (fake, refreshes) = (Fake::new(), Arc::new(Refreshes::new(None)));
    let options = RevalidationOptions {
        list_ttl: LIST_TTL,
        stale_ttl: STALE_TTL,
        negative_ttl: NEGATIVE_TTL,
        capacity: 1 << 20,
    };
    let tasks = TaskTracker::new();
    let cache = RevalidationCache::new(Arc::new(fake.clone()), options, Arc::clone(&refreshes), tasks);
    (fake, cache, refreshes)
}

fn seen(answer: Answer) -> (String, Outcome) {
    let outcome = answer.outcome;
    let Content::Bytes(bytes) = answer.into_parts().0 else {
        panic!("not in memory")
    };
    (String::from_utf8(bytes.to_vec()).unwrap(), outcome)
}

async fn get(cache: &RevalidationCache, resource: &Resource) -> (String, Outcome) {
    seen(cache.ask(resource).await.unwrap())
}

fn text(text: &str, outcome: Outcome) -> (String, Outcome) {
    (text.to_owned(), outcome)
}

#[tokio::test(start_paused = true)]
async fn a_fresh_answer_asks_nobody() {
    for resource in [list(), latest(), resource("example.com/a/@v/main.info")] {
        let (fake, cache, _tasks) = cache(1 << 20);
        fake.text(&resource, "one");
        assert_eq!(get(&cache, &resource).await, text("one", Outcome::Miss));
        advance(LIST_TTL.saturating_sub(SECOND)).await;
        let answer = cache.ask(&resource).await.unwrap();
        assert_eq!(
            answer.fresh_for,
            Some(SECOND),
            "what a client may reuse ends with the entry"
        );
        assert_eq!(seen(answer), text("one", Outcome::Hit));
        assert_eq!(fake.count(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_stale_answer_is_given_at_once_and_refreshed_once() {
    let (fake, cache, tasks) = cache(1 << 20);
    fake.text(&list(), "one");
    get(&cache, &list()).await;
    advance(LIST_TTL).await;
    fake.text(&list(), "two");
    fake.hold();
    for _ in 0..50 {
        let answer = cache.ask(&list()).now_or_never().expect("nobody waits").unwrap();
        assert_eq!(answer.fresh_for, None, "a stale answer is not to be reused");
        assert_eq!(seen(answer), text("one", Outcome::Stale));
        tokio::task::yield_now().await;
    }
    assert_eq!(fake.count(), 2, "one refresh for all of them");
    fake.release();
    settle(&tasks).await;
    assert_eq!(get(&cache, &list()).await, text("two", Outcome::Hit));
    assert_eq!(fake.count(), 2);
}

#[tokio::test(start_paused = true)]
async fn an_old_answer_waits_for_the_source() {
    let (fake, cache, _tasks) = cache(1 << 20);
    fake.text(&list(), "one");
    get(&cache, &list()).await;
    advance(LIST_TTL + STALE_TTL).await;
    fake.text(&list(), "two");
    fake.hold();
    let list = list();
    let mut waiting = cache.ask(&list);
    assert!((&mut waiting).now_or_never().is_none());
    fake.release();
    assert_eq!(seen(waiting.await.unwrap()), text("two", Outcome::Miss));
    assert_eq!(get(&cache, &list).await, text("two", Outcome::Hit));
}

#[tokio::test(start_paused = true)]
async fn when_the_source_fails_the_old_answer_is_given_and_the_source_left_alone() {
    // Just stale, and older than that: either way.
    for age in [LIST_TTL, LIST_TTL + STALE_TTL] {
        let (fake, cache, tasks) = cache(1 << 20);
        fake.text(&list(), "one");
        get(&cache, &list()).await;
        advance(age).await;
        fake.fail(&list(), broken());
        for _ in 0..5 {
            assert_eq!(get(&cache, &list()).await, text("one", Outcome::Stale));
            settle(&tasks).await;
        }
        assert_eq!(fake.count(), 2, "one refresh, then rest");
        advance(NEGATIVE_TTL.saturating_sub(SECOND)).await;
        get(&cache, &list()).await;
        settle(&tasks).await;
        assert_eq!(fake.count(), 2, "still at rest");
        advance(SECOND).await;
        fake.text(&list(), "two");
        get(&cache, &list()).await;
        settle(&tasks).await;
        assert_eq!(fake.count(), 3);
        assert_eq!(get(&cache, &list()).await, text("two", Outcome::Hit));
    }
}

#[tokio::test(start_paused = true)]
async fn a_very_old_answer_is_better_than_a_failure() {
    let (fake, cache, _tasks) = cache(1 << 20);
    fake.text(&latest(), "one");
    get(&cache, &latest()).await;
    fake.fail(&latest(), broken());
    for _ in 0..10 {
        advance(1000 * STALE_TTL).await;
        assert_eq!(get(&cache, &latest()).await, text("one", Outcome::Stale));
    }
}

#[tokio::test(start_paused = true)]
async fn a_refresh_that_finds_nothing_takes_the_old_answer_away() {
    let (fake, cache, tasks) = cache(1 << 20);
    fake.text(&list(), "one");
    get(&cache, &list()).await;
    advance(LIST_TTL).await;
    fake.fail(&list(), missing());
    assert_eq!(get(&cache, &list()).await, text("one", Outcome::Stale));
    settle(&tasks).await;
    assert!(cache.ask(&list()).await.unwrap_err().is_not_found());
}

#[tokio::test(start_paused = true)]
async fn a_refresh_that_panics_does_not_block_the_next() {
    let (fake, cache, tasks) = cache(1 << 20);
    fake.text(&list(), "one");
    get(&cache, &list()).await;
    advance(LIST_TTL).await;
    fake.say(&list(), Say::Panic);
    get(&cache, &list()).await;
    settle(&tasks).await;
    fake.text(&list(), "two");
    get(&cache, &list()).await;
    settle(&tasks).await;
    assert_eq!(get(&cache, &list()).await, text("two", Outcome::Hit));
}

#[tokio::test(start_paused = true)]
async fn fixed_files_are_not_remembered_here() {
    let (fake, cache, _tasks) = cache(1 << 20);
    fake.text(&info(), "fixed");
    for _ in 0..3 {
        assert_eq!(get(&cache, &info()).await, text("fixed", Outcome::Miss));
    }
    assert_eq!(fake.count(), 3);
}

#[tokio::test(start_paused = true)]
async fn what_is_remembered_stays_within_the_capacity() {
    let capacity = 64 << 10;
    let (fake, cache, _tasks) = cache(capacity);
    let resources: Vec<_> = (0..500)
        .map(|n| resource(&format!("example.com/m{n}/@v/list")))
        .collect();
    for resource in &resources {
        fake.text(resource, "x".repeat(1 << 10));
    }
    let asked = join_all(resources.iter().map(|resource| cache.ask(resource))).await;
    assert!(asked.iter().all(Result::is_ok));
    let before = fake.count();
    fake.hold();
    let kept = resources
        .iter()
        .filter(|r| cache.ask(r).now_or_never().is_some())
        .count();
    assert!(kept > 0 && kept <= 64, "{kept} answers of 1 KiB in 64 KiB");
    assert_eq!(before, 500);

    fake.release();
    let large = latest();
    fake.text(&large, "x".repeat(1 << 20));
    get(&cache, &large).await;
    let again = get(&cache, &large).await;
    assert_eq!(
        again.1,
        Outcome::Miss,
        "what is larger than the capacity is not kept"
    );
}

#[tokio::test(start_paused = true)]
async fn many_long_not_founds_stay_within_the_capacity_too() {
    let (fake, cache, _tasks) = cache(64 << 10);
    let long = stoa_fetch::FetchError::NotFound(stoa_fetch::NotFound {
        reason: "no".to_owned(),
        gone: false,
        reply: Some(stoa_fetch::Reply {
            status: 404,
            content_type: None,
            body: vec![b'x'; 16 << 10].into(),
        }),
    });
    let mut kept = 0;
    let resources = (0..100).map(|n| resource(&format!("example.com/m{n}/@v/list")));
    for resource in resources.clone() {
        fake.fail(&resource, long.clone());
        cache.ask(&resource).await.unwrap_err();
    }
    for resource in resources {
        kept += usize::from(cache.ask(&resource).await.unwrap_err().is_remembered());
    }
    assert!(kept <= 4, "{kept} texts of 16 KiB in 64 KiB");
}

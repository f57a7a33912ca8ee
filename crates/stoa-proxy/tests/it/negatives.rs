//! "There is no such thing": believed for a while, never invented.

use stoa_module::PatternList;
use stoa_proxy::{Meaning, Outcome, ProxyError};
use tokio::time::{Duration, advance};

use crate::{
    fake::{answered, broken, missing},
    lab::{Ask, go_mod, info, latest, list, resource, zip},
    revalidation::{NEGATIVE_TTL, cache, renewable_cache},
};

const SECOND: Duration = Duration::from_secs(1);
const MOMENT: Duration = Duration::from_millis(1);

#[tokio::test(start_paused = true)]
async fn a_not_found_is_believed_for_its_time_and_then_asked_again() {
    for resource in [
        list(),
        latest(),
        resource("example.com/a/@v/main.info"),
        info(),
        go_mod(),
        zip(),
    ] {
        let (fake, cache, _tasks) = cache(1 << 20);
        // A file that never changes may have been pushed since.
        let believed = if resource.is_mutable() {
            NEGATIVE_TTL
        } else {
            SECOND
        };
        let first = cache.ask(&resource).await.unwrap_err();
        assert!(first.is_not_found() && !first.is_remembered());
        advance(believed.saturating_sub(MOMENT)).await;
        fake.text(&resource, "pushed meanwhile");
        let again = cache.ask(&resource).await.unwrap_err();
        assert!(again.is_not_found() && again.is_remembered(), "{resource}");
        assert_eq!(fake.count(), 1);
        advance(MOMENT).await;
        let found = cache.ask(&resource).await.unwrap();
        assert_eq!(
            found.outcome,
            Outcome::Miss,
            "{resource}: who asks again waits for the truth"
        );
        assert_eq!(fake.count(), 2);
    }
}

#[tokio::test(start_paused = true)]
async fn what_the_source_said_is_remembered_with_it() {
    let (fake, cache, _tasks) = cache(1 << 20);
    let gone = stoa_fetch::FetchError::NotFound(stoa_fetch::NotFound {
        reason: "gone for good".to_owned(),
        gone: true,
        reply: Some(stoa_fetch::Reply {
            status: 410,
            content_type: Some("text/plain".to_owned()),
            body: "gone for good\n".into(),
        }),
    });
    fake.fail(&info(), gone);
    for remembered in [false, true] {
        let error = cache.ask(&info()).await.unwrap_err();
        assert_eq!(error.is_remembered(), remembered);
        assert_eq!(error.meaning(), Meaning::Gone);
        assert_eq!(error.reply().unwrap().body, "gone for good\n");
    }
}

#[tokio::test(start_paused = true)]
async fn a_path_that_its_source_fails_at_is_left_alone_for_a_while() {
    for status in [500, 501] {
        for resource in [list(), latest(), info(), zip()] {
            let (fake, cache, _tasks) = cache(1 << 20);
            fake.fail(&resource, ProxyError::from(answered(status)));
            for is_remembered in [false, true, true] {
                let error = cache.ask(&resource).await.unwrap_err();
                assert_eq!(error.is_remembered(), is_remembered, "{resource}");
                assert_eq!(error.meaning(), Meaning::BadUpstream);
            }
            assert_eq!(fake.count(), 1);
            // It is asked again afterwards, and what it says then is what is known.
            advance(NEGATIVE_TTL).await;
            for is_remembered in [false, true] {
                let error = cache.ask(&resource).await.unwrap_err();
                assert_eq!(error.is_remembered(), is_remembered, "{resource}");
            }
            assert_eq!(fake.count(), 2);
            advance(NEGATIVE_TTL).await;
            fake.fail(&resource, ProxyError::from(answered(403)));
            let error = cache.ask(&resource).await.unwrap_err();
            assert_eq!(error.reply().map(|reply| reply.status), Some(403), "{resource}");
            fake.text(&resource, "back");
            cache.ask(&resource).await.unwrap();
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_failure_of_a_source_is_never_remembered() {
    let failures: [ProxyError; 2] = [
        broken().into(),
        stoa_proxy::Cause::Overloaded {
            reason: "busy".to_owned(),
            retry_after: SECOND,
        }
        .into(),
    ];
    for resource in [list(), latest(), info(), zip()] {
        for failure in &failures {
            let (fake, cache, _tasks) = cache(1 << 20);
            fake.fail(&resource, failure.clone());
            for _ in 0..3 {
                let error = cache.ask(&resource).await.unwrap_err();
                assert!(!error.is_not_found() && !error.is_remembered());
            }
            assert_eq!(fake.count(), 3);
            fake.text(&resource, "back");
            cache.ask(&resource).await.unwrap();
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_not_found_does_not_outlive_the_file_that_came() {
    let (fake, cache, _tasks) = cache(1 << 20);
    cache.ask(&info()).await.unwrap_err();
    advance(NEGATIVE_TTL).await;
    fake.text(&info(), "here");
    cache.ask(&info()).await.unwrap();
    // Nothing of the old not-found is left to fall back on.
    fake.fail(&info(), broken());
    assert!(!cache.ask(&info()).await.unwrap_err().is_not_found());
}

#[tokio::test(start_paused = true)]
async fn an_old_not_found_of_a_fixed_file_does_not_cover_a_failure() {
    for resource in [info(), go_mod(), zip()] {
        let (fake, cache, _tasks) = cache(1 << 20);
        cache.ask(&resource).await.unwrap_err();
        advance(SECOND).await;
        fake.fail(&resource, broken());
        for _ in 0..2 {
            let error = cache.ask(&resource).await.unwrap_err();
            assert_eq!(error.meaning(), Meaning::BadUpstream, "{resource}");
        }
        fake.text(&resource, "back");
        cache.ask(&resource).await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn an_old_not_found_of_what_may_change_is_given_when_the_source_fails() {
    let (fake, cache, refreshes) = renewable_cache();
    cache.ask(&list()).await.unwrap_err();
    advance(NEGATIVE_TTL).await;
    fake.fail(&list(), broken());
    for _ in 0..3 {
        let error = cache.ask(&list()).await.unwrap_err();
        assert!(error.is_not_found() && error.is_remembered());
    }
    assert_eq!(fake.count(), 2, "one attempt, then rest");
    // But not to who was told that it is there by now.
    refreshes.modules(PatternList::parse("example.com/a"));
    for _ in 0..2 {
        let error = cache.ask(&list()).await.unwrap_err();
        assert_eq!(error.meaning(), Meaning::BadUpstream);
    }
    fake.text(&list(), "v1.0.0\n");
    cache.ask(&list()).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_is_said_to_be_new_is_asked_for() {
    let (fake, cache, refreshes) = renewable_cache();
    fake.text(&list(), "v1.0.0\n");
    cache.ask(&list()).await.unwrap();
    cache.ask(&latest()).await.unwrap_err();
    advance(MOMENT).await;
    // Another module's news are none of these.
    refreshes.modules(PatternList::parse("example.com/other"));
    fake.text(&list(), "v1.0.0\nv1.1.0\n");
    fake.text(&latest(), "v1.1.0");
    let known = cache.ask(&list()).await.unwrap();
    assert_eq!(known.outcome, Outcome::Hit);
    assert!(cache.ask(&latest()).await.unwrap_err().is_remembered());
    refreshes.modules(PatternList::parse("example.com/a"));
    advance(MOMENT).await;
    for resource in [list(), latest()] {
        let outcomes = [
            cache.ask(&resource).await.unwrap().outcome,
            cache.ask(&resource).await.unwrap().outcome,
        ];
        assert_eq!(outcomes, [Outcome::Miss, Outcome::Hit], "{resource}");
    }
    // Where the source fails, what was known is better than nothing, and the source is left alone for a while.
    advance(MOMENT).await;
    refreshes.modules(PatternList::parse("example.com/*"));
    fake.fail(&list(), broken());
    advance(MOMENT).await;
    let asked = fake.count();
    for _ in 0..3 {
        assert_eq!(cache.ask(&list()).await.unwrap().outcome, Outcome::Stale);
    }
    assert_eq!(fake.count() - asked, 1);
}

#[tokio::test(start_paused = true)]
async fn not_founds_of_one_thing_say_nothing_about_another() {
    let (fake, cache, _tasks) = cache(1 << 20);
    fake.fail(&info(), missing());
    cache.ask(&info()).await.unwrap_err();
    fake.text(&go_mod(), "module example.com/a\n");
    cache.ask(&go_mod()).await.unwrap();
}

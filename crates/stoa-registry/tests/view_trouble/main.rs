//! The view in trouble: outages, bursts, watches that break, checks that panic.

#![expect(clippy::unwrap_used, reason = "a helper that panics fails its test")]

mod link_lab;

use std::{sync::Arc, time::Duration};

use link_lab::FaultyRegistry;
use stoa_registry::*;
use tokio::{task::JoinSet, time::sleep};

const LONG: Duration = Duration::from_secs(1_000_000);

fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}
fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}
fn name(service: &str) -> ServiceName {
    service.parse().unwrap()
}
fn node(service: &str, id: &str) -> Registration {
    Registration::new(
        name(service),
        id.parse().unwrap(),
        format!("http://{id}.test"),
        InstanceId::from_number(7),
    )
}
fn lab(options: ViewOptions) -> (MemoryRegistry, FaultyRegistry, View) {
    let memory = MemoryRegistry::new();
    let link = FaultyRegistry::new(Arc::new(memory.clone()));
    let view = View::new(Arc::new(link.clone()), options);
    (memory, link, view)
}
async fn register(memory: &MemoryRegistry, service: &str, ids: &[&str]) {
    for id in ids {
        memory.register(&node(service, id), LONG).await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn suspects_stay_while_a_watch_hangs() {
    let (memory, link, view) = lab(ViewOptions::default());
    register(&memory, "proxy", &["a", "b", "c"]).await;
    let mut followed = view.follow(&name("proxy"));
    followed.ready(secs(2)).await;
    sleep(secs(6)).await;
    memory.wipe();
    sleep(millis(1)).await;
    link.hang();
    register(&memory, "proxy", &["a", "b", "c"]).await;
    let mut least = 3;
    for _ in 0..1_000 {
        sleep(millis(100)).await;
        least = least.min(followed.load().nodes.len());
    }
    assert_eq!(least, 3, "all are registered, and the registry only says nothing");
}

#[tokio::test(start_paused = true)]
async fn suspects_stay_while_the_registry_is_away_and_a_moment_after() {
    let (memory, link, view) = lab(ViewOptions::default());
    register(&memory, "proxy", &["a", "b", "c"]).await;
    let mut followed = view.follow(&name("proxy"));
    followed.ready(secs(2)).await;
    sleep(millis(1)).await;
    memory.wipe();
    sleep(millis(1)).await;
    link.cut();
    sleep(secs(300)).await;
    link.heal();
    view.nudge();
    sleep(secs(1)).await;
    assert_eq!(
        followed.load().nodes.len(),
        3,
        "they have had no time to come back"
    );
}

#[tokio::test(start_paused = true)]
async fn an_unknown_name_is_read_once_a_second_in_an_outage() {
    let (_memory, link, view) = lab(ViewOptions::default());
    link.cut();
    for _ in 0..100 {
        assert!(view.get(&name("proxy")).await.is_err());
    }
    assert_eq!(link.calls().gets, 1);
}

#[tokio::test(start_paused = true)]
async fn who_follows_what_is_looked_for_reads_nothing() {
    let (memory, link, view) = lab(ViewOptions::default());
    register(&memory, "proxy", &["a"]).await;
    link.slow(millis(50));
    let mut asking = JoinSet::new();
    let asked = view.clone();
    asking.spawn(async move { asked.get(&name("proxy")).await.is_ok() });
    sleep(millis(1)).await;
    let mut followed = view.follow(&name("proxy"));
    followed.ready(secs(2)).await;
    asking.join_all().await;
    sleep(secs(1)).await;
    assert_eq!(link.calls().gets, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn bursts_of_questions_read_once() {
    let mut twice = 0;
    for _ in 0..3_000 {
        let (memory, link, view) = lab(ViewOptions::default());
        register(&memory, "proxy", &["a"]).await;
        let mut asking = JoinSet::new();
        for _ in 0..16 {
            let view = view.clone();
            asking.spawn(async move { view.get(&name("proxy")).await.is_ok() });
        }
        asking.join_all().await;
        twice += u64::from(link.calls().gets != 1);
        view.stop().await;
    }
    assert_eq!(twice, 0, "rounds of 3000 that read more than once");
}

#[tokio::test(start_paused = true)]
async fn a_watch_that_breaks_each_second_is_back_in_seconds() {
    let (memory, link, view) = lab(ViewOptions::default());
    register(&memory, "proxy", &["a"]).await;
    let mut followed = view.follow(&name("proxy"));
    followed.ready(secs(2)).await;
    let (mut worst, mut last) = (Duration::ZERO, tokio::time::Instant::now());
    for number in 0..60_000_u64 {
        let mut changed = node("proxy", "a");
        changed.version = number.to_string();
        memory.register(&changed, LONG).await.unwrap();
        if number % 1_000 == 0 {
            link.drop_watches();
        }
        sleep(millis(1)).await;
        if followed.load().nodes[0].registration.version == number.to_string() {
            last = tokio::time::Instant::now();
        }
        worst = worst.max(last.elapsed());
    }
    assert!(worst < secs(6), "{worst:?} behind a registry that is there");
}

#[tokio::test(start_paused = true)]
async fn a_service_that_comes_while_it_is_looked_for_is_found() {
    let (memory, link, view) = lab(ViewOptions::default());
    assert!(view.get(&name("other")).await.is_err());
    sleep(millis(1)).await;
    // Read as absent, and the answer is under way while the service comes.
    let read = link.get(&name("proxy")).await.unwrap();
    assert!(read.entries.is_empty());
    link.slow_answers(millis(100));
    let asked = view.clone();
    let mut asking = JoinSet::new();
    asking.spawn(async move { asked.get(&name("proxy")).await.is_ok() });
    sleep(millis(1)).await;
    register(&memory, "proxy", &["a"]).await;
    sleep(millis(200)).await;
    asking.join_all().await;
    assert!(view.get(&name("proxy")).await.is_ok(), "it came 200 ms ago");
}

#[tokio::test(start_paused = true)]
async fn a_view_that_is_dropped_ends_its_tasks() {
    let (_memory, link, view) = lab(ViewOptions::default());
    let followed = view.follow(&name("proxy"));
    sleep(millis(1)).await;
    drop(followed);
    drop(view);
    sleep(secs(1)).await;
    assert_eq!(link.calls().open_watches, 0);
}

#[tokio::test(start_paused = true)]
async fn a_check_that_panics_does_not_end_a_service_for_ever() {
    let check = |registration: &Registration| {
        assert_ne!(registration.node.id.as_str(), "b", "a panic of somebody else's");
        Ok(())
    };
    let options = ViewOptions {
        validate: Validate::by(check),
        ..ViewOptions::default()
    };
    let (memory, _link, view) = lab(options);
    register(&memory, "proxy", &["a"]).await;
    let mut followed = view.follow(&name("proxy"));
    followed.ready(secs(2)).await;
    register(&memory, "proxy", &["b"]).await;
    sleep(secs(1)).await;
    memory.deregister(&node("proxy", "b")).await.unwrap();
    register(&memory, "proxy", &["c"]).await;
    sleep(secs(60)).await;
    assert_eq!(followed.load().nodes.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_watch_that_begins_and_tells_nothing_proves_nothing() {
    let (memory, link, view) = lab(ViewOptions::default());
    register(&memory, "proxy", &["a"]).await;
    let mut followed = view.follow(&name("proxy"));
    followed.ready(secs(2)).await;
    for _ in 0..600 {
        link.drop_watches();
        sleep(millis(100)).await;
    }
    assert!(link.calls().watches > 5, "{:?}", link.calls());
    let seen = followed.seen();
    assert!(
        seen.age >= secs(60),
        "{:?} old, and nothing was read since",
        seen.age
    );
    assert_eq!(seen.source, Source::Stale);
    // The first word of a watch proves what is known.
    sleep(secs(60)).await;
    let seen = followed.seen();
    assert!(seen.age <= secs(10), "{:?}", seen.age);
    assert_eq!(seen.source, Source::Watched);
}

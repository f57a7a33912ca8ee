//! Watches.

use std::{collections::BTreeSet, time::Duration};

use tokio::time::timeout;

use super::{
    Adapter,
    examples::{LONG, Mirror, batch, change, labelled, name, node},
};
use crate::{Change, Event, Revision, Scope};

pub(super) async fn run(adapter: &dyn Adapter) {
    nothing_is_lost_between_a_listing_and_a_watch(adapter).await;
    a_watch_tells_its_scope_and_nothing_else(adapter).await;
    a_dropped_wait_loses_nothing(adapter).await;
    a_watch_without_news_says_that_it_is_alive(adapter).await;
    what_is_wiped_is_told_and_heartbeats_bring_it_back(adapter).await;
    a_forgotten_history_is_told(adapter).await;
}

async fn nothing_is_lost_between_a_listing_and_a_watch(adapter: &dyn Adapter) {
    let place = adapter.place().await;
    let registry = place.open().await;
    registry.register(&node("proxy", "a"), LONG).await.unwrap();
    let listing = registry.get(&name("proxy")).await.unwrap();
    registry.register(&node("proxy", "b"), LONG).await.unwrap();
    registry.deregister(&node("proxy", "a")).await.unwrap();
    let changed = labelled(&node("proxy", "b"), "two");
    registry.register(&changed, LONG).await.unwrap();
    let scope = Scope::Service(name("proxy"));
    let mut watch = place.open().await.watch(&scope, listing.revision).await.unwrap();
    let mut events = Vec::new();
    let mut last = listing.revision;
    while events.len() < 3 {
        let (revision, mut more) = batch(&mut watch).await;
        assert!(revision > last, "{revision} after {last}");
        last = revision;
        events.append(&mut more);
    }
    let told: Vec<_> = events
        .iter()
        .map(|event| (event.node().as_str(), matches!(event, Event::Put(_))))
        .collect();
    assert_eq!(told, [("b", true), ("a", false), ("b", true)]);
    let mut mirror = Mirror::of(&listing);
    mirror.apply(events);
    assert_eq!(mirror.nodes.into_values().collect::<Vec<_>>(), [changed]);
    // A watch may begin in the middle, too.
    let mut late = registry.watch(&scope, last).await.unwrap();
    registry.register(&node("proxy", "c"), LONG).await.unwrap();
    for watch in [&mut watch, &mut late] {
        let (_, events) = batch(watch).await;
        assert_eq!(events[0].node().as_str(), "c");
    }
}

async fn a_watch_tells_its_scope_and_nothing_else(adapter: &dyn Adapter) {
    let place = adapter.place().await;
    let registry = place.open().await;
    let start = registry.get(&name("proxy")).await.unwrap().revision;
    let mut one = registry
        .watch(&Scope::Service(name("proxy")), start)
        .await
        .unwrap();
    let mut all = registry.watch(&Scope::All, start).await.unwrap();
    for service in ["proxy-2", "proxy.2", "mirror", "proxy"] {
        registry.register(&node(service, "a"), LONG).await.unwrap();
    }
    let (_, events) = batch(&mut one).await;
    assert_eq!(events[0].service(), &name("proxy"));
    let mut told = BTreeSet::new();
    while told.len() < 4 {
        let (_, events) = batch(&mut all).await;
        told.extend(events.iter().map(|event| event.service().clone()));
    }
}

async fn a_dropped_wait_loses_nothing(adapter: &dyn Adapter) {
    let place = adapter.place().await;
    let registry = place.open().await;
    let start = registry.get(&name("proxy")).await.unwrap().revision;
    let mut watch = registry.watch(&Scope::All, start).await.unwrap();
    let mut told = Vec::new();
    for round in 0..20 {
        let id = format!("n{round}");
        registry.register(&node("proxy", &id), LONG).await.unwrap();
        // The wait is given up in the middle of whatever it does.
        let patience = Duration::from_micros(200 * round);
        while let Ok(next) = timeout(patience, watch.next()).await {
            if let Change::Batch { events, .. } = next.unwrap() {
                told.extend(events.iter().map(|event| event.node().to_string()));
            }
            if patience.is_zero() {
                break;
            }
        }
    }
    while told.len() < 20 {
        let (_, events) = batch(&mut watch).await;
        told.extend(events.iter().map(|event| event.node().to_string()));
    }
    let want: Vec<_> = (0..20).map(|round| format!("n{round}")).collect();
    assert_eq!(told, want);
}

async fn a_watch_without_news_says_that_it_is_alive(adapter: &dyn Adapter) {
    let place = adapter.place().await;
    let registry = place.open().await;
    let start = registry.get(&name("proxy")).await.unwrap().revision;
    let mut watch = registry.watch(&Scope::All, start).await.unwrap();
    let next = timeout(Duration::from_secs(10), watch.next()).await;
    let next = next.expect("a word every ten seconds").unwrap();
    assert!(matches!(next, Change::Bookmark { .. }), "{next:?}");
}

async fn what_is_wiped_is_told_and_heartbeats_bring_it_back(adapter: &dyn Adapter) {
    let place = adapter.place().await;
    let registry = place.open().await;
    let nodes = ["a", "b", "c"].map(|id| node("proxy", id));
    for registration in &nodes {
        registry.register(registration, LONG).await.unwrap();
    }
    let listing = registry.get(&name("proxy")).await.unwrap();
    let mut mirror = Mirror::of(&listing);
    let scope = Scope::Service(name("proxy"));
    let mut watch = registry.watch(&scope, listing.revision).await.unwrap();
    place.wipe().await;
    for registration in &nodes {
        registry.register(registration, LONG).await.unwrap();
    }
    // Either every change is told, or that they cannot be.
    let mut gone = BTreeSet::new();
    while gone.len() < 3 {
        match change(&mut watch).await {
            Change::Batch { events, .. } => {
                let ended = events.iter().filter(|event| matches!(event, Event::Gone { .. }));
                gone.extend(ended.map(|event| event.node().clone()));
                mirror.apply(events);
            }
            Change::Lost { .. } => break,
            Change::Bookmark { .. } => {}
        }
    }
    let listing = registry.get(&name("proxy")).await.unwrap();
    assert_eq!(
        listing.entries.len(),
        3,
        "a heartbeat brings back what somebody deleted"
    );
}

async fn a_forgotten_history_is_told(adapter: &dyn Adapter) {
    let place = adapter.place().await;
    let registry = place.open().await;
    registry.register(&node("proxy", "a"), LONG).await.unwrap();
    let early = registry.get(&name("proxy")).await.unwrap().revision;
    for label in ["one", "two", "three"] {
        registry
            .register(&labelled(&node("proxy", "a"), label), LONG)
            .await
            .unwrap();
    }
    let scope = Scope::Service(name("proxy"));
    if place.forget().await {
        let mut watch = registry.watch(&scope, early).await.unwrap();
        let next = change(&mut watch).await;
        assert!(matches!(next, Change::Lost { .. }), "{next:?}");
    }
    // A revision that the registry has not reached is one of another registry: it was wiped or replaced.
    let far = Revision(early.0 + 1_000_000);
    let mut watch = registry.watch(&scope, far).await.unwrap();
    let next = change(&mut watch).await;
    assert!(matches!(next, Change::Lost { .. }), "{next:?}");
}

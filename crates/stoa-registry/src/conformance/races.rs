//! Many at once.

use tokio::task::JoinSet;

use super::{
    Adapter,
    examples::{LONG, Mirror, labelled, name, node},
};
use crate::{Change, Scope};

/// Nodes that change at the same time.
const NODES: usize = 8;
/// Changes of each of them.
const CHANGES: usize = 25;

pub(super) async fn run(adapter: &dyn Adapter) {
    a_watcher_that_comes_and_goes_ends_with_what_is_there(adapter).await;
}

async fn a_watcher_that_comes_and_goes_ends_with_what_is_there(adapter: &dyn Adapter) {
    let place = adapter.place().await;
    let registry = place.open().await;
    let mut writers = JoinSet::new();
    for number in 0..NODES {
        let registry = place.open().await;
        writers.spawn(async move {
            let first = node("proxy", &format!("n{number}"));
            for change in 0..CHANGES {
                registry
                    .register(&labelled(&first, &change.to_string()), LONG)
                    .await
                    .unwrap();
                if change % 5 == number % 5 {
                    registry.deregister(&first).await.unwrap();
                }
            }
            registry.register(&labelled(&first, "last"), LONG).await.unwrap();
        });
    }
    let scope = Scope::Service(name("proxy"));
    let listing = registry.get(&name("proxy")).await.unwrap();
    let mut mirror = Mirror::of(&listing);
    let mut at = listing.revision;
    let is_last = |mirror: &Mirror| {
        let last = mirror.nodes.values();
        mirror.nodes.len() == NODES
            && last.into_iter().all(|node| {
                node.node
                    .metadata
                    .get("label")
                    .is_some_and(|label| label == "last")
            })
    };
    while !is_last(&mirror) {
        // A new connection after every third change.
        let mut watch = registry.watch(&scope, at).await.unwrap();
        for _ in 0..3 {
            match watch.next().await.unwrap() {
                Change::Batch { revision, events } => {
                    assert!(revision > at, "{revision} after {at}");
                    at = revision;
                    mirror.apply(events);
                }
                Change::Bookmark { revision } => at = at.max(revision),
                Change::Lost { .. } => {
                    let listing = registry.get(&name("proxy")).await.unwrap();
                    mirror = Mirror::of(&listing);
                    at = listing.revision;
                    break;
                }
            }
            if is_last(&mirror) {
                break;
            }
        }
    }
    while let Some(ended) = writers.join_next().await {
        ended.expect("no panic");
    }
    let listing = registry.get(&name("proxy")).await.unwrap();
    assert_eq!(mirror.nodes, Mirror::of(&listing).nodes);
}

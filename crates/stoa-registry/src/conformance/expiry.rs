//! Nodes that are not kept.

use std::time::Duration;

use super::{
    Adapter,
    examples::{batch, elsewhere, name, node, registrations},
};
use crate::{Event, InstanceId, Registration, Scope};

pub(super) async fn run(adapter: &dyn Adapter) {
    a_node_that_is_not_kept_is_gone_in_time_and_watchers_hear_it(adapter).await;
    a_longer_time_to_live_is_taken_over(adapter).await;
}

async fn a_node_that_is_not_kept_is_gone_in_time_and_watchers_hear_it(adapter: &dyn Adapter) {
    let place = adapter.place().await;
    let ttl = place.ttl();
    let (registry, other) = (place.open().await, place.open().await);
    let (dead, alive) = (node("proxy", "dead"), node("proxy", "alive"));
    registry.register(&dead, ttl).await.unwrap();
    other.register(&alive, ttl).await.unwrap();
    let listing = other.get(&name("proxy")).await.unwrap();
    let mut watch = other
        .watch(&Scope::Service(name("proxy")), listing.revision)
        .await
        .unwrap();
    // One of them is kept, for longer than the time to live of the other and a second more.
    let step = ttl / 4;
    for _ in 0..4 {
        place.pass(step).await;
        other.register(&alive, ttl).await.unwrap();
    }
    place.pass(Duration::from_secs(1)).await;
    other.register(&alive, ttl).await.unwrap();
    let listing = other.get(&name("proxy")).await.unwrap();
    assert_eq!(registrations(&listing), std::slice::from_ref(&alive));
    let (_, events) = batch(&mut watch).await;
    let gone = Event::Gone {
        service: name("proxy"),
        node: dead.node.id.clone(),
    };
    assert_eq!(events, [gone], "the heartbeats of the other one are no events");
    // The id is free for anybody now.
    let mut next = Registration {
        instance: InstanceId::from_number(99),
        ..dead
    };
    next.node.address = elsewhere();
    other.register(&next, ttl).await.unwrap();
}

async fn a_longer_time_to_live_is_taken_over(adapter: &dyn Adapter) {
    let place = adapter.place().await;
    let ttl = place.ttl();
    let registry = place.open().await;
    let first = node("proxy", "a");
    registry.register(&first, ttl).await.unwrap();
    registry.register(&first, ttl * 4).await.unwrap();
    place.pass(ttl + Duration::from_secs(1)).await;
    let listing = registry.get(&name("proxy")).await.unwrap();
    assert_eq!(registrations(&listing), [first]);
}

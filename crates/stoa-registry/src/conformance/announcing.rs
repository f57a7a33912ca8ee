//! Announcing, keeping, changing and leaving.

use super::{
    Adapter,
    examples::{LONG, elsewhere, labelled, name, node, registrations},
};
use crate::{Announcing, Endpoint, InstanceId, Node, NodeState, Registration, RegistryError, Value};

pub(super) async fn run(adapter: &dyn Adapter) {
    what_is_announced_is_told_as_it_was(adapter).await;
    names_that_begin_alike_are_not_mixed(adapter).await;
    who_leaves_is_gone_and_nobody_else(adapter).await;
    a_heartbeat_changes_nothing_and_a_change_is_seen(adapter).await;
    an_id_that_is_alive_elsewhere_is_taken(adapter).await;
    a_process_follows_another_at_its_address(adapter).await;
    what_is_too_large_is_refused_and_what_cannot_be_read_is_left_out(adapter).await;
}

async fn what_is_announced_is_told_as_it_was(adapter: &dyn Adapter) {
    let place = adapter.place().await;
    let registry = place.open().await;
    assert_eq!(registry.abilities().announcing, Announcing::Announced);
    assert_eq!(registry.get(&name("unknown")).await.unwrap().entries, []);
    assert_eq!(registry.list().await.unwrap(), []);
    let field = Value {
        name: "Id".to_owned(),
        kind: "string".to_owned(),
        values: Vec::new(),
    };
    let full = Registration {
        version: "1.2.3+with \"quotes\" and ünïcode".to_owned(),
        metadata: [("zone".to_owned(), "eu/west 1".to_owned())].into(),
        endpoints: vec![Endpoint {
            name: "Proxy.Get".to_owned(),
            request: Some(Value {
                name: "Request".to_owned(),
                kind: "Request".to_owned(),
                values: vec![field],
            }),
            response: None,
            metadata: [("method".to_owned(), "GET".to_owned())].into(),
        }],
        node: Node {
            metadata: [
                ("weight".to_owned(), "3".to_owned()),
                (String::new(), "\n\0".to_owned()),
            ]
            .into(),
            ..node("proxy", "b").node
        },
        state: NodeState::Draining,
        ..node("proxy", "b")
    };
    let plain = node("proxy", "a");
    for registration in [&full, &plain] {
        registry.register(registration, LONG).await.unwrap();
    }
    let other = place.open().await;
    let listing = other.get(&name("proxy")).await.unwrap();
    assert_eq!(
        registrations(&listing),
        [plain, full],
        "sorted by id, every field as it was"
    );
    assert_eq!(other.list().await.unwrap(), [name("proxy")]);
}

async fn names_that_begin_alike_are_not_mixed(adapter: &dyn Adapter) {
    let place = adapter.place().await;
    let registry = place.open().await;
    let pairs = [
        ("a", "b-c"),
        ("a-b", "c"),
        ("a.b", "c"),
        ("ab", "c"),
        ("a:b", "10.0.0.5:3000"),
    ];
    for (service, id) in pairs {
        registry.register(&node(service, id), LONG).await.unwrap();
    }
    for (service, id) in pairs {
        let listing = registry.get(&name(service)).await.unwrap();
        assert_eq!(registrations(&listing), [node(service, id)], "{service}");
    }
    let mut names = pairs.map(|(service, _)| name(service));
    names.sort();
    assert_eq!(registry.list().await.unwrap(), names);
}

async fn who_leaves_is_gone_and_nobody_else(adapter: &dyn Adapter) {
    let place = adapter.place().await;
    let registry = place.open().await;
    let (first, second) = (node("proxy", "a"), node("proxy", "b"));
    for registration in [&first, &second] {
        registry.register(registration, LONG).await.unwrap();
    }
    let earlier = Registration {
        instance: InstanceId::from_number(1),
        ..first.clone()
    };
    registry.deregister(&earlier).await.unwrap();
    let listing = registry.get(&name("proxy")).await.unwrap();
    assert_eq!(
        listing.entries.len(),
        2,
        "an earlier life of a node does not take the present one out"
    );
    registry.deregister(&first).await.unwrap();
    registry.deregister(&first).await.unwrap();
    let listing = registry.get(&name("proxy")).await.unwrap();
    assert_eq!(registrations(&listing), std::slice::from_ref(&second));
    registry.deregister(&second).await.unwrap();
    assert_eq!(registry.list().await.unwrap(), []);
    registry.register(&first, LONG).await.unwrap();
    assert_eq!(
        registry.list().await.unwrap(),
        [name("proxy")],
        "who left may come again"
    );
}

async fn a_heartbeat_changes_nothing_and_a_change_is_seen(adapter: &dyn Adapter) {
    let place = adapter.place().await;
    let registry = place.open().await;
    let first = node("proxy", "a");
    registry.register(&first, LONG).await.unwrap();
    let before = registry.get(&name("proxy")).await.unwrap();
    registry.register(&first, LONG).await.unwrap();
    assert_eq!(
        registry.get(&name("proxy")).await.unwrap(),
        before,
        "the revision too"
    );
    let changed = labelled(&first, "two");
    registry.register(&changed, LONG).await.unwrap();
    let after = registry.get(&name("proxy")).await.unwrap();
    assert_eq!(registrations(&after), [changed]);
    assert!(after.revision > before.revision);
}

async fn an_id_that_is_alive_elsewhere_is_taken(adapter: &dyn Adapter) {
    let place = adapter.place().await;
    let (registry, other) = (place.open().await, place.open().await);
    let first = node("proxy", "a");
    registry.register(&first, LONG).await.unwrap();
    let mut second = Registration {
        instance: InstanceId::from_number(99),
        ..first.clone()
    };
    second.node.address = elsewhere();
    let refused = other.register(&second, LONG).await;
    assert!(
        matches!(&refused, Err(RegistryError::Taken { .. })),
        "{refused:?}"
    );
    let text = refused.unwrap_err().to_string();
    for address in [&first.node.address, &second.node.address] {
        assert!(
            text.contains(address.as_str()),
            "both addresses are named: {text}"
        );
    }
    let listing = other.get(&name("proxy")).await.unwrap();
    assert_eq!(
        registrations(&listing),
        std::slice::from_ref(&first),
        "the first one is untouched"
    );
    registry.deregister(&first).await.unwrap();
    other.register(&second, LONG).await.unwrap();
    let refused = registry.register(&first, LONG).await;
    assert!(matches!(refused, Err(RegistryError::Taken { .. })), "{refused:?}");
}

async fn a_process_follows_another_at_its_address(adapter: &dyn Adapter) {
    let place = adapter.place().await;
    let (registry, other) = (place.open().await, place.open().await);
    let first = node("proxy", "a");
    registry.register(&first, LONG).await.unwrap();
    let restarted = Registration {
        instance: InstanceId::from_number(99),
        ..first.clone()
    };
    other.register(&restarted, LONG).await.unwrap();
    registry.deregister(&first).await.unwrap();
    let listing = registry.get(&name("proxy")).await.unwrap();
    assert_eq!(registrations(&listing), [restarted]);
    // One that says that it leaves makes room wherever the next one is.
    let leaving = Registration {
        state: NodeState::Leaving,
        ..node("proxy", "b")
    };
    registry.register(&leaving, LONG).await.unwrap();
    let mut moved = Registration {
        instance: InstanceId::from_number(98),
        ..node("proxy", "b")
    };
    moved.node.address = elsewhere();
    other.register(&moved, LONG).await.unwrap();
}

async fn what_is_too_large_is_refused_and_what_cannot_be_read_is_left_out(adapter: &dyn Adapter) {
    let place = adapter.place().await;
    let registry = place.open().await;
    let good = node("proxy", "a");
    registry.register(&good, LONG).await.unwrap();
    let large = labelled(&node("proxy", "b"), &"x".repeat(Registration::MAX_BYTES));
    let refused = registry.register(&large, LONG).await;
    assert!(
        matches!(refused, Err(RegistryError::Invalid { .. })),
        "{refused:?}"
    );
    for text in [
        "",
        "{",
        "null",
        r#"{"service":"proxy","node":{"id":"../b","address":""}}"#,
    ] {
        place.plant(&name("proxy"), text).await;
    }
    let listing = registry.get(&name("proxy")).await.unwrap();
    assert_eq!(registrations(&listing), [good]);
}

//! Changes as etcd tells them, one batch a revision.

use super::{
    keys::{Found, Keys},
    wire::WatchEvent,
};
use crate::{Change, Entry, Event, Revision};

/// The batches of one message of etcd. It may hold several revisions, each of them whole.
///
/// What is not a node is left out. A registration that is overwritten with what cannot be read is gone.
pub(super) fn batches(keys: &Keys, events: Vec<WatchEvent>) -> Vec<Change> {
    let mut batches: Vec<(u64, Vec<Event>)> = Vec::new();
    for event in events {
        let revision = event.kv.mod_revision.revision();
        let Some(event) = read(keys, &event) else {
            continue;
        };
        match batches.last_mut() {
            Some((last, events)) if *last == revision => events.push(event),
            _ => batches.push((revision, vec![event])),
        }
    }
    let change = |(revision, events)| Change::Batch {
        revision: Revision(revision),
        events,
    };
    batches.into_iter().map(change).collect()
}

fn read(keys: &Keys, event: &WatchEvent) -> Option<Event> {
    if event.kind == "DELETE" {
        let (service, node) = keys.parse(&event.kv.key)?;
        return Some(Event::Gone { service, node });
    }
    match keys.read(&event.kv) {
        Found::Node(registration) => Some(Event::Put(Entry::new(*registration))),
        Found::Unreadable(service, node) => Some(Event::Gone { service, node }),
        Found::Stranger => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        InstanceId, Registration,
        etcd::{number::Number, wire::KeyValue},
    };

    fn event(revision: i64, key: &str, value: Option<&str>) -> WatchEvent {
        WatchEvent {
            kind: value.map_or("DELETE", |_| "").to_owned(),
            kv: KeyValue {
                key: key.into(),
                value: value.unwrap_or_default().into(),
                mod_revision: Number(revision),
                ..KeyValue::default()
            },
        }
    }

    #[test]
    fn a_revision_is_one_batch_and_what_is_no_node_is_left_out() {
        let keys = Keys::new("/p/".to_owned());
        let node = Registration::new(
            "s".parse().unwrap(),
            "a".parse().unwrap(),
            "http://a",
            InstanceId::from_number(1),
        );
        let json = node.to_json().unwrap();
        let told = batches(
            &keys,
            vec![
                event(3, "/p/s/a", Some(&json)),
                event(3, "/p/s/b", None),
                event(4, "/p/strange", Some("x")),
                event(5, "/p/s/a", Some("{")),
                event(6, "/p/s/c", Some(&json)),
                event(6, "/p/s/a", Some(&json)),
            ],
        );
        let gone = |id: &str| Event::Gone {
            service: node.service.clone(),
            node: id.parse().unwrap(),
        };
        let put = || Event::Put(Entry::new(node.clone()));
        let batch = |revision, events| Change::Batch {
            revision: Revision(revision),
            events,
        };
        assert_eq!(
            told,
            [
                batch(3, vec![put(), gone("b")]),
                batch(5, vec![gone("a")]),
                batch(6, vec![gone("c"), put()]),
            ]
        );
    }
}

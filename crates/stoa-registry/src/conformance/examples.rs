//! Registrations to try with, and what is read of changes.

use std::{collections::BTreeMap, time::Duration};

use tokio::time::timeout;

use crate::{Change, Event, InstanceId, Listing, NodeId, Registration, Revision, ServiceName, Watch};

/// Long enough to stay for a whole check.
pub(super) const LONG: Duration = Duration::from_secs(300);
/// How long something is waited for that must come.
const PATIENCE: Duration = Duration::from_secs(30);

pub(super) fn name(service: &str) -> ServiceName {
    service.parse().expect("a name")
}

/// A node of `service` at an address of its own.
pub(super) fn node(service: &str, id: &str) -> Registration {
    let id: NodeId = id.parse().expect("a name");
    let address = format!("http://{id}.test:3000");
    let number = id
        .as_str()
        .bytes()
        .fold(7, |sum: u128, byte| sum * 31 + u128::from(byte));
    Registration::new(name(service), id, address, InstanceId::from_number(number))
}

/// An address that no example has.
pub(super) fn elsewhere() -> String {
    "http://elsewhere.test:3000".to_owned()
}

/// The same process, which says something else of itself.
pub(super) fn labelled(registration: &Registration, label: &str) -> Registration {
    let mut changed = registration.clone();
    changed.node.metadata.insert("label".to_owned(), label.to_owned());
    changed
}

pub(super) fn registrations(listing: &Listing) -> Vec<Registration> {
    let entries = listing.entries.iter();
    entries.map(|entry| entry.registration.clone()).collect()
}

/// The next batch; bookmarks are passed over.
pub(super) async fn batch(watch: &mut Box<dyn Watch>) -> (Revision, Vec<Event>) {
    match change(watch).await {
        Change::Batch { revision, events } => (revision, events),
        other => panic!("a batch is expected, not {other:?}"),
    }
}

/// The next change; bookmarks are passed over.
pub(super) async fn change(watch: &mut Box<dyn Watch>) -> Change {
    let next = async {
        loop {
            match watch.next().await.expect("the registry is there") {
                Change::Bookmark { .. } => {}
                change => return change,
            }
        }
    };
    timeout(PATIENCE, next).await.expect("a change in time")
}

/// What a watcher believes to be there.
#[derive(Debug, Default)]
pub(super) struct Mirror {
    pub(super) nodes: BTreeMap<NodeId, Registration>,
}

impl Mirror {
    pub(super) fn of(listing: &Listing) -> Self {
        let entries = registrations(listing).into_iter();
        Self {
            nodes: entries.map(|entry| (entry.node.id.clone(), entry)).collect(),
        }
    }

    pub(super) fn apply(&mut self, events: Vec<Event>) {
        for event in events {
            match event {
                Event::Put(entry) => {
                    let id = entry.registration.node.id.clone();
                    self.nodes.insert(id, entry.registration);
                }
                Event::Gone { node, .. } => {
                    self.nodes.remove(&node);
                }
            }
        }
    }
}

//! A registry in memory: for one process, and for tests of several.

use std::{
    collections::{BTreeMap, VecDeque},
    fmt,
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use parking_lot::Mutex;
use tokio::{
    sync::watch,
    time::{Instant, sleep_until},
};

use crate::{
    Abilities, Announcing, Change, Entry, Event, Listing, NodeId, Registration, Registry, RegistryError,
    Revision, Scope, ServiceName, Watch, Watching,
};

/// How many batches are kept for watches that are behind.
const KEPT_BATCHES: usize = 1_024;
/// A watch that has nothing to tell says so after this time.
const BOOKMARK_AFTER: Duration = Duration::from_secs(5);

/// A registry in memory. Clones are of the same one. It tells the time by tokio's clock, which a test can pause.
#[derive(Clone, Default)]
pub struct MemoryRegistry {
    shared: Arc<Shared>,
}

struct Shared {
    state: Mutex<State>,
    revision: watch::Sender<u64>,
}

#[derive(Default)]
struct State {
    revision: u64,
    nodes: BTreeMap<(ServiceName, NodeId), Kept>,
    batches: VecDeque<(u64, Vec<Event>)>,
    /// The revision up to which batches are forgotten.
    forgotten: u64,
}

struct Kept {
    registration: Registration,
    until: Instant,
}

impl Default for Shared {
    fn default() -> Self {
        Self {
            state: Mutex::default(),
            revision: watch::Sender::new(0),
        }
    }
}

impl State {
    /// Ends what has not been kept, all of it as one change.
    fn sweep(&mut self, now: Instant) {
        let gone: Vec<_> = self
            .nodes
            .extract_if(.., |_, kept| kept.until <= now)
            .map(|((service, node), _)| Event::Gone { service, node })
            .collect();
        self.tell(gone);
    }

    fn tell(&mut self, events: Vec<Event>) {
        if events.is_empty() {
            return;
        }
        self.revision += 1;
        self.batches.push_back((self.revision, events));
        if self.batches.len() > KEPT_BATCHES {
            self.forgotten = self
                .batches
                .pop_front()
                .map_or(self.forgotten, |(revision, _)| revision);
        }
    }

    fn put(&mut self, registration: &Registration, until: Instant) -> Result<Option<Event>, RegistryError> {
        let key = (registration.service.clone(), registration.node.id.clone());
        let kept = self.nodes.get_mut(&key);
        match kept {
            Some(kept) if !kept.registration.yields_to(registration) => {
                Err(kept.registration.is_in_the_way_of(registration))
            }
            Some(kept) if kept.registration == *registration => {
                kept.until = until;
                Ok(None)
            }
            _ => {
                let registration = registration.clone();
                self.nodes.insert(
                    key,
                    Kept {
                        registration: registration.clone(),
                        until,
                    },
                );
                Ok(Some(Event::Put(Entry::new(registration))))
            }
        }
    }

    fn next_end(&self) -> Option<Instant> {
        self.nodes.values().map(|kept| kept.until).min()
    }
}

impl MemoryRegistry {
    /// An empty one.
    pub fn new() -> Self {
        Self::default()
    }

    fn change<T>(&self, work: impl FnOnce(&mut State) -> T) -> T {
        let mut state = self.shared.state.lock();
        state.sweep(Instant::now());
        let result = work(&mut state);
        let revision = state.revision;
        drop(state);
        self.shared.revision.send_if_modified(|told| {
            let is_more = *told < revision;
            *told = (*told).max(revision);
            is_more
        });
        result
    }

    /// Announces several nodes as one change.
    ///
    /// # Errors
    ///
    /// As [`Registry::register`], for the first that cannot be; those before it stay.
    pub fn register_all(&self, registrations: &[Registration], ttl: Duration) -> Result<(), RegistryError> {
        for registration in registrations {
            registration.to_json()?;
        }
        let until = Instant::now() + ttl;
        self.change(|state| {
            let mut events = Vec::new();
            let mut result = Ok(());
            for registration in registrations {
                match state.put(registration, until) {
                    Ok(event) => events.extend(event),
                    Err(error) => {
                        result = Err(error);
                        break;
                    }
                }
            }
            state.tell(events);
            result
        })
    }

    /// Deletes every node as one change, as somebody would who deletes the keys of a registry.
    pub fn wipe(&self) {
        self.change(|state| {
            let gone = std::mem::take(&mut state.nodes).into_keys();
            let events = gone
                .map(|(service, node)| Event::Gone { service, node })
                .collect();
            state.tell(events);
        });
    }

    /// Forgets what has changed, so that watches that are behind are lost.
    pub fn forget(&self) {
        self.change(|state| {
            state.batches.clear();
            state.forgotten = state.revision;
        });
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Registry for MemoryRegistry {
    async fn register(&self, registration: &Registration, ttl: Duration) -> Result<(), RegistryError> {
        self.register_all(std::slice::from_ref(registration), ttl)
    }

    async fn deregister(&self, registration: &Registration) -> Result<(), RegistryError> {
        self.change(|state| {
            let key = (registration.service.clone(), registration.node.id.clone());
            let is_ours = state
                .nodes
                .get(&key)
                .is_some_and(|kept| kept.registration.instance == registration.instance);
            if is_ours && state.nodes.remove(&key).is_some() {
                let (service, node) = key;
                state.tell(vec![Event::Gone { service, node }]);
            }
        });
        Ok(())
    }

    async fn get(&self, service: &ServiceName) -> Result<Listing, RegistryError> {
        Ok(self.change(|state| Listing {
            entries: state
                .nodes
                .iter()
                .filter(|((name, _), _)| name == service)
                .map(|(_, kept)| Entry::new(kept.registration.clone()))
                .collect(),
            revision: Revision(state.revision),
        }))
    }

    async fn list(&self) -> Result<Vec<ServiceName>, RegistryError> {
        let mut names: Vec<_> =
            self.change(|state| state.nodes.keys().map(|(service, _)| service.clone()).collect());
        names.dedup();
        Ok(names)
    }

    async fn watch(&self, scope: &Scope, from: Revision) -> Result<Box<dyn Watch>, RegistryError> {
        Ok(Box::new(MemoryWatch {
            revision: self.shared.revision.subscribe(),
            registry: self.clone(),
            scope: scope.clone(),
            at: from.0,
        }))
    }

    fn abilities(&self) -> Abilities {
        Abilities {
            announcing: Announcing::Announced,
            watching: Watching::All,
        }
    }
}

impl fmt::Display for MemoryRegistry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the registry in memory")
    }
}

impl fmt::Debug for MemoryRegistry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.shared.state.lock();
        f.debug_struct("MemoryRegistry")
            .field("revision", &state.revision)
            .field("nodes", &state.nodes.len())
            .finish_non_exhaustive()
    }
}

#[derive(Debug)]
struct MemoryWatch {
    registry: MemoryRegistry,
    revision: watch::Receiver<u64>,
    scope: Scope,
    at: u64,
}

impl MemoryWatch {
    /// What is to be told now, or when the next node ends if nobody keeps it.
    fn look(&mut self) -> Result<Change, Option<Instant>> {
        self.revision.mark_unchanged();
        let (scope, at) = (&self.scope, self.at);
        let found = self.registry.change(|state| {
            if at < state.forgotten || at > state.revision {
                let reason = format!("revision {at} is not known any more");
                return Ok(Change::Lost { reason });
            }
            let later = state.batches.iter().filter(|(revision, _)| *revision > at);
            let mut told = later.filter_map(|(revision, events)| {
                let events: Vec<_> = events
                    .iter()
                    .filter(|event| scope.covers(event.service()))
                    .cloned()
                    .collect();
                (!events.is_empty()).then_some((*revision, events))
            });
            match told.next() {
                Some((revision, events)) => Ok(Change::Batch {
                    revision: Revision(revision),
                    events,
                }),
                None => Err((state.revision, state.next_end())),
            }
        });
        match found {
            Ok(change) => {
                if let Change::Batch { revision, .. } = &change {
                    self.at = revision.0;
                }
                Ok(change)
            }
            Err((revision, next_end)) => {
                self.at = revision;
                Err(next_end)
            }
        }
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Watch for MemoryWatch {
    async fn next(&mut self) -> Result<Change, RegistryError> {
        let bookmark_at = Instant::now() + BOOKMARK_AFTER;
        loop {
            let next_end = match self.look() {
                Ok(change) => return Ok(change),
                Err(next_end) => next_end,
            };
            let until = next_end.map_or(bookmark_at, |end| end.min(bookmark_at));
            tokio::select! {
                // The sender lives in the registry that this watch holds.
                _ = self.revision.changed() => {}
                () = sleep_until(until) => {
                    if until == bookmark_at {
                        return Ok(Change::Bookmark { revision: Revision(self.at) });
                    }
                }
            }
        }
    }
}

//! The nodes of one service, as they come and go.

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use tokio::time::Instant;

use crate::{
    Entry, Event, Listing, NodeId, NodeState, Registration, Revision, SeenNode, ServiceName, Snapshot,
    Standing, Validate,
};

/// As long as anything can be reckoned with.
const EVER: Duration = Duration::from_secs(100 * 365 * 24 * 3600);

/// The nodes of one service: a function of what the registry tells and of the time, without any waiting.
#[derive(Debug)]
pub(crate) struct Roster {
    service: ServiceName,
    nodes: BTreeMap<NodeId, Held>,
    revision: Revision,
    /// Those that vanished lately, without a word.
    vanished: VecDeque<(Instant, Registration)>,
    rules: RosterRules,
    counts: RosterCounts,
}

/// When those who vanish are not believed to be gone.
#[derive(Clone, Debug)]
pub(crate) struct RosterRules {
    pub(crate) guard_window: Duration,
    pub(crate) grace: Duration,
    pub(crate) validate: Validate,
}

/// What has happened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct RosterCounts {
    pub(crate) put: u64,
    pub(crate) gone: u64,
    pub(crate) rejected: u64,
    pub(crate) suspected: u64,
}

#[derive(Debug)]
struct Held {
    registration: Registration,
    /// When it is gone if nothing more is heard of it.
    expires: Option<Instant>,
    /// Until when its end is not believed.
    suspect_until: Option<Instant>,
}

/// The time after another, however long that is.
fn later(at: Instant, by: Duration) -> Instant {
    at.checked_add(by.min(EVER)).unwrap_or(at)
}

impl Roster {
    pub(crate) fn new(service: ServiceName, rules: RosterRules) -> Self {
        Self {
            service,
            nodes: BTreeMap::new(),
            revision: Revision::default(),
            vanished: VecDeque::new(),
            rules,
            counts: RosterCounts::default(),
        }
    }

    /// Begins with what was known before.
    pub(crate) fn remember(&mut self, registrations: Vec<Registration>) {
        for registration in registrations {
            if registration.service == self.service && self.rules.validate.check(&registration).is_ok() {
                self.put(Entry::new(registration), Instant::now());
            }
        }
    }

    pub(crate) fn revision(&self) -> Revision {
        self.revision
    }

    pub(crate) fn counts(&self) -> RosterCounts {
        self.counts
    }

    /// Everything that is there, read once more because what came in between is not known: the registry may have been emptied,
    /// and nodes come back to it one by one. So who is missing has a time to live to do so.
    pub(crate) fn replace_lost(&mut self, listing: Listing, now: Instant) {
        if self.rules.grace.is_zero() {
            self.replace(listing, now);
            return;
        }
        let until = later(now, self.rules.guard_window.min(self.rules.grace));
        let there = |id: &NodeId| {
            listing
                .entries
                .iter()
                .any(|entry| entry.registration.node.id == *id)
        };
        for (id, held) in &mut self.nodes {
            let is_silent = held.suspect_until.is_none() && held.registration.state != NodeState::Leaving;
            if is_silent && !there(id) {
                held.suspect_until = Some(until);
                self.counts.suspected += 1;
            }
        }
        self.replace(listing, now);
    }

    /// Everything that is there. Who is missing has vanished.
    pub(crate) fn replace(&mut self, listing: Listing, now: Instant) {
        let there: Vec<_> = listing
            .entries
            .iter()
            .map(|entry| entry.registration.node.id.clone())
            .collect();
        let missing: Vec<_> = self
            .nodes
            .iter()
            .filter(|(id, held)| held.suspect_until.is_none() && there.binary_search(id).is_err())
            .map(|(id, _)| id.clone())
            .collect();
        for entry in listing.entries {
            self.put(entry, now);
        }
        self.vanish(missing, now);
        self.revision = listing.revision;
    }

    /// Everything that changed at one revision.
    pub(crate) fn apply(&mut self, revision: Revision, events: Vec<Event>, now: Instant) {
        let mut gone = Vec::new();
        for event in events {
            match event {
                Event::Put(entry) if entry.registration.service == self.service => {
                    gone.retain(|id| *id != entry.registration.node.id);
                    self.put(entry, now);
                }
                Event::Gone { service, node } if service == self.service => gone.push(node),
                Event::Put(_) | Event::Gone { .. } => {}
            }
        }
        self.vanish(gone, now);
        self.revision = revision;
    }

    /// The registry says that nothing has changed.
    pub(crate) fn pass(&mut self, revision: Revision) {
        self.revision = self.revision.max(revision);
    }

    fn put(&mut self, entry: Entry, now: Instant) {
        let Entry {
            registration,
            expires,
        } = entry;
        if let Err(reason) = self.rules.validate.check(&registration) {
            self.counts.rejected += 1;
            tracing::warn!(service = %self.service, node = %registration.node.id, %reason, "a registration is refused; what was known of the node stays");
            return;
        }
        self.counts.put += 1;
        let id = registration.node.id.clone();
        self.vanished.retain(|(_, gone)| gone.node.id != id);
        let held = Held {
            registration,
            expires: expires.map(|after| later(now, after)),
            suspect_until: None,
        };
        self.nodes.insert(id, held);
    }

    /// These have gone. If they are too many, and have not said so, they are not believed to be.
    fn vanish(&mut self, gone: Vec<NodeId>, now: Instant) {
        if self.rules.grace.is_zero() {
            // Somebody has written them out: it is true, and nothing is said of it.
            for id in gone {
                self.counts.gone += u64::from(self.nodes.remove(&id).is_some());
            }
            return;
        }
        let window = self.rules.guard_window;
        self.vanished.retain(|(at, _)| later(*at, window) > now);
        let mut silent = Vec::new();
        for id in gone {
            let Some(held) = self.nodes.remove(&id) else {
                continue;
            };
            self.counts.gone += 1;
            if held.registration.state != NodeState::Leaving {
                silent.push(held.registration);
            }
        }
        if silent.is_empty() {
            return;
        }
        self.vanished
            .extend(silent.into_iter().map(|registration| (now, registration)));
        let vanished = self.vanished.len();
        let live = self
            .nodes
            .values()
            .filter(|held| held.suspect_until.is_none())
            .count();
        let suspects = self.nodes.len() - live;
        if vanished + suspects < 2 || (vanished + suspects) * 2 <= vanished + suspects + live {
            return;
        }
        tracing::warn!(service = %self.service, vanished, live, grace = ?self.rules.grace, "more than half of the nodes have vanished at once; they are kept for a while");
        for (_, registration) in std::mem::take(&mut self.vanished) {
            self.counts.suspected += 1;
            let held = Held {
                expires: None,
                suspect_until: Some(later(now, self.rules.grace)),
                registration,
            };
            self.nodes.insert(held.registration.node.id.clone(), held);
        }
    }

    /// Ends what has run out.
    pub(crate) fn tick(&mut self, now: Instant) {
        let over = |at: Option<Instant>| at.is_some_and(|at| at <= now);
        let expired: Vec<_> = self
            .nodes
            .iter()
            .filter(|(_, held)| over(held.expires))
            .map(|(id, _)| id.clone())
            .collect();
        self.vanish(expired, now);
        self.nodes.retain(|_, held| !over(held.suspect_until));
    }

    /// The registry was away for this long, and nobody could be heard of: what would have run out gets that time back, and
    /// suspects are given a whole grace.
    pub(crate) fn resume(&mut self, away: Duration, now: Instant) {
        for held in self.nodes.values_mut() {
            held.expires = held.expires.map(|at| later(at, away));
            if held.suspect_until.is_some() {
                held.suspect_until = Some(later(now, self.rules.grace));
            }
        }
        for (at, _) in &mut self.vanished {
            *at = later(*at, away);
        }
    }

    /// When something runs out next.
    pub(crate) fn next_tick(&self) -> Option<Instant> {
        let ends = self
            .nodes
            .values()
            .flat_map(|held| [held.expires, held.suspect_until]);
        ends.flatten().min()
    }

    /// What is known now.
    pub(crate) fn snapshot(&self) -> Snapshot {
        let seen = |held: &Held| SeenNode {
            registration: held.registration.clone(),
            standing: if held.suspect_until.is_some() {
                Standing::Suspect
            } else {
                Standing::Live
            },
        };
        Snapshot {
            service: self.service.clone(),
            nodes: self.nodes.values().map(seen).collect(),
            revision: self.revision,
        }
    }
}

#[cfg(test)]
mod tests;

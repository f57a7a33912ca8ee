//! The aggregations, and the indexes that find them and their jobs.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    ops::Bound,
};

use crate::{AggregationKey, Kind, Place, Priority, Standing, Timestamp};

/// The aggregations with their queues.
#[derive(Default)]
pub(super) struct Lanes {
    standings: BTreeMap<AggregationKey, Standing>,
    queues: HashMap<AggregationKey, BTreeSet<(Priority, i64, u64)>>,
    kinds: HashMap<Kind, OfKind>,
    idle: BTreeSet<(Timestamp, AggregationKey)>,
}

/// What there is of one kind.
#[derive(Default)]
struct OfKind {
    open: BTreeSet<(i64, AggregationKey)>,
    held: BTreeSet<(Timestamp, AggregationKey)>,
    due: BTreeSet<(Timestamp, u64)>,
    tide: i64,
}

impl Lanes {
    pub(super) fn standing(&self, key: &AggregationKey) -> Option<&Standing> {
        self.standings.get(key)
    }

    pub(super) fn keys_after(&self, after: Option<&AggregationKey>) -> impl Iterator<Item = &AggregationKey> {
        let start = after.map_or(Bound::Unbounded, Bound::Excluded);
        self.standings
            .range((start, Bound::Unbounded))
            .map(|(key, _)| key)
    }

    pub(super) fn set(&mut self, key: &AggregationKey, standing: Option<&Standing>) {
        let kind = self.kinds.entry(key.kind().clone()).or_default();
        if let Some(old) = self.standings.remove(key) {
            kind.open.remove(&(old.pass, key.clone()));
            if let Some(until) = old.held_until {
                kind.held.remove(&(until, key.clone()));
            }
            if let Some(from) = old.idle_from() {
                self.idle.remove(&(from, key.clone()));
            }
        }
        if let Some(standing) = standing {
            if standing.is_open() {
                kind.open.insert((standing.pass, key.clone()));
            }
            kind.held
                .extend(standing.held_until.map(|until| (until, key.clone())));
            self.idle
                .extend(standing.idle_from().map(|from| (from, key.clone())));
            self.standings.insert(key.clone(), standing.clone());
        }
    }

    pub(super) fn enter(&mut self, place: &Place<'_>, number: u64) {
        if let Some((key, priority, turn)) = place.ready {
            self.queues
                .entry(key.clone())
                .or_default()
                .insert((priority, turn, number));
        }
        if let Some((key, due)) = place.due {
            self.kinds
                .entry(key.kind().clone())
                .or_default()
                .due
                .insert((due, number));
        }
    }

    pub(super) fn leave(&mut self, place: &Place<'_>, number: u64) {
        if let Some((key, priority, turn)) = place.ready
            && let Some(queue) = self.queues.get_mut(key)
        {
            queue.remove(&(priority, turn, number));
            if queue.is_empty() {
                self.queues.remove(key);
            }
        }
        if let Some((key, due)) = place.due
            && let Some(kind) = self.kinds.get_mut(key.kind())
        {
            kind.due.remove(&(due, number));
        }
    }

    /// The numbers of the ready jobs of an aggregation, as they start.
    pub(super) fn ready_numbers(&self, key: &AggregationKey) -> impl Iterator<Item = u64> {
        self.queues
            .get(key)
            .into_iter()
            .flatten()
            .map(|(_, _, number)| *number)
    }

    pub(super) fn tide(&self, kind: &Kind) -> i64 {
        self.kinds.get(kind).map_or(0, |kind| kind.tide)
    }

    pub(super) fn set_tide(&mut self, kind: &Kind, tide: i64) {
        self.kinds.entry(kind.clone()).or_default().tide = tide;
    }

    pub(super) fn first_open(&self, kind: &Kind) -> Option<(AggregationKey, i64)> {
        self.kinds
            .get(kind)?
            .open
            .first()
            .map(|(pass, key)| (key.clone(), *pass))
    }

    pub(super) fn due(&self, kind: &Kind, now: Timestamp) -> impl Iterator<Item = u64> {
        let due = self
            .kinds
            .get(kind)
            .map(|kind| kind.due.range(..=(now, u64::MAX)));
        due.into_iter().flatten().map(|(_, number)| *number)
    }

    pub(super) fn first_due(&self, kind: &Kind) -> Option<Timestamp> {
        self.kinds.get(kind)?.due.first().map(|(due, _)| *due)
    }

    pub(super) fn held(&self, kind: &Kind, now: Timestamp) -> impl Iterator<Item = AggregationKey> {
        let held = self.kinds.get(kind).into_iter().flat_map(|kind| &kind.held);
        held.take_while(move |(until, _)| *until <= now)
            .map(|(_, key)| key.clone())
    }

    pub(super) fn first_held(&self, kind: &Kind) -> Option<Timestamp> {
        self.kinds.get(kind)?.held.first().map(|(until, _)| *until)
    }

    pub(super) fn idle(&self, now: Timestamp) -> impl Iterator<Item = AggregationKey> {
        self.idle
            .iter()
            .take_while(move |(from, _)| *from <= now)
            .map(|(_, key)| key.clone())
    }
}

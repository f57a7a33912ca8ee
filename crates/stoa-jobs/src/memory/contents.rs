//! The tables.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, VecDeque},
    ops::Bound,
    sync::Arc,
};

use serde_json::Value;

use super::lanes::Lanes;
use crate::{
    Aggregation, AggregationKey, Counts, Cursor, Event, EventId, Fingerprint, Job, JobId, JobPage, JobQuery,
    Kind, Ledger, Moment, Record, Rules, Standing, StateName, StoreError, Timestamp,
};

/// How many events are kept.
const MAX_EVENTS: usize = 10_000;

/// All jobs, and the indexes that find them.
pub(super) struct Contents {
    rules: Rules,
    records: HashMap<JobId, Record>,
    numbers: BTreeMap<u64, JobId>,
    live: HashMap<Fingerprint, JobId>,
    lease_ends: BTreeSet<(Timestamp, u64)>,
    deadlines: BTreeSet<(Timestamp, u64)>,
    removals: BTreeSet<(Timestamp, u64)>,
    lanes: Lanes,
    counts: Counts,
    events: VecDeque<Event>,
    last_event: u64,
    last_number: u64,
    last_turn: i64,
}

impl Contents {
    pub(super) fn new(rules: Rules) -> Self {
        Self {
            rules,
            records: HashMap::new(),
            numbers: BTreeMap::new(),
            live: HashMap::new(),
            lease_ends: BTreeSet::new(),
            deadlines: BTreeSet::new(),
            removals: BTreeSet::new(),
            lanes: Lanes::default(),
            counts: StateName::ALL.map(|state| (state, 0)).into(),
            events: VecDeque::new(),
            last_event: 0,
            last_number: 0,
            last_turn: 0,
        }
    }

    pub(super) fn job(&self, id: &JobId) -> Option<(Job, Option<Value>)> {
        self.records
            .get(id)
            .map(|record| (record.job.clone(), record.progress.clone()))
    }

    pub(super) fn page(&self, query: &JobQuery) -> JobPage {
        let mut page = JobPage::default();
        let end = query
            .before
            .map_or(Bound::Unbounded, |cursor| Bound::Excluded(cursor.0));
        for (number, id) in self.numbers.range((Bound::Unbounded, end)).rev() {
            let Some(record) = self.records.get(id).filter(|record| query.matches(&record.job)) else {
                continue;
            };
            if page.jobs.len() >= query.limit {
                page.next = page
                    .jobs
                    .last()
                    .and_then(|last| self.records.get(&last.id))
                    .map(|last| Cursor(last.number));
                break;
            }
            debug_assert_eq!(record.number, *number, "an index points at its record");
            page.jobs.push(record.job.clone());
        }
        page
    }

    pub(super) fn counts(&self) -> Counts {
        self.counts.clone()
    }

    pub(super) fn aggregations(&self, after: Option<&AggregationKey>, limit: usize) -> Vec<Aggregation> {
        let keys = self.lanes.keys_after(after);
        keys.filter_map(|key| self.aggregation(key)).take(limit).collect()
    }

    pub(super) fn aggregation(&self, key: &AggregationKey) -> Option<Aggregation> {
        let standing = self.lanes.standing(key)?;
        let since = self.lanes.ready_numbers(key).filter_map(|number| {
            match self.records.get(self.numbers.get(&number)?)?.job.state {
                crate::State::Ready { since } => Some(since),
                _ => None,
            }
        });
        Some(standing.show(key.clone(), since.min()))
    }

    pub(super) fn events_after(&self, after: EventId, limit: usize) -> Vec<Event> {
        let first = self.events.partition_point(|event| event.id <= after);
        self.events.iter().skip(first).take(limit).cloned().collect()
    }

    pub(super) fn last_event(&self) -> EventId {
        EventId(self.last_event)
    }

    fn id_of(&self, number: u64) -> Option<JobId> {
        self.numbers.get(&number).cloned()
    }

    fn moments(&mut self, moment: Moment) -> &mut BTreeSet<(Timestamp, u64)> {
        match moment {
            Moment::LeaseEnd => &mut self.lease_ends,
            Moment::Deadline => &mut self.deadlines,
            Moment::Removal => &mut self.removals,
        }
    }

    fn enter(&mut self, record: &Record) {
        let place = record.place(&self.rules);
        let number = record.number;
        self.lease_ends.extend(place.lease_end.map(|at| (at, number)));
        self.deadlines.extend(place.deadline.map(|at| (at, number)));
        self.removals.extend(place.removal.map(|at| (at, number)));
        self.live.extend(
            place
                .fingerprint
                .map(|fingerprint| (fingerprint.clone(), record.job.id.clone())),
        );
        self.lanes.enter(&place, number);
        *self.counts.entry(record.job.state.name()).or_default() += 1;
    }

    fn leave(&mut self, record: &Record) {
        let place = record.place(&self.rules);
        let number = record.number;
        for (moment, at) in [
            (Moment::LeaseEnd, place.lease_end),
            (Moment::Deadline, place.deadline),
            (Moment::Removal, place.removal),
        ] {
            if let Some(at) = at {
                self.moments(moment).remove(&(at, number));
            }
        }
        if let Some(fingerprint) = place.fingerprint {
            self.live.remove(fingerprint);
        }
        self.lanes.leave(&place, number);
        *self.counts.entry(record.job.state.name()).or_default() -= 1;
    }
}

impl Ledger for Contents {
    fn load(&mut self, id: &JobId) -> Result<Option<Record>, StoreError> {
        Ok(self.records.get(id).cloned())
    }

    fn live(&mut self, fingerprint: &Fingerprint) -> Result<Option<JobId>, StoreError> {
        Ok(self.live.get(fingerprint).cloned())
    }

    fn insert(&mut self, record: &Record) -> Result<(), StoreError> {
        self.enter(record);
        self.numbers.insert(record.number, record.job.id.clone());
        self.records.insert(record.job.id.clone(), record.clone());
        Ok(())
    }

    fn update(&mut self, before: &Record, record: &Record) -> Result<(), StoreError> {
        self.leave(before);
        self.enter(record);
        self.records.insert(record.job.id.clone(), record.clone());
        Ok(())
    }

    fn remove(&mut self, record: &Record) -> Result<(), StoreError> {
        self.leave(record);
        self.numbers.remove(&record.number);
        self.records.remove(&record.job.id);
        Ok(())
    }

    fn next_number(&mut self) -> Result<u64, StoreError> {
        self.last_number += 1;
        Ok(self.last_number)
    }

    fn next_turn(&mut self) -> Result<i64, StoreError> {
        self.last_turn += 1;
        Ok(self.last_turn)
    }

    fn event(
        &mut self,
        at: Timestamp,
        job: &Job,
        to: StateName,
        class: Option<&Arc<str>>,
    ) -> Result<(), StoreError> {
        self.last_event += 1;
        self.events.push_back(Event {
            id: EventId(self.last_event),
            at,
            job: job.id.clone(),
            aggregation: job.aggregation.clone(),
            to,
            class: class.cloned(),
        });
        while self.events.len() > MAX_EVENTS {
            self.events.pop_front();
        }
        Ok(())
    }

    fn standing(&mut self, key: &AggregationKey) -> Result<Option<Standing>, StoreError> {
        Ok(self.lanes.standing(key).cloned())
    }

    fn set_standing(&mut self, key: &AggregationKey, standing: Option<&Standing>) -> Result<(), StoreError> {
        self.lanes.set(key, standing);
        Ok(())
    }

    fn tide(&mut self, kind: &Kind) -> Result<i64, StoreError> {
        Ok(self.lanes.tide(kind))
    }

    fn set_tide(&mut self, kind: &Kind, tide: i64) -> Result<(), StoreError> {
        self.lanes.set_tide(kind, tide);
        Ok(())
    }

    fn first_open(&mut self, kind: &Kind) -> Result<Option<(AggregationKey, i64)>, StoreError> {
        Ok(self.lanes.first_open(kind))
    }

    fn first_ready(&mut self, key: &AggregationKey) -> Result<Option<Record>, StoreError> {
        let number = self.lanes.ready_numbers(key).next();
        Ok(number.and_then(|number| self.records.get(self.numbers.get(&number)?).cloned()))
    }

    fn due(&mut self, kind: &Kind, now: Timestamp, limit: usize) -> Result<Vec<JobId>, StoreError> {
        Ok(self
            .lanes
            .due(kind, now)
            .take(limit)
            .filter_map(|number| self.id_of(number))
            .collect())
    }

    fn first_due(&mut self, kind: &Kind) -> Result<Option<Timestamp>, StoreError> {
        Ok(self.lanes.first_due(kind))
    }

    fn held(&mut self, kind: &Kind, now: Timestamp, limit: usize) -> Result<Vec<AggregationKey>, StoreError> {
        Ok(self.lanes.held(kind, now).take(limit).collect())
    }

    fn first_held(&mut self, kind: &Kind) -> Result<Option<Timestamp>, StoreError> {
        Ok(self.lanes.first_held(kind))
    }

    fn passed(&mut self, moment: Moment, now: Timestamp, limit: usize) -> Result<Vec<JobId>, StoreError> {
        let passed = self.moments(moment).range(..=(now, u64::MAX)).take(limit);
        let numbers: Vec<_> = passed.map(|(_, number)| *number).collect();
        Ok(numbers
            .into_iter()
            .filter_map(|number| self.id_of(number))
            .collect())
    }

    fn first(&mut self, moment: Moment) -> Result<Option<Timestamp>, StoreError> {
        Ok(self.moments(moment).first().map(|(at, _)| *at))
    }

    fn idle(&mut self, now: Timestamp, limit: usize) -> Result<Vec<AggregationKey>, StoreError> {
        Ok(self.lanes.idle(now).take(limit).collect())
    }
}

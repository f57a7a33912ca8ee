//! A transaction that is worked out here and written in one step.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use super::{
    dice::Dice,
    step::{DRAWN, Step},
    view::{View, Wanted},
};
use crate::{
    AggregationKey, AggregationSettings, Fingerprint, Job, JobId, Kind, Ledger, Moment, Record, Rules,
    Standing, StateName, StoreError, Timestamp,
};

/// The tables as a transaction sees them: what was read of Redis, and what it has changed itself.
///
/// What it asks for and was not read yet is noted in `wanted`, and taken for absent. If anything was, the whole draft is
/// thrown away and worked out anew with the answers; so one question finds most of what a transaction needs.
///
/// It does not count the jobs of aggregations: the script that writes it does.
#[derive(Debug)]
pub(super) struct Draft<'a> {
    rules: &'a Rules,
    view: &'a View,
    dice: &'a Dice,
    changed: HashMap<JobId, Option<Record>>,
    live: HashMap<Fingerprint, Option<JobId>>,
    /// What was asked for and not read.
    pub(super) wanted: Wanted,
    /// What the transaction rests upon.
    pub(super) used: Wanted,
    /// What is to be written, in this order.
    pub(super) steps: Vec<Step>,
    /// The limits of aggregations in case they are not there yet.
    pub(super) settings: HashMap<AggregationKey, AggregationSettings>,
    pub(super) numbers: u64,
    pub(super) turns: i64,
}

impl<'a> Draft<'a> {
    pub(super) fn new(rules: &'a Rules, view: &'a View, dice: &'a Dice) -> Self {
        dice.rewind();
        Self {
            rules,
            view,
            dice,
            changed: HashMap::new(),
            live: HashMap::new(),
            wanted: Wanted::default(),
            used: Wanted::default(),
            steps: Vec::new(),
            settings: HashMap::new(),
            numbers: 0,
            turns: 0,
        }
    }

    /// The revision of a job that was read, and none if there is no such job.
    pub(super) fn rev(&self, id: &JobId) -> &str {
        let row = self.view.jobs.get(id).and_then(Option::as_ref);
        row.map_or("", |row| row.rev.as_str())
    }

    /// The job that had a fingerprint.
    pub(super) fn was_live(&self, fingerprint: &Fingerprint) -> &str {
        let id = self.view.live.get(fingerprint).and_then(Option::as_ref);
        id.map_or("", JobId::as_str)
    }

    fn note_live(&mut self, record: &Record, is_live: bool) {
        if let Some(fingerprint) = record.place(self.rules).fingerprint {
            let id = is_live.then(|| record.job.id.clone());
            self.live.insert(fingerprint.clone(), id);
        }
    }
}

impl Ledger for Draft<'_> {
    fn load(&mut self, id: &JobId) -> Result<Option<Record>, StoreError> {
        if let Some(changed) = self.changed.get(id) {
            return Ok(changed.clone());
        }
        self.used.jobs.insert(id.clone());
        let row = self.view.jobs.get(id);
        if row.is_none() && !self.dice.has_drawn(id) {
            self.wanted.jobs.insert(id.clone());
        }
        Ok(row.and_then(Option::as_ref).map(|row| row.record.clone()))
    }

    fn live(&mut self, fingerprint: &Fingerprint) -> Result<Option<JobId>, StoreError> {
        if let Some(changed) = self.live.get(fingerprint) {
            return Ok(changed.clone());
        }
        self.used.live.insert(fingerprint.clone());
        let id = self.view.live.get(fingerprint);
        if id.is_none() {
            self.wanted.live.insert(fingerprint.clone());
        }
        Ok(id.cloned().flatten())
    }

    fn insert(&mut self, record: &Record) -> Result<(), StoreError> {
        self.note_live(record, true);
        self.changed.insert(record.job.id.clone(), Some(record.clone()));
        self.steps.push(Step::Insert(Box::new(record.clone())));
        Ok(())
    }

    fn update(&mut self, before: &Record, record: &Record) -> Result<(), StoreError> {
        self.note_live(before, false);
        self.note_live(record, true);
        self.changed.insert(record.job.id.clone(), Some(record.clone()));
        self.steps.push(Step::Update(Box::new(record.clone())));
        Ok(())
    }

    fn remove(&mut self, record: &Record) -> Result<(), StoreError> {
        self.used.jobs.insert(record.job.id.clone());
        self.note_live(record, false);
        self.changed.insert(record.job.id.clone(), None);
        self.steps.push(Step::Remove(record.job.id.clone()));
        Ok(())
    }

    fn next_number(&mut self) -> Result<u64, StoreError> {
        self.numbers += 1;
        Ok(self.numbers)
    }

    fn next_turn(&mut self) -> Result<i64, StoreError> {
        self.turns += 1;
        Ok(DRAWN + self.turns)
    }

    fn event(
        &mut self,
        _at: Timestamp,
        job: &Job,
        to: StateName,
        class: Option<&Arc<str>>,
    ) -> Result<(), StoreError> {
        self.steps.push(Step::Event {
            job: job.id.clone(),
            aggregation: job.aggregation.clone(),
            to,
            class: class.cloned(),
        });
        Ok(())
    }

    /// None, so that the transaction says which limits a new aggregation would have.
    fn standing(&mut self, _key: &AggregationKey) -> Result<Option<Standing>, StoreError> {
        Ok(None)
    }

    fn set_standing(&mut self, key: &AggregationKey, standing: Option<&Standing>) -> Result<(), StoreError> {
        // An aggregation without jobs may be forgotten or not; what is told of it does not matter then.
        let settings =
            standing.map_or_else(AggregationSettings::default, |standing| standing.settings.clone());
        self.settings.entry(key.clone()).or_insert(settings);
        Ok(())
    }

    fn tide(&mut self, _kind: &Kind) -> Result<i64, StoreError> {
        Err(not_here())
    }

    fn set_tide(&mut self, _kind: &Kind, _tide: i64) -> Result<(), StoreError> {
        Err(not_here())
    }

    fn first_open(&mut self, _kind: &Kind) -> Result<Option<(AggregationKey, i64)>, StoreError> {
        Err(not_here())
    }

    fn first_ready(&mut self, _key: &AggregationKey) -> Result<Option<Record>, StoreError> {
        Err(not_here())
    }

    fn due(&mut self, _kind: &Kind, _now: Timestamp, _limit: usize) -> Result<Vec<JobId>, StoreError> {
        Err(not_here())
    }

    fn first_due(&mut self, _kind: &Kind) -> Result<Option<Timestamp>, StoreError> {
        Err(not_here())
    }

    fn held(
        &mut self,
        _kind: &Kind,
        _now: Timestamp,
        _limit: usize,
    ) -> Result<Vec<AggregationKey>, StoreError> {
        Err(not_here())
    }

    fn first_held(&mut self, _kind: &Kind) -> Result<Option<Timestamp>, StoreError> {
        Err(not_here())
    }

    fn passed(&mut self, moment: Moment, _now: Timestamp, limit: usize) -> Result<Vec<JobId>, StoreError> {
        let ids = self.view.passed(moment).ids.iter();
        let ids: Vec<_> = ids
            .filter(|id| !self.changed.contains_key(*id))
            .take(limit)
            .cloned()
            .collect();
        Ok(ids)
    }

    fn first(&mut self, moment: Moment) -> Result<Option<Timestamp>, StoreError> {
        if self.view.has_more_idle {
            // The question for what has passed forgets a part of the aggregations that are idle: it is to be asked again.
            return Ok(Some(self.view.now));
        }
        let changed: HashSet<_> = self.changed.keys().collect();
        let left = self.view.passed(moment);
        let now = left
            .ids
            .iter()
            .any(|id| !changed.contains(id))
            .then_some(self.view.now);
        let own = self.changed.values().flatten().filter_map(|record| {
            let place = record.place(self.rules);
            match moment {
                Moment::LeaseEnd => place.lease_end,
                Moment::Deadline => place.deadline,
                Moment::Removal => place.removal,
            }
        });
        Ok(own.chain(now).chain(left.next).min())
    }

    fn idle(&mut self, _now: Timestamp, _limit: usize) -> Result<Vec<AggregationKey>, StoreError> {
        Ok(Vec::new())
    }
}

/// Claims are a script of their own.
fn not_here() -> StoreError {
    StoreError::unusable("claims are made inside of Redis")
}

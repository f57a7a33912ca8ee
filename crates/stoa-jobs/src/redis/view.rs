//! What a transaction has read of Redis.

use std::collections::{HashMap, HashSet};

use redis::Value;

use super::{
    answer::Answer,
    row::{Row, readable},
    scripts::{self, Call},
};
use crate::{Fingerprint, JobId, Moment, StoreError, Timestamp};

/// What a transaction wants to know of Redis.
#[derive(Clone, Debug, Default)]
pub(super) struct Wanted {
    pub(super) jobs: HashSet<JobId>,
    pub(super) live: HashSet<Fingerprint>,
}

impl Wanted {
    pub(super) fn is_empty(&self) -> bool {
        self.jobs.is_empty() && self.live.is_empty()
    }
}

/// What has come with time.
#[derive(Debug, Default)]
pub(super) struct Passed {
    /// The jobs to which a moment has come.
    pub(super) ids: Vec<JobId>,
    /// When it comes to the next one.
    pub(super) next: Option<Timestamp>,
}

/// What a transaction has read of Redis. It may come from several questions; that all of it is still so when the transaction
/// is written, is checked then.
#[derive(Debug, Default)]
pub(super) struct View {
    pub(super) now: Timestamp,
    pub(super) jobs: HashMap<JobId, Option<Row>>,
    pub(super) live: HashMap<Fingerprint, Option<JobId>>,
    pub(super) lease_ends: Passed,
    pub(super) deadlines: Passed,
    pub(super) removals: Passed,
    /// Whether there may be more aggregations to forget.
    pub(super) has_more_idle: bool,
}

impl View {
    /// What has come with time, at most `part` of each sort.
    pub(super) fn house(tag: &str, part: usize) -> Call {
        let mut call = Call::new(&scripts::HOUSE, tag);
        call.number(part);
        call
    }

    /// Reads the answer to [`View::house`].
    pub(super) fn of_house(answer: Value, part: usize) -> Result<Self, StoreError> {
        let mut answer = Answer::of_script(answer)?;
        let mut view = Self {
            now: Timestamp::from_millis(answer.number()?),
            has_more_idle: answer.number::<usize>()? >= part,
            ..Self::default()
        };
        let mut sorts = answer.list()?;
        for moment in [Moment::LeaseEnd, Moment::Deadline, Moment::Removal] {
            let mut sort = sorts.list()?;
            let mut ids = Vec::new();
            for row in readable(sort.list()?) {
                let id = row.record.job.id.clone();
                ids.push(id.clone());
                view.jobs.insert(id, Some(row));
            }
            let next = sort.maybe_number()?.map(Timestamp::from_millis);
            *view.passed_mut(moment) = Passed { ids, next };
        }
        Ok(view)
    }

    pub(super) fn passed(&self, moment: Moment) -> &Passed {
        match moment {
            Moment::LeaseEnd => &self.lease_ends,
            Moment::Deadline => &self.deadlines,
            Moment::Removal => &self.removals,
        }
    }

    fn passed_mut(&mut self, moment: Moment) -> &mut Passed {
        match moment {
            Moment::LeaseEnd => &mut self.lease_ends,
            Moment::Deadline => &mut self.deadlines,
            Moment::Removal => &mut self.removals,
        }
    }

    /// The question for what is wanted.
    pub(super) fn question(tag: &str, ids: &[&JobId], fingerprints: &[&Fingerprint]) -> Call {
        let mut call = Call::new(&scripts::READ, tag);
        call.number(ids.len());
        for id in ids {
            call.text(id.as_str());
        }
        for fingerprint in fingerprints {
            call.text(fingerprint.as_str());
        }
        call
    }

    /// Adds the answer to [`View::question`].
    pub(super) fn add(
        &mut self,
        answer: Value,
        ids: &[&JobId],
        fingerprints: &[&Fingerprint],
    ) -> Result<(), StoreError> {
        let mut answer = Answer::of_script(answer)?;
        let now = Timestamp::from_millis(answer.number()?);
        if self.now == Timestamp::default() {
            self.now = now;
        }
        let mut jobs = answer.list()?;
        for id in ids {
            self.jobs.insert((*id).clone(), Row::read(jobs.value()?)?);
        }
        let mut live = answer.list()?;
        for fingerprint in fingerprints {
            let mut found = live.list()?;
            let id = found
                .maybe()?
                .map(|id| id.parse::<JobId>())
                .transpose()
                .map_err(StoreError::unusable)?;
            if let Some(id) = &id
                && !self.jobs.contains_key(id)
            {
                self.jobs.insert(id.clone(), Row::read(found.value()?)?);
            }
            self.live.insert((*fingerprint).clone(), id);
        }
        Ok(())
    }
}

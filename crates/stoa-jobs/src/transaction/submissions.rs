//! How jobs come in.

use std::collections::HashSet;

use super::Transaction;
use crate::{JobId, Ledger, NewJob, Record, StateName, StoreError, Submitted, random::random_id};

/// How many jobs are looked at to find out whether one waits for another.
const MAX_ANCESTORS: usize = 1_000;

impl<L: Ledger> Transaction<'_, L> {
    /// Takes jobs, as [`Store::submit`](crate::Store::submit).
    pub fn submit(&mut self, jobs: Vec<NewJob>) -> Result<Vec<Submitted>, StoreError> {
        jobs.into_iter().map(|new| Ok(self.take(new)?.0)).collect()
    }

    /// Submits the children of a job that waits for them.
    pub(super) fn spawn(&mut self, parent: &JobId, children: Vec<NewJob>) -> Result<(), StoreError> {
        let mut open = 0;
        for child in children {
            let (_, is_awaited) = self.take(child)?;
            open += u64::from(is_awaited);
        }
        let Some(before) = self.ledger.load(parent)? else {
            return Ok(());
        };
        let mut after = before.clone();
        self.rules.has_spawned(&mut after.job, open, self.now);
        self.put(&before, after)
    }

    /// Takes a job. Returns what became of it, and whether its parent has to wait for it.
    pub(super) fn take(&mut self, mut new: NewJob) -> Result<(Submitted, bool), StoreError> {
        if let Some(id) = &new.id
            && self.ledger.load(id)?.is_some()
        {
            return Ok((Submitted::Joined(id.clone()), false));
        }
        if let Some(fingerprint) = &new.fingerprint
            && let Some(id) = self.ledger.live(fingerprint)?
            && let Some(before) = self.ledger.load(&id)?
        {
            if let Some(parent) = &new.parent
                && self.is_ancestor(&before, parent)?
            {
                new.parent = None;
            }
            let is_awaited = new.parent.is_some();
            let mut after = before.clone();
            match self.rules.join(&mut after.job, new, self.now) {
                Ok(()) => {
                    self.put(&before, after)?;
                    return Ok((Submitted::Joined(id), is_awaited));
                }
                Err(own) => new = *own,
            }
        }
        let is_awaited = new.parent.is_some();
        let id = match new.id.take() {
            Some(id) => id,
            None => self.unused_id()?,
        };
        let settings = new.aggregation_settings.take();
        let job = self.rules.accept(new, id.clone(), self.now);
        let turn = if job.state.name() == StateName::Ready {
            self.ledger.next_turn()?
        } else {
            0
        };
        let record = Record {
            job,
            number: self.ledger.next_number()?,
            epoch: 0,
            turn,
            progress: None,
        };
        self.ledger.insert(&record)?;
        self.enter(None, &record.job, None, settings)?;
        Ok((Submitted::New(id), is_awaited))
    }

    fn unused_id(&mut self) -> Result<JobId, StoreError> {
        loop {
            let id = random_id(self.random);
            if self.ledger.load(&id)?.is_none() {
                return Ok(id);
            }
        }
    }

    /// Whether `job` waits for `descendant`, itself or through others. A child that is such a job is not waited for: both
    /// would wait for ever. Above a thousand jobs the answer is yes.
    fn is_ancestor(&mut self, job: &Record, descendant: &JobId) -> Result<bool, StoreError> {
        if job.job.state.name() != StateName::Blocked {
            return Ok(false);
        }
        let mut seen = HashSet::new();
        let mut open = vec![descendant.clone()];
        while let Some(id) = open.pop() {
            if id == job.job.id || seen.len() >= MAX_ANCESTORS {
                return Ok(true);
            }
            if !seen.insert(id.clone()) {
                continue;
            }
            if let Some(record) = self.ledger.load(&id)? {
                open.extend(record.job.parents);
            }
        }
        Ok(false)
    }
}

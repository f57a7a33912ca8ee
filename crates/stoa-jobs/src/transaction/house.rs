//! What comes with time.

use std::time::Duration;

use super::Transaction;
use crate::{Kept, Ledger, Moment, StoreError};

/// How many of each sort one part of the housekeeping does.
const PART: usize = 256;

impl<L: Ledger> Transaction<'_, L> {
    /// Does a part of the housekeeping, as [`Store::keep_house`](crate::Store::keep_house).
    pub fn keep_house(&mut self) -> Result<Kept, StoreError> {
        let mut kept = Kept::default();
        for id in self.ledger.passed(Moment::LeaseEnd, self.now, PART)? {
            let Some(before) = self.ledger.load(&id)? else {
                continue;
            };
            let Some(lease) = before.job.lease() else { continue };
            let mut after = before.clone();
            let change = self.rules.lose(&mut after.job, lease, self.now);
            self.settle(&before, after, change)?;
            kept.lost.push(id);
        }
        for id in self.ledger.passed(Moment::Deadline, self.now, PART)? {
            let Some(before) = self.ledger.load(&id)? else {
                continue;
            };
            let mut after = before.clone();
            let change = self.rules.expire(&mut after.job, self.now);
            self.settle(&before, after, change)?;
            kept.expired += 1;
        }
        for id in self.ledger.passed(Moment::Removal, self.now, PART)? {
            let Some(record) = self.ledger.load(&id)? else {
                continue;
            };
            self.ledger.remove(&record)?;
            kept.removed += 1;
        }
        let idle = self.ledger.idle(self.now, PART)?;
        for key in &idle {
            self.ledger.set_standing(key, None)?;
        }
        kept.next = if idle.len() == PART {
            Some(Duration::ZERO)
        } else {
            self.next_moment()?
        };
        Ok(kept)
    }

    fn next_moment(&mut self) -> Result<Option<Duration>, StoreError> {
        let mut next = None;
        for moment in [Moment::LeaseEnd, Moment::Deadline, Moment::Removal] {
            next = self.ledger.first(moment)?.into_iter().chain(next).min();
        }
        Ok(next.map(|next| next.since(self.now)))
    }
}

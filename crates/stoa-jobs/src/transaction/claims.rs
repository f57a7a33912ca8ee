//! How jobs get their turns.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use super::Transaction;
use crate::{
    AggregationKey, AggregationSettings, Claim, Claimed, Job, Kind, Lease, Ledger, State, StateName,
    StoreError, Timestamp,
};

/// How many due jobs, and how many held aggregations, a claim makes ready at a time.
const PART: usize = 256;

/// How far the aggregations of each kind of a claim have come.
type Tides = BTreeMap<Kind, i64>;

impl<L: Ledger> Transaction<'_, L> {
    /// Gives jobs to a node, as [`Store::claim`](crate::Store::claim).
    pub fn claim(&mut self, claim: &Claim) -> Result<Claimed, StoreError> {
        let kinds: BTreeSet<_> = claim.kinds.iter().cloned().collect();
        let mut tides = Tides::new();
        let mut jobs = Vec::new();
        if claim.max > 0 {
            for kind in &kinds {
                self.make_ready(kind)?;
                tides.insert(kind.clone(), self.ledger.tide(kind)?);
            }
        }
        let before = tides.clone();
        while jobs.len() < claim.max
            && let Some((key, lead)) = self.next_turn(&tides)?
        {
            if let Some(job) = self.start(&key, lead, claim, &mut tides)? {
                jobs.push(job);
            }
        }
        for (kind, tide) in tides {
            if before.get(&kind) != Some(&tide) {
                self.ledger.set_tide(&kind, tide)?;
            }
        }
        let is_full = jobs.len() >= claim.max;
        Ok(Claimed {
            jobs,
            next: self.next_claim(&kinds, is_full)?,
        })
    }

    /// Makes the jobs of a kind ready that are due, and lets go the aggregations that were held by their rates.
    fn make_ready(&mut self, kind: &Kind) -> Result<(), StoreError> {
        for id in self.ledger.due(kind, self.now, PART)? {
            let Some(before) = self.ledger.load(&id)? else {
                continue;
            };
            let mut after = before.clone();
            self.rules.due(&mut after.job, self.now);
            self.put(&before, after)?;
        }
        for key in self.ledger.held(kind, self.now, PART)? {
            let Some(mut standing) = self.ledger.standing(&key)? else {
                continue;
            };
            standing.held_until = None;
            self.keep(&key, &standing)?;
        }
        Ok(())
    }

    /// The aggregation whose turn is next, and how far it is ahead of its tide.
    fn next_turn(&mut self, tides: &Tides) -> Result<Option<(AggregationKey, i64)>, StoreError> {
        let mut next: Option<(AggregationKey, i64)> = None;
        for (kind, tide) in tides {
            if let Some((key, pass)) = self.ledger.first_open(kind)? {
                let lead = pass.saturating_sub(*tide);
                if next.as_ref().is_none_or(|(_, least)| lead < *least) {
                    next = Some((key, lead));
                }
            }
        }
        Ok(next)
    }

    /// Starts the first job of an aggregation, if its rate lets it.
    fn start(
        &mut self,
        key: &AggregationKey,
        lead: i64,
        claim: &Claim,
        tides: &mut Tides,
    ) -> Result<Option<(Job, AggregationSettings)>, StoreError> {
        let Some(mut standing) = self.ledger.standing(key)? else {
            return Ok(None);
        };
        let Some(before) = self.ledger.first_ready(key)? else {
            // It cannot be: the counts are kept in the same transactions as the jobs. Without this, a claim would not end.
            tracing::error!(aggregation = %key, "an aggregation counts ready jobs and has none");
            standing.ready = 0;
            self.keep(key, &standing)?;
            return Ok(None);
        };
        if !standing.take_start(self.now) {
            self.keep(key, &standing)?;
            return Ok(None);
        }
        for tide in tides.values_mut() {
            *tide = tide.saturating_add(lead.max(0));
        }
        standing.step(tides.get(key.kind()).copied().unwrap_or_default());
        standing.moved(Some(StateName::Ready), StateName::Running);
        self.keep(key, &standing)?;
        let mut after = before.clone();
        after.epoch += 1;
        after.progress = None;
        after.job.state = State::Running(Lease {
            node: claim.node.clone(),
            epoch: after.epoch,
            since: self.now,
            until: self.now.plus(claim.lease),
        });
        self.ledger.update(&before, &after)?;
        self.ledger
            .event(self.now, &after.job, StateName::Running, None)?;
        self.wake.events = true;
        Ok(Some((after.job, standing.settings)))
    }

    /// When a claim of these kinds may find more.
    fn next_claim(&mut self, kinds: &BTreeSet<Kind>, is_full: bool) -> Result<Option<Duration>, StoreError> {
        let mut next: Option<Timestamp> = None;
        for kind in kinds {
            if is_full && self.ledger.first_open(kind)?.is_some() {
                return Ok(Some(Duration::ZERO));
            }
            let moments = [self.ledger.first_due(kind)?, self.ledger.first_held(kind)?];
            next = moments.into_iter().flatten().chain(next).min();
        }
        Ok(next.map(|next| next.since(self.now)))
    }
}

//! What a transaction needs of a store that keeps jobs in tables.

use std::sync::Arc;

use crate::{
    AggregationKey, Fingerprint, Job, JobId, Kind, Record, StateName, StoreError, Timestamp,
    standing::Standing,
};

/// What comes to a job with time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// Its lease ends.
    LeaseEnd,
    /// Its deadline passes.
    Deadline,
    /// It has been kept for long enough after its end.
    Removal,
}

/// The tables of a store, within a transaction. [`Transaction`](crate::Transaction) does with them what the port
/// [`Store`](crate::Store) promises, so that an adapter only keeps rows and finds them.
///
/// Where a method finds the first ones of something, it must do so by an index, however many there are.
pub trait Ledger {
    /// The record of a job.
    fn load(&mut self, id: &JobId) -> Result<Option<Record>, StoreError>;

    /// The live job of a fingerprint.
    fn live(&mut self, fingerprint: &Fingerprint) -> Result<Option<JobId>, StoreError>;

    /// Writes a new record.
    fn insert(&mut self, record: &Record) -> Result<(), StoreError>;

    /// Writes a record in place of `before`, which is what the ledger has.
    fn update(&mut self, before: &Record, record: &Record) -> Result<(), StoreError>;

    /// Removes a record.
    fn remove(&mut self, record: &Record) -> Result<(), StoreError>;

    /// The next number of a job, from 1.
    fn next_number(&mut self) -> Result<u64, StoreError>;

    /// The next turn among ready jobs, from 1.
    fn next_turn(&mut self) -> Result<i64, StoreError>;

    /// Writes that `job` has come into a state, as the next event. Of all events, the last ten thousand or so are kept.
    fn event(
        &mut self,
        at: Timestamp,
        job: &Job,
        to: StateName,
        class: Option<&Arc<str>>,
    ) -> Result<(), StoreError>;

    /// An aggregation.
    fn standing(&mut self, key: &AggregationKey) -> Result<Option<Standing>, StoreError>;

    /// Writes an aggregation, or forgets it.
    fn set_standing(&mut self, key: &AggregationKey, standing: Option<&Standing>) -> Result<(), StoreError>;

    /// How far the aggregations of a kind have come.
    fn tide(&mut self, kind: &Kind) -> Result<i64, StoreError>;

    /// Writes how far the aggregations of a kind have come.
    fn set_tide(&mut self, kind: &Kind, tide: i64) -> Result<(), StoreError>;

    /// The open aggregation of a kind that has come the least far, and how far.
    fn first_open(&mut self, kind: &Kind) -> Result<Option<(AggregationKey, i64)>, StoreError>;

    /// The first ready job of an aggregation, by priority and turn.
    fn first_ready(&mut self, key: &AggregationKey) -> Result<Option<Record>, StoreError>;

    /// Jobs of a kind that wait for a moment which has come, at most `limit`, the earliest first.
    fn due(&mut self, kind: &Kind, now: Timestamp, limit: usize) -> Result<Vec<JobId>, StoreError>;

    /// When the next job of a kind is due.
    fn first_due(&mut self, kind: &Kind) -> Result<Option<Timestamp>, StoreError>;

    /// Aggregations of a kind that were held by their rates until now or earlier, at most `limit`.
    fn held(&mut self, kind: &Kind, now: Timestamp, limit: usize) -> Result<Vec<AggregationKey>, StoreError>;

    /// When the next aggregation of a kind is not held any more.
    fn first_held(&mut self, kind: &Kind) -> Result<Option<Timestamp>, StoreError>;

    /// Jobs to which a moment has come, at most `limit`, the earliest first.
    fn passed(&mut self, moment: Moment, now: Timestamp, limit: usize) -> Result<Vec<JobId>, StoreError>;

    /// When the next such moment comes.
    fn first(&mut self, moment: Moment) -> Result<Option<Timestamp>, StoreError>;

    /// Aggregations that can be forgotten since now or earlier ([`Standing::idle_from`]), at most `limit`.
    fn idle(&mut self, now: Timestamp, limit: usize) -> Result<Vec<AggregationKey>, StoreError>;
}

//! Which limits aggregations begin with.

use std::fmt;

use crate::{AggregationKey, AggregationSettings};

/// Says with which limits an aggregation begins when its first job comes, as a configuration does. An operator can change
/// them later ([`Store::set_aggregation`](crate::Store::set_aggregation)).
pub trait Limits: fmt::Debug + Send + Sync + 'static {
    /// The limits of `key`; without any, its first job says them.
    fn of(&self, key: &AggregationKey) -> Option<AggregationSettings>;
}

/// Leaves all limits to the first jobs.
#[derive(Clone, Copy, Debug)]
pub struct NoLimits;

impl Limits for NoLimits {
    fn of(&self, _key: &AggregationKey) -> Option<AggregationSettings> {
        None
    }
}

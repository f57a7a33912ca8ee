//! The order in which work waits.

use crate::Class;

/// A place in a queue. Places are in the order in which they are served: by class, retries before first attempts, then by
/// arrival.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) class: Class,
    pub(crate) arrival: Arrival,
    /// Unique within its queue.
    pub(crate) number: u64,
}

/// What arrives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Arrival {
    /// A request that has had a permit before.
    Retry,
    /// A request that has not been sent yet.
    First,
}

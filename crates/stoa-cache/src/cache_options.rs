//! The bounds of a cache.

use std::{thread, time::Duration};

/// Largest entry that every cache of enough capacity keeps by default, in bytes.
const LARGEST: u64 = 256 << 10;

/// A part of a cache has room for so many of the largest entries, so that two of those do not evict everything else.
const LARGEST_PER_SHARD: u64 = 4;

/// More parts than this do not lower contention any further.
const MAX_SHARDS: u64 = 64;

/// The bounds of a [`Cache`](crate::Cache).
///
/// ```
/// use std::time::Duration;
/// use stoa_cache::CacheOptions;
///
/// let options = CacheOptions::new(64 << 20)
///     .max_age(Duration::from_secs(600))
///     .largest(2 << 20);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct CacheOptions {
    pub(crate) capacity: u64,
    pub(crate) max_age: Option<Duration>,
    largest: u64,
}

impl CacheOptions {
    /// Room for `capacity` bytes, bookkeeping included. With 0, nothing is kept.
    pub fn new(capacity: u64) -> Self {
        Self {
            capacity,
            max_age: None,
            largest: LARGEST,
        }
    }

    /// What is as old as this is not given out any more, and removed. By default entries have no such age; with zero,
    /// nothing is kept.
    #[must_use]
    pub fn max_age(self, max_age: Duration) -> Self {
        Self {
            max_age: Some(max_age),
            ..self
        }
    }

    /// Weight of the largest entry that is worth keeping, in bytes; 256 KiB by default.
    ///
    /// A cache is divided into parts with a lock and an equal share of the capacity each, and an entry must fit into
    /// one of them. The larger the largest entry, the fewer parts there are.
    #[must_use]
    pub fn largest(self, largest: u64) -> Self {
        Self { largest, ..self }
    }

    /// How many parts the cache has: a power of two.
    pub(crate) fn shards(&self) -> u64 {
        let by_threads = thread::available_parallelism().map_or(1, usize::from) as u64 * 4;
        let by_size = self.capacity / self.largest.max(1).saturating_mul(LARGEST_PER_SHARD);
        let shards = by_threads.min(by_size).clamp(1, MAX_SHARDS);
        1 << shards.ilog2()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_has_room_for_a_few_of_the_largest_entries() {
        for capacity in [0, 1, 1000, 1 << 20, 64 << 20, u64::MAX] {
            for largest in [0, 1, 4096, 2 << 20, u64::MAX] {
                let shards = CacheOptions::new(capacity).largest(largest).shards();
                assert!(shards.is_power_of_two() && shards <= MAX_SHARDS);
                assert!(shards == 1 || capacity / shards / LARGEST_PER_SHARD >= largest);
            }
        }
        assert_eq!(CacheOptions::new(1 << 20).shards(), 1);
    }
}

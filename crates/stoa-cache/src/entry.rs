//! Entries as they stand in the map.

use std::{
    hash::{Hash, Hasher},
    mem,
    sync::Arc,
};

use quick_cache::{Equivalent, Weighter};
use tokio::time::Instant;

use crate::weigh::ARC_HEADER;

/// What the map takes for one entry, in bytes.
///
/// A slot holds two pointers, links and state in 40 bytes, and a hash table refers to it with 5. Both grow by doubling,
/// so up to half of the slots and nine sixteenths of the table are empty. `tests/allocations.rs` measures the sum.
const MAP_OVERHEAD: usize = 2 * 40 + 12;

/// One entry: a block of memory of its own, so that the map's slots are small, of one size, and cheap to leave empty.
#[derive(Debug)]
pub(crate) struct Entry<K, V> {
    pub(crate) key: K,
    pub(crate) value: V,
    pub(crate) put: Instant,
    /// It is not given out from this moment on.
    pub(crate) expires: Option<Instant>,
    /// In bytes. It is computed once, since the map relies on it not to change.
    pub(crate) weight: u64,
}

impl<K, V> Entry<K, V> {
    /// What an entry weighs whose key and value own so many bytes on the heap.
    pub(crate) fn weight(heap_size: usize) -> u64 {
        (MAP_OVERHEAD + ARC_HEADER + mem::size_of::<Self>()).saturating_add(heap_size) as u64
    }

    pub(crate) fn is_expired(&self, now: Instant) -> bool {
        self.expires.is_some_and(|expires| expires <= now)
    }
}

/// An entry as the key of the map.
#[derive(Debug)]
pub(crate) struct ByKey<K, V>(pub(crate) Arc<Entry<K, V>>);

impl<K: Hash, V> Hash for ByKey<K, V> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.key.hash(state);
    }
}

impl<K: Eq, V> PartialEq for ByKey<K, V> {
    fn eq(&self, other: &Self) -> bool {
        self.0.key == other.0.key
    }
}

impl<K: Eq, V> Eq for ByKey<K, V> {}

/// A borrowed key that is looked up.
#[derive(Hash)]
pub(crate) struct Lookup<'a, Q: ?Sized>(pub(crate) &'a Q);

impl<K, V, Q: Equivalent<K> + ?Sized> Equivalent<ByKey<K, V>> for Lookup<'_, Q> {
    fn equivalent(&self, entry: &ByKey<K, V>) -> bool {
        self.0.equivalent(&entry.0.key)
    }
}

/// Reads the weight that an entry was given when it was made.
#[derive(Clone, Debug)]
pub(crate) struct ByWeight;

impl<K, V> Weighter<ByKey<K, V>, Arc<Entry<K, V>>> for ByWeight {
    fn weight(&self, _: &ByKey<K, V>, entry: &Arc<Entry<K, V>>) -> u64 {
        entry.weight
    }
}

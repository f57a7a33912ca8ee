//! A cache with ages that is bounded in bytes.

use std::{fmt, hash::Hash, sync::Arc, time::Duration};

use quick_cache::{DefaultHashBuilder, Equivalent, OptionsBuilder, sync::DefaultLifecycle};
use tokio::time::Instant;

use crate::{
    cache_options::CacheOptions,
    entry::{ByKey, ByWeight, Entry, Lookup},
    weigh::Weigh,
};

/// One key in so many bytes of capacity is remembered after its entry was evicted. An entry that is put again soon
/// after that is evicted later the next time.
const BYTES_PER_GHOST: u64 = 2048;

/// Share of a part's capacity for entries that were asked for repeatedly, in percent. It also bounds one entry.
const HOT_PERCENT: u64 = 97;

/// Entries with ages, bounded by the bytes that they take.
///
/// A hit takes a shared lock, allocates nothing, and clones the value outside of the lock. Entries are evicted by the
/// policy of `quick_cache`: what was asked for repeatedly stays longer than what was asked for once.
///
/// The cache has no thread and no task. What has expired is removed when it is met, when room is needed, and by
/// [`sweep`](Self::sweep).
///
/// Dropping a value must not use the cache that it was in: evicted values may be dropped under a lock.
///
/// ```
/// use std::time::Duration;
/// use stoa_cache::{Cache, CacheOptions};
///
/// let cache: Cache<Box<str>, String> = Cache::new(CacheOptions::new(1 << 20));
/// cache.put("key".into(), "value".to_owned());
///
/// let found = cache.get("key").expect("it was just put");
/// assert_eq!(found.value, "value");
/// assert!(found.age < Duration::from_secs(60));
/// assert_eq!(cache.fresh("key", Duration::from_secs(60)).as_deref(), Some("value"));
/// assert_eq!(cache.get("other"), None);
/// ```
pub struct Cache<K, V> {
    entries: Entries<K, V>,
    heap_size: fn(&K, &V) -> usize,
    max_age: Option<Duration>,
    largest: u64,
}

type Entries<K, V> = quick_cache::sync::Cache<ByKey<K, V>, Arc<Entry<K, V>>, ByWeight>;

/// A value, and how long ago it was put.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Aged<V> {
    /// The value.
    pub value: V,
    /// Time since it was put.
    pub age: Duration,
}

impl<K: Eq + Hash + Weigh, V: Clone + Weigh> Cache<K, V> {
    /// An empty cache.
    pub fn new(options: CacheOptions) -> Self {
        Self::weighed_by(options, |key, value| key.heap_size() + value.heap_size())
    }
}

impl<K: Eq + Hash, V: Clone> Cache<K, V> {
    /// An empty cache of types that do not implement [`Weigh`]. `heap_size` returns the bytes that a key and a value
    /// own on the heap, as [`Weigh::heap_size`] does; it is called once for each [`put`](Self::put).
    ///
    /// ```
    /// use std::net::IpAddr;
    /// use stoa_cache::{Cache, CacheOptions, Weigh as _};
    ///
    /// let options = CacheOptions::new(1 << 20);
    /// let names = Cache::<IpAddr, String>::weighed_by(options, |_, name| name.heap_size());
    /// ```
    #[expect(clippy::missing_panics_doc, reason = "the builder has all that it needs")]
    pub fn weighed_by(options: CacheOptions, heap_size: fn(&K, &V) -> usize) -> Self {
        let shards = options.shards();
        let shard_capacity = options.capacity / shards;
        let ghosts = usize::try_from(options.capacity / BYTES_PER_GHOST).unwrap_or(usize::MAX);
        let inner = OptionsBuilder::new()
            .shards(usize::try_from(shards).unwrap_or(1))
            .weight_capacity(shard_capacity * shards)
            .estimated_items_capacity(ghosts)
            .ghost_allocation(1.0)
            .hot_allocation(0.97)
            .build()
            .expect("both capacities are set");
        let (hasher, lifecycle) = (DefaultHashBuilder::default(), DefaultLifecycle::default());
        let entries = Entries::with_options(inner, ByWeight, hasher, lifecycle);
        Self {
            largest: entries.shard_capacity() / 100 * HOT_PERCENT,
            entries,
            heap_size,
            max_age: options.max_age,
        }
    }

    /// The value of `key` with its age, unless it has expired.
    pub fn get<Q>(&self, key: &Q) -> Option<Aged<V>>
    where
        Q: Equivalent<K> + Hash + ?Sized,
    {
        let (entry, now) = self.find(key)?;
        Some(Aged {
            value: entry.value.clone(),
            age: now.saturating_duration_since(entry.put),
        })
    }

    /// The value of `key`, if it was put less than `ttl` ago and has not expired. An older value stays in the cache.
    pub fn fresh<Q>(&self, key: &Q, ttl: Duration) -> Option<V>
    where
        Q: Equivalent<K> + Hash + ?Sized,
    {
        let (entry, now) = self.find(key)?;
        (now.saturating_duration_since(entry.put) < ttl).then(|| entry.value.clone())
    }

    /// Puts a value, which replaces the one that `key` has. It stays until it reaches the cache's maximum age, if there
    /// is one, or until others need its room.
    ///
    /// A value whose entry is heavier than [`largest`](Self::largest) is not kept, and neither is the one that it
    /// replaces.
    pub fn put(&self, key: K, value: V) {
        self.insert(key, value, self.max_age);
    }

    /// Puts a value that expires after `lifetime`, or at the cache's maximum age if that comes first.
    pub fn put_for(&self, key: K, value: V, lifetime: Duration) {
        let lifetime = self.max_age.map_or(lifetime, |max_age| max_age.min(lifetime));
        self.insert(key, value, Some(lifetime));
    }

    /// Removes the value of `key`, and returns it unless it has expired.
    pub fn remove<Q>(&self, key: &Q) -> Option<V>
    where
        Q: Equivalent<K> + Hash + ?Sized,
    {
        let (_, entry) = self.entries.remove(&Lookup(key))?;
        (!entry.is_expired(Instant::now())).then(|| entry.value.clone())
    }

    /// Removes every entry for which `keep` returns false, and what has expired.
    ///
    /// `keep` is called under a lock of a part of the cache: it must not use the cache.
    pub fn retain(&self, keep: impl Fn(&K, &V) -> bool) {
        let now = Instant::now();
        self.entries
            .retain(|_, entry| !entry.is_expired(now) && keep(&entry.key, &entry.value));
    }

    /// Removes what has expired.
    ///
    /// The owner of a cache that may fill up calls it about as often as entries expire. Without that, expired entries
    /// that no caller meets go when room is needed, but as slowly as entries that are still good: until then, new
    /// entries that are asked for only once share the remaining room.
    pub fn sweep(&self) {
        self.retain(|_, _| true);
    }

    /// Removes all entries.
    pub fn clear(&self) {
        self.entries.clear();
    }

    /// Number of entries, with those that have expired and were not met since.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is no entry.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Bytes that the entries take, keys and bookkeeping included.
    pub fn weight(&self) -> u64 {
        self.entries.weight()
    }

    /// Bytes that the entries may take; less than was asked for by rounding at most.
    pub fn capacity(&self) -> u64 {
        self.entries.capacity()
    }

    /// Weight of the heaviest entry that is kept: 97 % of a part of the cache. See [`CacheOptions::largest`].
    pub fn largest(&self) -> u64 {
        self.largest
    }

    fn find<Q>(&self, key: &Q) -> Option<(Arc<Entry<K, V>>, Instant)>
    where
        Q: Equivalent<K> + Hash + ?Sized,
    {
        let entry = self.entries.get(&Lookup(key))?;
        let now = Instant::now();
        if entry.is_expired(now) {
            // Compare, because another caller may have put a new value in between.
            self.entries
                .remove_if(&Lookup(key), |found| Arc::ptr_eq(found, &entry));
            return None;
        }
        Some((entry, now))
    }

    fn insert(&self, key: K, value: V, lifetime: Option<Duration>) {
        let weight = Entry::<K, V>::weight((self.heap_size)(&key, &value));
        if weight > self.largest || lifetime.is_some_and(|lifetime| lifetime.is_zero()) {
            self.entries.remove(&Lookup(&key));
            return;
        }
        let put = Instant::now();
        let entry = Arc::new(Entry {
            key,
            value,
            put,
            // A lifetime too long for an instant is as good as none.
            expires: lifetime.and_then(|lifetime| put.checked_add(lifetime)),
            weight,
        });
        self.entries.insert(ByKey(Arc::clone(&entry)), entry);
    }
}

impl<K: Eq + Hash, V: Clone> fmt::Debug for Cache<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cache")
            .field("len", &self.len())
            .field("weight", &self.weight())
            .field("capacity", &self.capacity())
            .field("max_age", &self.max_age)
            .finish_non_exhaustive()
    }
}

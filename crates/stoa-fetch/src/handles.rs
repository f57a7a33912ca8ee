//! Handles that are kept for as long as they are used.

use std::{fmt, hash::Hash, time::Duration};

use parking_lot::Mutex;
use stoa_cache::{Cache, CacheOptions, Weigh};

/// How many are kept at most.
const MOST: u64 = 256;

/// What a handle is taken to weigh, in bytes: mostly a list of tags. What else is remembered of a repository has a bound
/// of its own.
const WEIGHT: usize = 64 << 10;

/// A handle that was not used for so long is dropped, with all that it knows.
const IDLE: Duration = Duration::from_secs(600);

/// Gives out the same handle again while it is used, so that questions share what they found.
///
/// Bounded by weight, which is at most 256 handles, fewer if their keys are long. What is idle is dropped when the next
/// handle is made.
pub(crate) struct Handles<K, V> {
    cache: Cache<K, V>,
    /// Held while a handle is made, so that no two callers make one each. Making one sends no request.
    making: Mutex<()>,
}

impl<K, V> Handles<K, V>
where
    K: Eq + Hash + Weigh,
    V: Clone,
{
    pub(crate) fn new() -> Self {
        let capacity = MOST * (WEIGHT + size_of::<(K, V)>()) as u64;
        let options = CacheOptions::new(capacity).largest(capacity / 4).max_age(IDLE);
        Self {
            cache: Cache::weighed_by(options, |key, _| WEIGHT + key.heap_size()),
            making: Mutex::default(),
        }
    }

    /// The handle of `key`, made if there is none.
    pub(crate) fn get_or_make<E>(&self, key: K, make: impl FnOnce() -> Result<V, E>) -> Result<V, E> {
        let _making = self.making.lock();
        let handle = if let Some(known) = self.cache.get(&key) {
            known.value
        } else {
            self.cache.sweep();
            make()?
        };
        // Also for one that was known: its age starts anew.
        self.cache.put(key, handle.clone());
        Ok(handle)
    }
}

impl<K: Eq + Hash + Clone, V: Clone> Handles<K, V> {
    /// The keys of the handles that are kept.
    pub(crate) fn keys(&self) -> Vec<K> {
        let keys = Mutex::new(Vec::new());
        self.cache.retain(|key, _| {
            keys.lock().push(key.clone());
            true
        });
        keys.into_inner()
    }
}

impl<K: Eq + Hash, V: Clone> fmt::Debug for Handles<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Handles").field(&self.cache).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::{convert::Infallible, sync::Arc};

    use super::*;

    fn open(handles: &Handles<String, Arc<u64>>, key: u64) -> Arc<u64> {
        let made = handles.get_or_make(key.to_string(), || Ok::<_, Infallible>(Arc::new(key)));
        made.unwrap_or_else(|never| match never {})
    }

    #[tokio::test(start_paused = true)]
    async fn a_handle_stays_while_it_is_used() {
        let handles = Handles::new();
        let first = open(&handles, 1);
        for _ in 0..3 {
            tokio::time::advance(IDLE * 9 / 10).await;
            assert!(Arc::ptr_eq(&first, &open(&handles, 1)));
        }
        tokio::time::advance(IDLE).await;
        open(&handles, 2);
        assert_eq!(
            (handles.cache.len(), Arc::strong_count(&first)),
            (1, 1),
            "it was idle"
        );
        assert!(!Arc::ptr_eq(&first, &open(&handles, 1)));
    }

    #[tokio::test]
    async fn there_are_not_too_many() {
        let handles = Handles::new();
        for key in 0..2000 {
            open(&handles, key);
            assert!(handles.cache.len() <= 256);
        }
        assert!(handles.cache.len() > 200);
    }

    #[tokio::test]
    async fn what_cannot_be_made_is_not_kept() {
        let handles = Handles::<String, Arc<u64>>::new();
        let failed = handles.get_or_make("1".to_owned(), || Err("no"));
        assert_eq!(failed, Err("no"));
        assert_eq!(*open(&handles, 1), 1);
    }
}

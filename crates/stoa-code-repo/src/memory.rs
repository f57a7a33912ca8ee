//! A little memory.

use std::{collections::VecDeque, fmt, time::Duration};

use parking_lot::Mutex;
use tokio::time::Instant;

/// The last few answers, each for a while. Small enough to be searched from end to end.
pub(crate) struct Memory<K, V> {
    entries: Mutex<VecDeque<Entry<K, V>>>,
    capacity: usize,
    /// How long an answer holds; `None` for what never changes.
    holds: Option<Duration>,
}

struct Entry<K, V> {
    key: K,
    value: V,
    since: Instant,
}

impl<K: PartialEq, V: Clone> Memory<K, V> {
    pub(crate) fn new(capacity: usize, holds: Option<Duration>) -> Self {
        Self {
            entries: Mutex::new(VecDeque::new()),
            capacity,
            holds,
        }
    }

    /// The answer to `key`, if it is remembered and still holds.
    pub(crate) fn get<Q>(&self, key: &Q) -> Option<V>
    where
        K: PartialEq<Q>,
        Q: ?Sized,
    {
        let mut entries = self.entries.lock();
        if let Some(holds) = self.holds {
            entries.retain(|entry| entry.since.elapsed() < holds);
        }
        entries
            .iter()
            .find(|entry| entry.key == *key)
            .map(|entry| entry.value.clone())
    }

    /// Remembers an answer, and forgets the oldest one if there are too many.
    pub(crate) fn put(&self, key: K, value: V) {
        if self.holds == Some(Duration::ZERO) {
            return;
        }
        let since = Instant::now();
        let mut entries = self.entries.lock();
        entries.retain(|entry| entry.key != key);
        if entries.len() >= self.capacity {
            entries.pop_front();
        }
        entries.push_back(Entry { key, value, since });
    }
}

impl<K, V> fmt::Debug for Memory<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Memory")
            .field("capacity", &self.capacity)
            .field("holds", &self.holds)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn answers_hold_for_a_while_and_are_few() {
        let memory: Memory<String, u8> = Memory::new(2, Some(Duration::from_secs(10)));
        memory.put("a".to_owned(), 1);
        memory.put("b".to_owned(), 2);
        memory.put("b".to_owned(), 3);
        assert_eq!((memory.get("a"), memory.get("b")), (Some(1), Some(3)));
        tokio::time::advance(Duration::from_secs(5)).await;
        memory.put("c".to_owned(), 4);
        assert_eq!(
            (memory.get("a"), memory.get("b"), memory.get("c")),
            (None, Some(3), Some(4))
        );
        tokio::time::advance(Duration::from_secs(6)).await;
        assert_eq!((memory.get("b"), memory.get("c")), (None, Some(4)));
    }

    #[tokio::test(start_paused = true)]
    async fn what_never_changes_is_not_forgotten_and_no_time_at_all_remembers_nothing() {
        let memory: Memory<u8, u8> = Memory::new(1, None);
        memory.put(1, 1);
        tokio::time::advance(Duration::from_secs(1 << 20)).await;
        assert_eq!(memory.get(&1), Some(1));
        let memory: Memory<u8, u8> = Memory::new(1, Some(Duration::ZERO));
        memory.put(1, 1);
        assert_eq!(memory.get(&1), None);
    }
}

//! Counters of runs.

use std::collections::BTreeMap;

use parking_lot::Mutex;

/// How often each kind of program run, and whatever else an adapter counts, happened. For metrics, and for tests that
/// say how often something may happen.
#[derive(Debug, Default)]
pub struct Counters {
    counts: Mutex<BTreeMap<&'static str, u64>>,
}

impl Counters {
    /// Counts `by` more of `kind`.
    pub fn add(&self, kind: &'static str, by: u64) {
        *self.counts.lock().entry(kind).or_default() += by;
    }

    /// How many of `kind` there were.
    pub fn get(&self, kind: &str) -> u64 {
        self.counts.lock().get(kind).copied().unwrap_or_default()
    }

    /// All of them.
    pub fn all(&self) -> BTreeMap<&'static str, u64> {
        self.counts.lock().clone()
    }
}

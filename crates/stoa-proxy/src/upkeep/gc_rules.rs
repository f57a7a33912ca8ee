//! Which versions go to make room.

use std::time::{Duration, SystemTime};

use stoa_index::IndexEntry;
use stoa_module::PatternList;

use super::{gc_report::Kept, keep_list::KeepList};

/// Which versions go to make room, and which stay whatever happens.
#[derive(Clone, Debug, Default)]
pub struct GcRules {
    /// How many bytes all files may have.
    pub quota: Option<u64>,
    /// How long after its last use a version goes.
    pub max_age: Option<Duration>,
    /// What was used within this time stays.
    pub min_age: Duration,
    /// What always stays.
    pub keep: KeepList,
    /// Private modules, which always stay.
    pub private: PatternList,
    /// Whether what upstream does not have any more always stays.
    pub keep_gone: bool,
}

impl GcRules {
    /// Whether anything ever goes.
    pub fn is_on(&self) -> bool {
        self.quota.is_some() || self.max_age.is_some()
    }

    /// Whether a version is old enough to go whatever room there is.
    pub(super) fn is_expired(&self, entry: &IndexEntry, now: SystemTime) -> bool {
        self.max_age.is_some_and(|max| age(entry, now) > max)
    }

    /// Why a version stays, as far as the index can tell.
    pub(super) fn keeps(&self, entry: &IndexEntry, now: SystemTime) -> Option<Kept> {
        if age(entry, now) < self.min_age {
            return Some(Kept::Recent);
        }
        if self.keep.names(&entry.target) {
            return Some(Kept::Listed);
        }
        let is_private = self.private.matches(entry.target.path().as_str());
        is_private.then_some(Kept::Private)
    }
}

/// How long ago a version was used, or came.
fn age(entry: &IndexEntry, now: SystemTime) -> Duration {
    let used = SystemTime::from(entry.used());
    now.duration_since(used).unwrap_or(Duration::ZERO)
}

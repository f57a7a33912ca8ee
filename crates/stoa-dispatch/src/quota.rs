//! A number that is divided among shares, without waiting.

use std::{collections::HashMap, fmt, sync::Arc};

use parking_lot::Mutex;

use crate::Share;

/// So many of something at a time, of which no [`Share`] takes all. Who gets none is told so at once.
///
/// Clones are the same quota.
#[derive(Clone)]
pub struct Quota(Arc<Inner>);

struct Inner {
    limit: usize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    used: usize,
    /// Those that hold something, so never more than the limit.
    by_share: HashMap<Share, usize>,
}

/// One of a quota. Dropping it gives it back.
#[must_use = "it is given back as soon as this is dropped"]
pub struct QuotaPermit {
    quota: Arc<Inner>,
    share: Share,
}

impl Quota {
    /// So many at a time, at least one.
    pub fn new(limit: usize) -> Self {
        Self(Arc::new(Inner {
            limit: limit.max(1),
            state: Mutex::default(),
        }))
    }

    /// One for `share`, unless all are taken or the share has its part already.
    pub fn try_take(&self, share: &Share) -> Option<QuotaPermit> {
        let mut state = self.0.state.lock();
        let free = self.0.limit - state.used;
        if share.is_none() {
            if free == 0 {
                return None;
            }
        } else {
            let held = state.by_share.get(share).copied().unwrap_or(0);
            if !share.may_take(held, free) {
                return None;
            }
            state.by_share.insert(share.clone(), held + 1);
        }
        state.used += 1;
        Some(QuotaPermit {
            quota: Arc::clone(&self.0),
            share: share.clone(),
        })
    }

    /// How many there are.
    pub fn limit(&self) -> usize {
        self.0.limit
    }

    /// How many are taken.
    pub fn used(&self) -> usize {
        self.0.state.lock().used
    }
}

impl Drop for QuotaPermit {
    fn drop(&mut self) {
        let mut state = self.quota.state.lock();
        state.used -= 1;
        if let Some(held) = state.by_share.get_mut(&self.share) {
            *held -= 1;
            if *held == 0 {
                state.by_share.remove(&self.share);
            }
        }
    }
}

impl fmt::Debug for Quota {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Quota({} of {})", self.used(), self.0.limit)
    }
}

impl fmt::Debug for QuotaPermit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "QuotaPermit({})", self.share)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_share_takes_all_and_what_is_given_back_can_be_taken_again() {
        let quota = Quota::new(8);
        let (a, b) = (Share::named("a"), Share::named("b"));
        let held: Vec<_> = std::iter::from_fn(|| quota.try_take(&a)).collect();
        assert_eq!((held.len(), quota.used()), (6, 6));
        let other = quota.try_take(&b).expect("there is something left for others");
        assert!(quota.try_take(&a).is_none());
        let rest = quota.try_take(&Share::NONE).expect("the last one");
        assert!(quota.try_take(&b).is_none() && quota.try_take(&Share::NONE).is_none());
        drop((held, other, rest));
        assert_eq!((quota.used(), quota.limit()), (0, 8));
        assert!(quota.0.state.lock().by_share.is_empty());
    }
}

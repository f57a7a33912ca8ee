//! Who comes first for the keys that were asked for lately.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
};

use super::{members::Members, owner_key::OwnerKey};

/// How many keys are kept: those of the questions that are under way. A key is asked about some times in each question.
const KEYS: usize = 1024;
/// How many of the first are kept of each. Seldom more have to be asked whether they are up.
const KEPT: usize = 16;

/// The first nodes for the keys that were asked for lately, as places among the members. A rank costs a hash for each node, so that
/// it is found once for each question.
#[derive(Debug, Default)]
pub(super) struct Ranks {
    first: HashMap<OwnerKey, Arc<[usize]>>,
    /// The oldest first.
    keys: VecDeque<OwnerKey>,
}

impl Ranks {
    /// The places of the first members for `key`: of all of them, if they are few.
    pub(super) fn first(&mut self, key: &OwnerKey, members: &Members) -> Arc<[usize]> {
        if let Some(known) = self.first.get(key) {
            return Arc::clone(known);
        }
        let first: Arc<[usize]> = members.ranked(key).take(KEPT).collect();
        if self.keys.len() == KEYS
            && let Some(oldest) = self.keys.pop_front()
        {
            self.first.remove(&oldest);
        }
        self.keys.push_back(key.clone());
        self.first.insert(key.clone(), Arc::clone(&first));
        first
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Member;

    fn members(count: usize) -> Members {
        Members::new((0..count).map(|number| Member {
            id: format!("n{number}").into(),
            address: "http://x.test".into(),
            weight: 1.0,
            is_owner: true,
            instance: None,
        }))
    }

    #[test]
    fn a_key_is_ranked_once_and_keys_are_bounded() {
        let (many, mut ranks) = (members(1000), Ranks::default());
        let key = OwnerKey::of_text("a");
        let first = ranks.first(&key, &many);
        let whole: Vec<_> = many.ranked(&key).collect();
        assert_eq!(first[..], whole[..KEPT]);
        assert_eq!(whole.len(), 1000);
        // With other members it would be another rank: it is not found anew.
        assert!(Arc::ptr_eq(&first, &ranks.first(&key, &members(3))));
        for number in 0..2 * KEYS {
            ranks.first(&OwnerKey::of_text(&number.to_string()), &members(3));
        }
        assert_eq!((ranks.first.len(), ranks.keys.len()), (KEYS, KEYS));
        assert_eq!(ranks.first(&key, &members(3)).len(), 3, "it was the oldest");
    }
}

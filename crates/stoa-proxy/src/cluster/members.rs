//! The nodes that may own something.

use std::{
    cmp::{Ordering, Reverse},
    collections::BinaryHeap,
    iter,
    sync::Arc,
};

use super::{member::Member, owner_key::OwnerKey};

/// The nodes of a cluster at a time, this one among them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Members {
    all: Arc<[Member]>,
}

impl Members {
    /// These nodes.
    pub fn new(members: impl IntoIterator<Item = Member>) -> Self {
        Self {
            all: members.into_iter().collect(),
        }
    }

    /// All of them.
    pub fn all(&self) -> &[Member] {
        &self.all
    }

    /// Those who want to own something, the owner of `key` first.
    pub fn owners(&self, key: &OwnerKey) -> Vec<&Member> {
        self.holders(key)
            .into_iter()
            .filter(|member| member.is_owner)
            .collect()
    }

    /// All, those first who are likely to have `key` stored: the owner, and who owned it before others came.
    pub fn holders(&self, key: &OwnerKey) -> Vec<&Member> {
        self.ranked(key).map(|place| &self.all[place]).collect()
    }

    /// The places of all among [`all`](Self::all), in the same order. Who takes few of them sorts few of them.
    pub(super) fn ranked(&self, key: &OwnerKey) -> impl Iterator<Item = usize> {
        let wants = self.all.iter().enumerate().map(|(place, member)| Want {
            score: key.wanted_by(&member.id, member.weight),
            id: Reverse(Arc::clone(&member.id)),
            place,
        });
        let mut wants: BinaryHeap<Want> = wants.collect();
        iter::from_fn(move || wants.pop().map(|want| want.place))
    }
}

/// How much a node wants a key. The greatest is the first; of those who want it as much, the one whose id is the first.
#[derive(Debug)]
struct Want {
    score: f64,
    id: Reverse<Arc<str>>,
    place: usize,
}

impl Ord for Want {
    fn cmp(&self, other: &Self) -> Ordering {
        self.score
            .total_cmp(&other.score)
            .then_with(|| self.id.cmp(&other.id))
    }
}

impl PartialOrd for Want {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Want {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Want {}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use stoa_module::Resource;

    use super::*;

    fn member(id: &str, weight: f64) -> Member {
        Member {
            id: id.into(),
            address: format!("http://{id}.test").into(),
            weight,
            is_owner: true,
            instance: None,
        }
    }

    fn key(number: usize) -> OwnerKey {
        let path = format!("example.com/m{number}/@v/v1.0.0.zip");
        OwnerKey::of(&Resource::parse(&path).expect("a path").expect("a resource"))
    }

    fn owners(members: &Members, keys: usize) -> Vec<Arc<str>> {
        let owner = |number| Arc::clone(&members.owners(&key(number))[0].id);
        (0..keys).map(owner).collect()
    }

    fn counts(owners: &[Arc<str>]) -> HashMap<Arc<str>, usize> {
        let mut counts = HashMap::new();
        for owner in owners {
            *counts.entry(Arc::clone(owner)).or_default() += 1;
        }
        counts
    }

    #[test]
    fn keys_are_spread_and_move_only_to_who_comes() {
        let three = ["a", "b", "c"].map(|id| member(id, 1.0));
        let before = owners(&Members::new(three.clone()), 6_000);
        for (id, count) in counts(&before) {
            assert!((1_850..2_150).contains(&count), "{id} owns {count} of 6000");
        }
        let four = Members::new(three.into_iter().chain([member("d", 1.0)]));
        let after = owners(&four, 6_000);
        let moved: Vec<_> = before
            .iter()
            .zip(&after)
            .filter(|(one, other)| one != other)
            .collect();
        assert!(moved.iter().all(|(_, to)| to.as_ref() == "d"));
        assert!(
            (1_350..1_650).contains(&moved.len()),
            "{} of 6000 keys moved",
            moved.len()
        );
        // Who had it before is the second in line now.
        for (number, (from, to)) in before.iter().zip(&after).enumerate() {
            let holders = four.holders(&key(number));
            assert_eq!(&holders[usize::from(from != to)].id, from);
        }
    }

    #[test]
    fn a_node_of_twice_the_weight_owns_twice_as_much() {
        let owned = counts(&owners(
            &Members::new([member("a", 2.0), member("b", 1.0)]),
            6_000,
        ));
        let heavy = owned["a"];
        assert!((3_850..4_150).contains(&heavy), "{heavy} of 6000");
    }

    #[test]
    fn who_drains_owns_nothing_and_is_a_holder() {
        let draining = Member {
            is_owner: false,
            ..member("a", 1.0)
        };
        let members = Members::new([draining, member("b", 1.0)]);
        assert!(owners(&members, 100).iter().all(|owner| owner.as_ref() == "b"));
        assert_eq!(members.holders(&key(1)).len(), 2);
    }

    #[test]
    fn the_order_is_the_same_in_every_version() {
        let members = Members::new(["a", "b", "c", "d", "e"].map(|id| member(id, 1.0)));
        let order = |number| {
            let ranked = members.owners(&key(number)).into_iter();
            ranked.map(|member| member.id.to_string()).collect::<String>()
        };
        // Computed apart from this code, with Python's hashlib and math.
        assert_eq!([order(0), order(1), order(2)], ORDERS.map(str::to_owned));
    }

    const ORDERS: [&str; 3] = ["cdbea", "deabc", "ecadb"];
}

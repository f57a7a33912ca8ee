//! Random choices that can be made again.

use std::hash::{BuildHasher, RandomState};

/// Numbers that follow from a seed.
pub(crate) struct Choices(u64);

impl Choices {
    /// Seeded with `STOA_SEED`, else at random; prints the seed, which the test runner shows on failure.
    #[expect(clippy::print_stdout, reason = "the way to repeat a failed run")]
    #[expect(
        clippy::disallowed_methods,
        reason = "the seed of a failed run is given by hand"
    )]
    pub(crate) fn from_env() -> Self {
        let seed = match std::env::var("STOA_SEED") {
            Ok(seed) => seed.parse().expect("STOA_SEED is a number"),
            Err(_) => RandomState::new().hash_one("seed"),
        };
        println!("STOA_SEED={seed}");
        Self(seed)
    }

    /// A number below `bound`.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % bound
    }

    /// Puts a list into a random order.
    pub(crate) fn shuffle<T>(&mut self, list: &mut [T]) {
        for last in (1..list.len()).rev() {
            let other = self.below(last as u64 + 1);
            list.swap(last, usize::try_from(other).expect("an index"));
        }
    }
}

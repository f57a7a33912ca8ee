//! Transfers that break off: what has been sent is the beginning of what comes, or the answer is cut.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "these are tests")]

mod builds;
mod cut_source;
mod cut_sums;
mod cuts;
mod day;
mod source;
mod unions;
mod zips;

/// The binary under test.
const STOA: &str = env!("CARGO_BIN_EXE_stoa");

/// A number below `limit` that follows from `seed`, which it changes.
fn random(seed: &mut u64, limit: u64) -> u64 {
    // SplitMix64.
    *seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut mixed = *seed;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (mixed ^ (mixed >> 31)) % limit.max(1)
}

/// The seed of a run: that of `STOA_SEED`, else the time. It is printed.
fn seed() -> u64 {
    let now = || {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        u64::from(now.unwrap().subsec_nanos())
    };
    let seed = stoa_testing::go::environment("STOA_SEED").map_or_else(now, |seed| seed.parse().unwrap());
    println!("STOA_SEED={seed}");
    seed
}

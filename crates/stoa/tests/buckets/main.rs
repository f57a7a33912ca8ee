//! Real processes that keep modules in a bucket.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "these are tests, which say what they measure"
)]

mod memory;
mod outages;
mod races;
mod stand;

/// The binary under test.
const STOA: &str = env!("CARGO_BIN_EXE_stoa");

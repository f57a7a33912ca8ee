//! Real processes that keep modules in a bucket.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

mod memory;
mod outages;
mod races;
mod stand;

/// The binary under test.
const STOA: &str = env!("CARGO_BIN_EXE_stoa");

//! What stoa endures: being killed at any moment, half a gigabyte for ten clients at once, upstreams
//! that never answer.
//!
//! Every body is compared with the fixture it came from, byte by byte.

mod choice;
mod fairness;
mod frames;
mod hits;
mod kill;
mod large;
mod soak;
mod stored;
mod transfer;

/// The binary under test.
const STOA: &str = env!("CARGO_BIN_EXE_stoa");

/// One test of this program at a time: they measure memory and time, and a neighbour would be measured too.
static ALONE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

//! Several servers that are one: real processes on addresses of this machine, real registries, and a scripted upstream that
//! counts.

#![allow(
    clippy::unwrap_used,
    clippy::missing_panics_doc,
    clippy::print_stdout,
    reason = "these are tests, which say what they measure"
)]

mod bad_sources;
mod checksums;
mod drains;
mod fetches;
mod files;
mod membership;
mod nodes;
mod outages;
mod reach;
mod removals;
mod settings;
mod strangers;
mod upstreams;
mod wire;
mod wires;

/// The binary under test.
const STOA: &str = env!("CARGO_BIN_EXE_stoa");

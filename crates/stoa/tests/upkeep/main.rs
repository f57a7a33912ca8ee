//! What is known of what is stored, and what is done about it, by the real binary.

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::missing_panics_doc,
    reason = "these are tests"
)]

mod external;
mod gc;
mod index;
mod outages;
mod removal;
mod scene;

pub(crate) const STOA: &str = env!("CARGO_BIN_EXE_stoa");

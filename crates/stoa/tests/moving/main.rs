//! Moving over from other proxies, by the real binary.

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::missing_panics_doc,
    reason = "these are tests"
)]

mod configurations;
mod copies;
mod mongo;
mod running;
mod scene;
mod trees;

pub(crate) const STOA: &str = env!("CARGO_BIN_EXE_stoa");

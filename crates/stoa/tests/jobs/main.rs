//! Durable jobs of the real binary.

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::missing_panics_doc,
    reason = "these are tests"
)]

mod api;
mod cli;
mod downloads;
mod limits;
mod mirrors;
mod modes;
mod origin;
mod prefetch;
mod scene;
mod surfaces;
mod workers;

pub(crate) const STOA: &str = env!("CARGO_BIN_EXE_stoa");

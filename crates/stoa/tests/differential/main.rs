//! Random git repositories, asked of cmd/go and of stoa: the answers must be the same.
//!
//! Every repository is made of a seed, which is printed with what differs; so a difference is looked into with
//!
//! ```sh
//! STOA_DIFFERENTIAL_SEED=1234 cargo test --package stoa --test differential -- --nocapture
//! ```
//!
//! `STOA_DIFFERENTIAL_COUNT` says how many repositories there are, `STOA_DIFFERENTIAL_SIZE` how large they get.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::format_push_string,
    reason = "these are tests"
)]

mod command;
mod compare;
mod files;
mod names;
mod odd;
mod oracle;
mod questions;
mod random;
mod repository;
mod run;

pub(crate) const STOA: &str = env!("CARGO_BIN_EXE_stoa");

//! Modules straight from repositories, asked of the real binary over HTTP and compared with what cmd/go says.

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::missing_panics_doc,
    reason = "these are tests"
)]

mod authorities;
mod freshness;
mod local_copies;
mod oracle;
mod own_authority;
mod pauses;
mod programs;
mod steps;
mod tls;
mod words;

pub(crate) const STOA: &str = env!("CARGO_BIN_EXE_stoa");

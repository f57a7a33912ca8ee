//! The tools do what they claim, so that a failing test of stoa means a fault of stoa.

#![allow(clippy::unwrap_used, clippy::missing_panics_doc, reason = "these are tests")]

mod faults;
mod go_client;
mod http_client;
mod large;
mod process;
mod sum_database;
mod upstream;

//! Stores and engines, from outside.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

mod adapters;
mod clock;
mod crash;
mod engine;
mod faults;
mod groups;
mod processes;
mod scripted;
mod support;

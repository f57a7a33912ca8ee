//! Stores and engines, from outside.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

mod adapters;
mod engine;
mod scripted;
mod support;

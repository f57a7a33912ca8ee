//! The storage seen from outside.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

mod adapters;
mod concurrency;
mod crash;
mod faults;
mod layout;
mod memory;
mod support;
mod tiered;

//! Buckets, seen from outside: real services and stand-ins, started by the tests.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "tests fail by panicking, and print what they measured"
)]

mod clocks;
mod conforms;
mod faults;
mod services;

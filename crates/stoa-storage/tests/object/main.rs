//! Buckets, seen from outside: real services and stand-ins, started by the tests.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

mod conforms;
mod faults;
mod services;

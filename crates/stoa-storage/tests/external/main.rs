//! The client of Athens' external storage protocol, against a server of the test.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

mod conforms;
mod faults;
mod reads;
mod saves;
mod server;
mod setup;

//! MongoDB, for which a script stands in.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

mod athens;
mod conforms;
mod fake;
mod faults;
mod keeps;

//! What adapters of databases have in common.

pub(crate) mod address;
pub(crate) mod connections;
pub(crate) mod options;
pub(crate) mod roots;

use std::time::Duration;

/// How many connections read at a time.
pub(crate) const READERS: usize = 2;

/// How long the end of a connection may take.
pub(crate) const GOODBYE: Duration = Duration::from_secs(1);

/// The version of the tables that this library writes.
pub(crate) const VERSION: i64 = 1;

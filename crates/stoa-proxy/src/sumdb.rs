//! The checksum database: passed on to clients, and asked before anything is stored.
//!
//! ```text
//! ChecksumDatabases   which database a path is of
//! ChecksumDatabase    watched -> private_gate -> sum_memory -> sum_flight -> sum_retry -> verified -> files | offline
//! Sums                checked | no_check: what a file that is about to be stored is held against
//! ```
//!
//! Nothing is passed on, cached or believed that the log does not vouch for: the innermost layer is a
//! [`stoa_sumdb::Client`], and every answer of it has been verified.

mod alarm;
mod checksum_error;
mod client_failure;
mod database;
mod database_adapter;
mod databases;
mod expected;
mod private_gate;
mod registered_files;
mod sum_files;
mod sum_flight;
mod sum_memory;
mod sum_retry;
mod sums;
mod verified;
mod watch;

pub use alarm::Alarm;
pub use checksum_error::ChecksumError;
pub use database::{ChecksumDatabase, SumAnswer};
pub use database_adapter::{DatabaseAdapter, Remote};
pub use databases::{ChecksumDatabases, SumPathError, SumQuestion, SumRequest};
pub use expected::Expected;
pub use private_gate::PrivateGate;
pub use registered_files::RegisteredFiles;
pub use sum_files::SumFiles;
pub use sum_flight::SumFlight;
pub use sum_memory::{SumMemory, SumMemoryOptions};
pub use sum_retry::SumRetry;
pub use sums::{CheckedSums, NoCheck, Sums, Unavailable};
pub use verified::VerifiedDatabase;
pub use watch::{SumWatch, Unwatched, Verification, Watched};

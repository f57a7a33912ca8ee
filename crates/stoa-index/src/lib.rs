#![doc = include_str!("../README.md")]
//!
//! # The parts
//!
//! - [`Index`] is the port; what happens comes in as [`IndexEvent`], and what is known goes out as [`IndexEntry`].
//! - An adapter only keeps rows and finds them: what becomes of them is decided in one place, a batch at a time.

mod batch;
#[cfg(any(feature = "sqlite", feature = "postgres", feature = "mysql"))]
mod columns;
pub mod conformance;
#[cfg(any(feature = "postgres", feature = "mysql"))]
mod database;
mod entry;
mod error;
mod event;
mod index;
mod memory;
#[cfg(feature = "mysql")]
mod mysql;
mod note;
#[cfg(feature = "postgres")]
mod postgres;
mod range;
mod row;
#[cfg(feature = "sqlite")]
mod sqlite;
#[cfg(any(feature = "sqlite", feature = "postgres", feature = "mysql"))]
mod sweep;
mod timestamp;

#[cfg(any(feature = "postgres", feature = "mysql"))]
pub use database::{
    address::{DatabaseAddress, DatabaseAddressError, System},
    options::DatabaseOptions,
};
pub use entry::{EntryFilter, IndexEntry, Listed, ModuleTotals, Totals, UseCursor};
pub use error::{Cause, Fault, IndexError};
pub use event::{FileKind, IndexEvent, MAX_MODULE, MAX_VERSION, Stored};
pub use index::{Index, MAX_BATCH, MAX_PAGE, Rebuild};
pub use memory::MemoryIndex;
#[cfg(feature = "mysql")]
pub use mysql::MysqlIndex;
pub use note::{Note, NoteError, Origin, Verifier};
#[cfg(feature = "postgres")]
pub use postgres::PostgresIndex;
#[cfg(feature = "sqlite")]
pub use sqlite::SqliteIndex;
pub use timestamp::Timestamp;

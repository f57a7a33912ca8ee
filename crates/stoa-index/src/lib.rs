#![doc = include_str!("../README.md")]
//!
//! # The parts
//!
//! - [`Index`] is the port; what happens comes in as [`IndexEvent`], and what is known goes out as [`IndexEntry`].
//! - An adapter only keeps rows and finds them: what becomes of them is decided in one place, a batch at a time.

mod batch;
pub mod conformance;
mod entry;
mod error;
mod event;
mod index;
mod memory;
mod note;
mod range;
mod row;
mod timestamp;

pub use entry::{EntryFilter, IndexEntry, Listed, ModuleTotals, Totals, UseCursor};
pub use error::{Cause, Fault, IndexError};
pub use event::{FileKind, IndexEvent, MAX_MODULE, MAX_VERSION, Stored};
pub use index::{Index, MAX_BATCH, MAX_PAGE, Rebuild};
pub use memory::MemoryIndex;
pub use note::{Note, NoteError, Origin, Verifier};
pub use timestamp::Timestamp;

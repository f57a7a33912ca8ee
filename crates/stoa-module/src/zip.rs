//! Module zips: which files they hold, how they are written, and whether to believe one.
//!
//! The rules are those of `golang.org/x/mod/zip`, error texts included. There are four ways in:
//!
//! - [`create`] writes a zip from the files of a source tree, sorted by [`check_files`]; [`list_tree`] and
//!   [`check_tree`] are for trees that come from a directory.
//! - [`PackedZip`] does the same with contents that a [`Deflater`] compressed before, on as many threads as there are.
//! - [`StreamChecker`] checks a zip while it arrives and keeps none of it. It judges every zip that common writers
//!   make, and says so where it cannot.
//! - [`check()`] checks a zip file that can be read at any offset, as Go does. [`report`] lists all its faults.
//!
//! Both checks verify names, collisions and sizes, inflate every entry, and return the same [`ZipSummary`].

mod check;
mod collision;
mod content;
mod deflate;
mod directory;
mod emit;
mod error;
mod level;
mod limits;
mod names;
mod packed;
mod problem;
mod record;
mod rules;
mod stream;
mod summary;
mod tree;
mod vendored;
mod writer;

pub use check::{check, report};
pub use deflate::{Deflater, Member};
pub use error::{SizeError, ZipError};
pub use level::Level;
pub use limits::{MAX_GO_MOD, MAX_LICENSE, MAX_ZIP_FILE, ZipLimits};
pub use packed::{PackedZip, Part};
pub use problem::{FileError, FileErrors, FileProblem};
pub use rules::{CheckedFiles, FileEntry, FileKind, check_files};
pub use stream::{StreamChecker, StreamVerdict};
pub use summary::ZipSummary;
pub use tree::{TreeListing, check_tree, list_tree};
pub use vendored::is_vendored_package;
pub use writer::create;

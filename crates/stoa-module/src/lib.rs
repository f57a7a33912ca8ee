//! Go modules as files and names: paths, versions, go.mod files, module zips and their hashes.
//!
//! Everything here is pure: no I/O but the readers and writers given, no clock, no environment. The rules are those
//! of the go command, down to the texts of errors; each item names the function of `golang.org/x/mod` that it
//! follows, and says where it does not.
//!
//! # Names
//!
//! - [`ModulePath`], [`Version`] and the two of them as [`ModuleVersion`] are checked once, when they are made, and
//!   can be trusted from there on. All clone cheaply.
//! - [`Query`] is what a request asks for: a version, or a [`Revision`] that resolves to one.
//! - [`Resource`] is one question of the GOPROXY protocol, read from the path of a request and written as one; [`Info`]
//!   is the answer to those that name a version.
//! - Each has a plain form (`as_str`, `parse`) and an escaped form for URLs and file names (`escaped`, `unescape`).
//! - [`semver`] compares versions as text; [`PseudoVersion`] takes those apart that name a commit.
//! - [`Candidates`] are the versions that a query such as `latest` chooses from.
//! - [`Wanted`] are the modules that a go.sum, a go.mod, a program or a list asks for.
//! - [`PatternList`] matches module paths as GOPRIVATE does.
//!
//! # Files
//!
//! - [`modfile`] reads go.mod files.
//! - [`zip`] writes module zips and checks them, also while they arrive; [`dirhash`] names their contents.

mod candidates;
pub mod dirhash;
mod escape;
pub mod fold;
mod glob;
mod info;
mod json;
mod json_value;
pub mod modfile;
mod module_version;
mod origin;
mod path;
mod path_element;
mod path_error;
mod path_kind;
mod path_major;
mod path_rules;
mod pattern;
mod pseudo;
mod query;
mod quote;
mod resource;
mod rfc3339;
pub mod semver;
mod timestamp;
mod unicode;
mod version;
mod version_error;
mod wanted;
pub mod zip;

pub use candidates::Candidates;
pub use info::{Info, InfoError};
pub use json_value::JsonError;
pub use module_version::{ModuleVersion, check, compare_sum_lines};
pub use origin::Origin;
pub use path::ModulePath;
pub use path_error::{PathError, PathReason};
pub use path_kind::PathKind;
pub use path_major::PathMajor;
pub use path_rules::{check_file_path, check_import_path};
pub use pattern::{PatternList, PatternListError};
pub use pseudo::{
    PseudoVersion, is_pseudo_version, is_zero_pseudo_version, pseudo_version, zero_pseudo_version,
};
pub use query::{Query, Revision};
pub use quote::quoted;
pub use resource::{Resource, ResourceError};
pub use rfc3339::Rfc3339;
pub use timestamp::{Timestamp, TimestampRangeError};
pub use version::{Version, canonical_version, escape_version, unescape_version};
pub use version_error::{CheckError, VersionError, VersionReason};
pub use wanted::{Wanted, WantedError, WantedFiles, WantedFormat};

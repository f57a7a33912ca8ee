#![doc = include_str!("../README.md")]
//!
//! # Files
//!
//! ```text
//! layout        where the module is, by its path             find_dir   where its go.mod is, in a commit
//! list          tags -> list, +incompatible, retractions     latest     list -> version, or the newest commit
//! convert       commit -> version                            pseudo     pseudo-version against commit
//! zip           archive -> spool -> zip                      origin     what the answer depends on
//! ```

mod answers;
mod code_repo;
mod contents;
mod convert;
mod entries;
mod error;
mod find_dir;
mod incompatible;
mod latest;
mod layout;
mod limits;
mod list;
mod module_zip;
mod origin;
mod pack;
mod packed;
mod pseudo;
mod resolved;
mod source;
mod spool;
mod stat;
mod versions;
mod workers;
mod zip;

pub use answers::KnownAnswers;
pub use code_repo::CodeRepo;
pub use contents::CompressedContents;
pub use error::{CodeMeaning, CodeRepoError, CodeRepoReason, PseudoReason};
pub use limits::CodeLimits;
pub use module_zip::ModuleZip;
pub use resolved::Resolved;
pub use versions::Versions;

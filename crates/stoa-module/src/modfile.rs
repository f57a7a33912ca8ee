//! Reading go.mod files (`golang.org/x/mod/modfile`).
//!
//! [`ModFile::parse_lax`] reads the go.mod file of any module, as far as modules that depend on it need it;
//! [`ModFile::parse`] reads that of a main module and insists on every line. [`module_path()`] asks a file for its
//! module path alone, as the go command does when it looks for a module in a repository. [`check_go_mod`] tells what can be the
//! go.mod of a module from what cannot.

mod arguments;
mod auto_quote;
mod directive;
mod error;
mod file;
mod go_mod;
mod go_version;
mod interval;
mod legacy;
mod lexer;
mod module_path;
mod parser;
mod read;
mod replace;
mod retract_set;
mod unquote;

pub use auto_quote::{auto_quote, must_quote};
pub use error::{Directive, ModFileError, ModFileErrors, ModFileReason, Position, SyntaxReason};
pub use file::{Exclude, Godebug, ModFile, Module, Replace, Require, Retract};
pub use go_mod::{GoModError, check_go_mod};
pub use legacy::legacy_go_mod;
pub use module_path::module_path;
pub use retract_set::RetractSet;
pub use unquote::StringError;

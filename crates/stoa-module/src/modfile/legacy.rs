//! The go.mod of a version that has none.

use super::auto_quote;
use crate::ModulePath;

/// The go.mod that the go command and proxies make up for a version without one (`modfetch.LegacyGoMod`). A go.mod of
/// exactly this content therefore says that the version has none of its own.
pub fn legacy_go_mod(path: &ModulePath) -> String {
    format!("module {}\n", auto_quote(path.as_str()))
}

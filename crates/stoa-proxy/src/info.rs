//! The `.info` JSON, as far as a proxy must understand it.

use stoa_module::ModulePath;

pub use stoa_module::Info;

/// Reads an `.info` for `path`: JSON with a canonical version that is possible for the path. The bytes themselves are kept
/// as they came; this is read for checks only.
///
/// # Errors
/// One line that says what is wrong with it.
pub fn parse_info(path: &ModulePath, json: &[u8]) -> Result<Info, String> {
    Info::parse(path, json).map_err(|error| error.to_string())
}

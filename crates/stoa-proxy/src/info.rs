//! The `.info` JSON, as far as a proxy must understand it.

use serde::Deserialize;

use stoa_module::{ModulePath, ModuleVersion, Resource, Version};

/// What an `.info` or `@latest` says. The bytes themselves are kept as they came; this is read for checks only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Info {
    /// The version that the question resolves to.
    pub target: ModuleVersion,
    /// The commit time, RFC 3339, as the source wrote it.
    pub time: Option<String>,
}

#[derive(Deserialize)]
struct Raw {
    #[serde(rename = "Version")]
    version: String,
    #[serde(rename = "Time")]
    time: Option<String>,
}

/// Reads an `.info` for `path`: JSON with a canonical version that is possible for the path.
///
/// # Errors
/// One line that says what is wrong with it.
pub fn parse_info(path: &ModulePath, json: &[u8]) -> Result<Info, String> {
    let raw: Raw =
        serde_json::from_slice(json).map_err(|error| format!("not the JSON of a version: {error}"))?;
    let version = Version::parse(&raw.version).map_err(|error| error.to_string())?;
    let target = ModuleVersion::new(path.clone(), version).map_err(|error| error.to_string())?;
    Ok(Info {
        target,
        time: raw.time,
    })
}

/// Checks the answer to `resource`. A question for a canonical version must be answered with that very version
/// (`modfetch/proxy.go`, `Stat`).
pub(crate) fn check_info(resource: &Resource, json: &[u8]) -> Result<(), String> {
    let info = parse_info(resource.module(), json)?;
    match resource {
        Resource::Info(target) if *target != info.target => Err(format!(
            "info for version {} instead of requested version",
            info.target.version()
        )),
        _ => Ok(()),
    }
}

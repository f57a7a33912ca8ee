//! What always stays.

use std::{fmt, str::FromStr};

use stoa_module::{ModuleVersion, PatternList, PatternListError, Version};

/// Modules by pattern, and single versions: `corp.example/*,golang.org/x/text@v0.14.0`. Prints as it was written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeepList {
    text: Box<str>,
    modules: PatternList,
    versions: Box<[(PatternList, Version)]>,
}

impl KeepList {
    /// Whether the list names the version, or its module.
    pub fn names(&self, target: &ModuleVersion) -> bool {
        let module = target.path().as_str();
        let is_version = |(modules, version): &(PatternList, Version)| {
            version == target.version() && modules.matches(module)
        };
        self.modules.matches(module) || self.versions.iter().any(is_version)
    }
}

impl FromStr for KeepList {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
        let (versions, modules): (Vec<_>, Vec<_>) = parts.partition(|part| part.contains('@'));
        let bad = |error: PatternListError| error.to_string();
        let version = |part: &str| {
            let (module, version) = part.split_once('@').unwrap_or((part, ""));
            let version = Version::parse(version).map_err(|error| format!("{part:?}: {error}"))?;
            Ok::<_, String>((module.parse().map_err(bad)?, version))
        };
        let versions = versions.into_iter().map(version).collect::<Result<_, _>>()?;
        Ok(Self {
            text: text.into(),
            modules: modules.join(",").parse().map_err(bad)?,
            versions,
        })
    }
}

impl fmt::Display for KeepList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use stoa_storage::FileKey;

    use super::*;

    #[test]
    fn modules_and_single_versions_are_named() {
        let list: KeepList = "corp.example/*, b.example/m@v1.0.0".parse().expect("a list");
        let names = |key: &str| list.names(&FileKey::parse(key).expect("a key").target);
        assert!(names("corp.example/a/@v/v1.0.0.zip"));
        assert!(names("corp.example/a/b/@v/v1.0.0.zip"));
        assert!(names("b.example/m/@v/v1.0.0.zip"));
        assert!(!names("b.example/m/@v/v1.0.1.zip"));
        assert!(!names("c.example/m/@v/v1.0.0.zip"));
        assert!("".parse::<KeepList>().is_ok());
        for bad in ["a.example/m@", "a.example/m@main", "https://a.example/m"] {
            assert!(bad.parse::<KeepList>().is_err(), "{bad}");
        }
    }
}

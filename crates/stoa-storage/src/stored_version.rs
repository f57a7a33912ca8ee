//! What is stored of a version.

use stoa_module::Version;

use crate::key::FileKind;

/// A version with at least one stored file, and which files those are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredVersion {
    /// The version.
    pub version: Version,
    /// Whether its `.info` is stored.
    pub info: bool,
    /// Whether its `.mod` is stored.
    pub go_mod: bool,
    /// Whether its `.zip` is stored.
    pub zip: bool,
}

impl StoredVersion {
    /// A version of which nothing is stored yet.
    pub fn new(version: Version) -> Self {
        Self {
            version,
            info: false,
            go_mod: false,
            zip: false,
        }
    }

    /// Notes that the `kind` file is stored.
    pub fn add(&mut self, kind: FileKind) {
        match kind {
            FileKind::Info => self.info = true,
            FileKind::Mod => self.go_mod = true,
            FileKind::Zip => self.zip = true,
        }
    }

    /// Whether the `kind` file is stored.
    pub fn has(&self, kind: FileKind) -> bool {
        match kind {
            FileKind::Info => self.info,
            FileKind::Mod => self.go_mod,
            FileKind::Zip => self.zip,
        }
    }
}

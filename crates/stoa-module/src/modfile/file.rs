//! go.mod files, read.

use crate::semver;
use crate::version::Version;

/// A go.mod file (`modfile.File`): its directives, each kind in the order of the file.
///
/// Paths are kept as text, for a go.mod file may name modules that no proxy could serve. So are the versions of
/// retractions, which may be anything; those of all other directives are canonical.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ModFile {
    /// The module directive.
    pub module: Option<Module>,
    /// The version of the go directive, as `1.23`.
    pub go: Option<String>,
    /// The name of the toolchain directive, as `go1.21rc1`.
    pub toolchain: Option<String>,
    /// The godebug directives.
    pub godebug: Vec<Godebug>,
    /// The require directives.
    pub require: Vec<Require>,
    /// The exclude directives.
    pub exclude: Vec<Exclude>,
    /// The replace directives.
    pub replace: Vec<Replace>,
    /// The retract directives.
    pub retract: Vec<Retract>,
    /// The package paths of the tool directives.
    pub tool: Vec<String>,
    /// The directories of the ignore directives.
    pub ignore: Vec<String>,
}

/// What a module says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Module {
    /// The path, which need not be a valid one.
    pub path: String,
    /// Why the module is deprecated, if it is: the rest of the first paragraph of its comments that starts with
    /// `Deprecated:`.
    pub deprecated: Option<String>,
}

/// A setting for the runtime.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Godebug {
    /// What comes before the equals sign.
    pub key: String,
    /// What comes after it.
    pub value: String,
}

/// A module this one needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Require {
    /// The path.
    pub path: String,
    /// The least version.
    pub version: Version,
    /// Whether only others need it, as a comment `// indirect` says.
    pub indirect: bool,
}

/// A version to do without.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exclude {
    /// The path.
    pub path: String,
    /// The version.
    pub version: Version,
}

/// A module to be taken from elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replace {
    /// The path.
    pub path: String,
    /// The one version to replace; every version if `None`.
    pub version: Option<Version>,
    /// The path of another module, or a directory.
    pub new_path: String,
    /// The version of the other module; `None` of a directory.
    pub new_version: Option<Version>,
}

/// Versions of this module that should not be used any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retract {
    /// The least of them.
    pub low: String,
    /// The greatest of them, the same as `low` for a single version.
    pub high: String,
    /// Why, from the comments; may be empty.
    pub rationale: String,
}

impl Retract {
    /// Whether `version` is retracted, by semver order as in cmd/go. Both bounds are.
    ///
    /// Bounds need not be versions: an invalid one is less than every version, so that it is no limit as the
    /// lower bound, and leaves nothing as the upper.
    pub fn contains(&self, version: &Version) -> bool {
        semver::compare(&self.low, version.as_str()).is_le()
            && semver::compare(version.as_str(), &self.high).is_le()
    }
}

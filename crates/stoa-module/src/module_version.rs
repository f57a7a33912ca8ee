//! A module at a version.

use std::cmp::Ordering;
use std::fmt;

use crate::{CheckError, ModulePath, PathKind, PathMajor, Version, VersionReason, semver};

/// A module path and a version of that module, which passed `module.Check` together.
///
/// Order is that of `module.Sort`: by path, then by version.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ModuleVersion {
    path: ModulePath,
    version: Version,
}

impl ModuleVersion {
    /// Puts a path and a version together (`module.Check`).
    ///
    /// # Errors
    ///
    /// [`CheckError::Version`] if the major version is not that of the path.
    pub fn new(path: ModulePath, version: Version) -> Result<Self, CheckError> {
        match path.split().1.mismatch(version.as_str()) {
            None => Ok(Self { path, version }),
            Some(reason) => Err(error_at(path.as_str(), version.as_str(), reason)),
        }
    }

    /// The path.
    pub fn path(&self) -> &ModulePath {
        &self.path
    }

    /// The version.
    pub fn version(&self) -> &Version {
        &self.version
    }

    /// Takes the two apart.
    pub fn into_parts(self) -> (ModulePath, Version) {
        (self.path, self.version)
    }
}

/// Prints as `path@version`.
impl fmt::Display for ModuleVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.path, self.version)
    }
}

/// Checks that `path` is a valid module path, `version` a valid semantic version, and that the two correspond
/// (`module.Check`). The version need not be canonical.
///
/// # Errors
///
/// [`CheckError`] with the first fault.
pub fn check(path: &str, version: &str) -> Result<(), CheckError> {
    PathKind::Module.check(path.as_bytes())?;
    if !semver::is_valid(version) {
        return Err(error_at(path, version, VersionReason::NotSemver));
    }
    let major = PathMajor::split(path).map_or(PathMajor::default(), |(_, major)| major);
    major
        .mismatch(version)
        .map_or(Ok(()), |reason| Err(error_at(path, version, reason)))
}

/// Compares lines of a go.sum file, given as path and version, for sorting (`module.Sort`): by path, then by
/// version, where a version may have a suffix such as `/go.mod` that comes last.
pub fn compare_sum_lines(a: (&str, &str), b: (&str, &str)) -> Ordering {
    let (a_version, a_file) = split_file(a.1);
    let (b_version, b_file) = split_file(b.1);
    a.0.cmp(b.0).then_with(|| {
        if a_version == b_version {
            a_file.cmp(b_file)
        } else {
            semver::compare(a_version, b_version)
        }
    })
}

fn split_file(version: &str) -> (&str, &str) {
    version.split_at(version.find('/').unwrap_or(version.len()))
}

fn error_at(path: &str, version: &str, reason: VersionReason) -> CheckError {
    CheckError::Version {
        path: path.into(),
        version: version.into(),
        reason,
    }
}

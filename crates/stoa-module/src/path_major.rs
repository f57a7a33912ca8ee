//! The major version that a module path ends in.

use std::fmt;

use crate::{PseudoVersion, Version, VersionError, VersionReason, canonical_version, semver};

/// The major version suffix of a module path: `/v2`, `.v1` or `.v1-unstable` of gopkg.in, or nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct PathMajor<'a>(&'a str);

impl<'a> PathMajor<'a> {
    /// Splits a module path into what comes before the major version and the major version
    /// (`module.SplitPathVersion`).
    ///
    /// `None` if the path ends in something that looks like a major version and must not be one, as `/v1`,
    /// `/v02` and `/v2.3` do. Paths under `gopkg.in/` must end in `.vN` for any N, with or without `-unstable`.
    pub fn split(path: &'a str) -> Option<(&'a str, Self)> {
        if path.starts_with("gopkg.in/") {
            return Self::split_gopkg_in(path);
        }
        let head = path.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
        let number = &path[head.len()..];
        let Some(prefix) = head.strip_suffix("/v").filter(|_| !number.is_empty()) else {
            return Some((path, Self("")));
        };
        if number.contains('.') || number.starts_with('0') || number == "1" {
            return None;
        }
        Some((prefix, Self(&path[prefix.len()..])))
    }

    fn split_gopkg_in(path: &'a str) -> Option<(&'a str, Self)> {
        let stable = path.strip_suffix("-unstable").unwrap_or(path);
        let head = stable.trim_end_matches(|c: char| c.is_ascii_digit());
        let number = &stable[head.len()..];
        let prefix = head.strip_suffix(".v")?;
        let major = &path[prefix.len()..];
        // Go's rule: `.v0` is one, `.v0-unstable` and `.v00` are none.
        if number.is_empty() || (number.starts_with('0') && major != ".v0") {
            return None;
        }
        Some((prefix, Self(major)))
    }

    /// Takes the text of a major version suffix, as [`PathMajor::split`] gives it. `None` for any other text.
    pub fn parse(suffix: &'a str) -> Option<Self> {
        let number = match suffix.strip_prefix("/v") {
            Some(number) => number,
            None if suffix.is_empty() => return Some(Self("")),
            None => suffix
                .strip_prefix(".v")
                .map(|rest| rest.strip_suffix("-unstable").unwrap_or(rest))?,
        };
        (!number.is_empty() && number.bytes().all(|b| b.is_ascii_digit())).then_some(Self(suffix))
    }

    /// The suffix with its separator.
    pub fn as_str(self) -> &'a str {
        self.0
    }

    /// Whether there is no suffix: versions are v0, v1 or `+incompatible`.
    pub fn is_empty(self) -> bool {
        self.0.is_empty()
    }

    /// The prefix that tags have, as `v2` for `/v2` (`module.PathMajorPrefix`). Empty if v0 and v1 both do.
    ///
    /// [`PathMajor::match_version`] takes some versions without it: `v0.0.0-` pseudo-versions under `.v1`.
    pub fn prefix(self) -> &'a str {
        self.stable().get(1..).unwrap_or("")
    }

    /// Whether a module whose path ends in this suffix may have `version` (`module.MatchPathMajor`).
    pub fn match_version(self, version: &Version) -> bool {
        self.allows(version.as_str())
    }

    /// Whether a list of versions of a module whose path ends in this suffix may name `version`: it is canonical, no
    /// pseudo-version, and of a major version that the path may have. Nothing is allocated but for shorthands.
    pub fn may_list(self, version: &str) -> bool {
        canonical_version(version).is_some_and(|canonical| canonical == version)
            && self.allows(version)
            && PseudoVersion::find(version).is_none()
    }

    /// Checks that a module whose path ends in this suffix may have `version` (`module.CheckPathMajor`).
    ///
    /// # Errors
    ///
    /// [`VersionReason::WrongMajor`] if not, as when `version` is no semantic version.
    pub fn check(self, version: &str) -> Result<(), VersionError> {
        self.mismatch(version)
            .map_or(Ok(()), |reason| Err(VersionError::new(version, reason)))
    }

    /// What [`PathMajor::check`] finds.
    pub(crate) fn mismatch(self, version: &str) -> Option<VersionReason> {
        if self.allows(version) {
            return None;
        }
        let want = if self.is_empty() {
            "v0 or v1"
        } else {
            self.prefix()
        };
        let got = semver::major(version).unwrap_or("");
        Some(VersionReason::WrongMajor {
            want: want.into(),
            got: got.into(),
        })
    }

    fn allows(self, version: &str) -> bool {
        let stable = self.stable();
        // The go command once made v0.0.0 pseudo-versions for gopkg.in's v1, and go.mod files still name them.
        if stable == ".v1" && version.starts_with("v0.0.0-") {
            return true;
        }
        let Some(parts) = semver::parse(version) else {
            return false;
        };
        match stable.get(2..) {
            None => matches!(parts.major, "0" | "1") || parts.build == "+incompatible",
            Some(number) => parts.major == number,
        }
    }

    /// Whether a go.mod that names `module_path` may be that of a module whose path ends in this suffix. Only the major
    /// versions are compared, because a fork may stand in for the module that it names (`isMajor` and
    /// `canReplaceMismatchedVersionDueToBug` of cmd/go's modfetch).
    pub fn accepts(self, module_path: &str) -> bool {
        // golang.org/issue/34254: a path without a major version could replace any of gopkg.in.
        let is_exempt = self.is_empty() && module_path.starts_with("gopkg.in/");
        let Some((_, found)) = PathMajor::split(module_path) else {
            return is_exempt;
        };
        if module_path.is_empty() {
            // It could be that of any major version.
            return false;
        }
        if self.is_empty() {
            return is_exempt || matches!(found.prefix(), "" | "v0" | "v1");
        }
        !found.is_empty() && self.0[1..] == found.0[1..]
    }

    /// The suffix without gopkg.in's `-unstable`, which shares the versions of the stable one.
    fn stable(self) -> &'a str {
        self.0.strip_suffix("-unstable").unwrap_or(self.0)
    }
}

impl fmt::Display for PathMajor<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

//! Canonical module versions.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use crate::{PathKind, PseudoVersion, VersionError, VersionReason, escape, semver};

/// The build suffix of versions v2 and above of modules whose path says nothing of them.
const INCOMPATIBLE: &str = "+incompatible";

/// A module version in canonical form: tagged, pseudo- or `+incompatible`.
///
/// Every value equals its own `module.CanonicalVersion`: three numbers, an optional prerelease, and no build
/// metadata but `+incompatible`. It is in plain form; [`Version::escaped`] gives the form for URLs and file
/// names. Versions order by precedence, and those that only `+incompatible` tells apart as text. Clones share
/// one allocation.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Version(Arc<str>);

impl Version {
    /// Takes a version in plain form.
    ///
    /// # Errors
    ///
    /// [`VersionReason::NotSemver`] if it is no semantic version, [`VersionReason::NotCanonical`] if it is one in
    /// another form.
    pub fn parse(version: &str) -> Result<Self, VersionError> {
        match canonical_version(version) {
            None => Err(VersionError::new(version, VersionReason::NotSemver)),
            Some(canonical) if canonical == version => Ok(Self(version.into())),
            Some(canonical) => {
                let canonical = canonical.into();
                Err(VersionError::new(
                    version,
                    VersionReason::NotCanonical { canonical },
                ))
            }
        }
    }

    /// The canonical form of a version that need not be (`module.CanonicalVersion`). `None` if it is no semantic
    /// version.
    pub fn canonicalize(version: &str) -> Option<Self> {
        canonical_version(version).map(|canonical| Self(canonical.into()))
    }

    /// Takes a version in escaped form, as URLs of the proxy protocol have it once percent-decoded.
    ///
    /// # Errors
    ///
    /// Those of [`unescape_version`] and [`Version::parse`].
    pub fn unescape(escaped: &str) -> Result<Self, VersionError> {
        Self::parse(&unescape_version(escaped)?)
    }

    /// The escaped form (`module.EscapeVersion`).
    pub fn escaped(&self) -> String {
        escape::escape(&self.0).into_owned()
    }

    /// The version in plain form.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this is a pseudo-version, which names a commit (`module.IsPseudoVersion`).
    pub fn is_pseudo(&self) -> bool {
        self.pseudo().is_some()
    }

    /// The parts of a pseudo-version; `None` for any other version.
    pub fn pseudo(&self) -> Option<PseudoVersion<'_>> {
        PseudoVersion::find(&self.0)
    }

    /// Whether this is a prerelease, as every pseudo-version is one too.
    pub fn is_prerelease(&self) -> bool {
        // Of a canonical version only the prerelease can have a hyphen.
        self.0.contains('-')
    }

    /// Whether this ends in `+incompatible`: a version v2 or above of a module without the matching path.
    pub fn is_incompatible(&self) -> bool {
        self.0.ends_with(INCOMPATIBLE)
    }

    /// The major version with its `v`, as `v2` (`semver.Major`).
    pub fn major(&self) -> &str {
        self.0.split_once('.').map_or(&*self.0, |(major, _)| major)
    }
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        semver::compare_total(&self.0, &other.0)
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.0, f)
    }
}

impl FromStr for Version {
    type Err = VersionError;

    fn from_str(version: &str) -> Result<Self, VersionError> {
        Self::parse(version)
    }
}

impl AsRef<str> for Version {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

/// The canonical form of a version (`module.CanonicalVersion`): that of [`semver::canonical`], with the build
/// metadata `+incompatible` kept. `None` if it is no semantic version.
pub fn canonical_version(version: &str) -> Option<Cow<'_, str>> {
    // Shorthands take no build metadata, so nothing is left to fill in here.
    if version.ends_with(INCOMPATIBLE) && semver::build(version) == INCOMPATIBLE {
        return Some(Cow::Borrowed(version));
    }
    semver::canonical(version)
}

/// The escaped form of a version or revision (`module.EscapeVersion`), which need not be semantic but must be a
/// valid file name without `!`.
///
/// # Errors
///
/// [`VersionReason::Disallowed`] if it is not, as with any revision that has a slash;
/// [`VersionError::NotAscii`] if it has letters beyond ASCII.
pub fn escape_version(version: &str) -> Result<Cow<'_, str>, VersionError> {
    if PathKind::File.check_element(version).is_err() || version.contains('!') {
        return Err(VersionError::new(version, VersionReason::Disallowed));
    }
    if !escape::is_escapable(version) {
        return Err(VersionError::NotAscii);
    }
    Ok(escape::escape(version))
}

/// The version or revision that `escaped` stands for (`module.UnescapeVersion`).
///
/// # Errors
///
/// [`VersionError::NotEscaped`] if it is not in escaped form, [`VersionError::EscapedMalformed`] if what it
/// stands for is no valid file name.
pub fn unescape_version(escaped: &str) -> Result<Cow<'_, str>, VersionError> {
    let Some(version) = escape::unescape(escaped.as_bytes()) else {
        return Err(VersionError::NotEscaped {
            escaped: escaped.as_bytes().into(),
        });
    };
    match PathKind::File.check_element(&version) {
        Ok(()) => Ok(version),
        Err(reason) => Err(VersionError::EscapedMalformed {
            version: version.into(),
            reason,
        }),
    }
}

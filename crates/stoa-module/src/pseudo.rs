//! Pseudo-versions: versions made up for commits without a tag.
//!
//! They come in three forms, here with the commit time as `yyyymmddhhmmss` and twelve digits of the commit:
//!
//! - `vX.0.0-yyyymmddhhmmss-abcdef123456` if no earlier version is known,
//! - `vX.Y.(Z+1)-0.yyyymmddhhmmss-abcdef123456` after the release `vX.Y.Z`,
//! - `vX.Y.Z-pre.0.yyyymmddhhmmss-abcdef123456` after the prerelease `vX.Y.Z-pre`,
//!
//! of which the latter two may have build metadata, `+incompatible` in practice. So each sorts right after what
//! it is based on and before the next tag.

use crate::{Timestamp, VersionError, VersionReason, semver};

const TIMESTAMP_DIGITS: usize = 14;

/// The parts of a pseudo-version, each a slice of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PseudoVersion<'a> {
    version: &'a str,
    /// `vX.Y.Z` of the version itself.
    core: &'a str,
    /// What stands between the hyphen after the core and the timestamp: empty, `0.` or `pre.0.`.
    lead: &'a str,
    timestamp: &'a str,
    rev: &'a str,
    build: &'a str,
}

impl<'a> PseudoVersion<'a> {
    /// Takes a pseudo-version apart.
    ///
    /// # Errors
    ///
    /// [`VersionReason::NotPseudo`] if `version` is none. A timestamp that is no time or a base that cannot be are
    /// not found here but when asked for, as in Go.
    pub fn parse(version: &'a str) -> Result<Self, VersionError> {
        Self::find(version).ok_or_else(|| VersionError::new(version, VersionReason::NotPseudo))
    }

    pub(crate) fn find(version: &'a str) -> Option<Self> {
        let parts = semver::parse(version)?;
        let (head, rev) = parts.prerelease.strip_prefix('-')?.rsplit_once('-')?;
        let (lead, timestamp) = head.split_at_checked(head.len().checked_sub(TIMESTAMP_DIGITS)?)?;
        let is_lead = match lead {
            "" => parts.minor == "0" && parts.patch == "0",
            lead => lead == "0." || lead.ends_with(".0."),
        };
        let is_pseudo = is_lead
            && timestamp.bytes().all(|b| b.is_ascii_digit())
            && !rev.is_empty()
            && rev.bytes().all(|b| b.is_ascii_alphanumeric());
        let core = &version[..version.len() - parts.prerelease.len() - parts.build.len()];
        is_pseudo.then_some(Self {
            version,
            core,
            lead,
            timestamp,
            rev,
            build: parts.build,
        })
    }

    /// The commit time (`module.PseudoVersionTime`).
    ///
    /// # Errors
    ///
    /// [`VersionReason::MalformedTime`] if the digits are no time of the calendar.
    pub fn time(&self) -> Result<Timestamp, VersionError> {
        Timestamp::parse_compact(self.timestamp).ok_or_else(|| {
            self.error(VersionReason::MalformedTime {
                timestamp: self.timestamp.into(),
            })
        })
    }

    /// The commit time as the version has it: fourteen digits, which may be no time of the calendar.
    pub fn timestamp(&self) -> &'a str {
        self.timestamp
    }

    /// The revision, by convention twelve digits of the commit (`module.PseudoVersionRev`).
    pub fn rev(&self) -> &'a str {
        self.rev
    }

    /// The version this one is based on, or `None` if it is based on none (`module.PseudoVersionBase`).
    ///
    /// # Errors
    ///
    /// [`VersionReason::BuildWithoutBase`] if it has build metadata, which must be that of a base, and no base;
    /// [`VersionReason::NegativePatch`] if it would follow the release before `.0`.
    pub fn base(&self) -> Result<Option<String>, VersionError> {
        match self.lead.strip_suffix("0.") {
            None if self.build.is_empty() => Ok(None),
            None => Err(self.error(VersionReason::BuildWithoutBase {
                build: self.build.into(),
            })),
            Some("") => {
                let (minor, patch) = self.core.rsplit_once('.').unwrap_or(("", self.core));
                match decrement(patch) {
                    Some(patch) => Ok(Some(format!("{minor}.{patch}{}", self.build))),
                    None => Err(self.error(VersionReason::NegativePatch {
                        version: self.core.into(),
                    })),
                }
            }
            Some(prerelease) => {
                let prerelease = prerelease.strip_suffix('.').unwrap_or(prerelease);
                Ok(Some(format!("{}-{prerelease}{}", self.core, self.build)))
            }
        }
    }

    fn error(&self, reason: VersionReason) -> VersionError {
        VersionError::new(self.version, reason)
    }
}

/// Makes the pseudo-version of a commit (`module.PseudoVersion`).
///
/// `older` is the version the commit comes after, which is used with its build metadata. If it is empty or no
/// semantic version, `major` decides, and `v0` if that is empty too. `rev` is the commit, by convention its first
/// twelve digits. The outcome is a valid version if `major` is one and `rev` is alphanumeric.
pub fn pseudo_version(major: &str, older: &str, time: Timestamp, rev: &str) -> String {
    let time = time.compact();
    let Some(canonical) = semver::canonical(older) else {
        let major = if major.is_empty() { "v0" } else { major };
        return format!("{major}.0.0-{time}-{rev}");
    };
    let build = semver::build(older);
    if !semver::prerelease(&canonical).is_empty() {
        return format!("{canonical}.0.{time}-{rev}{build}");
    }
    let (minor, patch) = canonical.rsplit_once('.').unwrap_or(("", &canonical));
    format!("{minor}.{}-0.{time}-{rev}{build}", increment(patch))
}

/// The pseudo-version of no commit in particular, a placeholder less than all others of its major version
/// (`module.ZeroPseudoVersion`).
pub fn zero_pseudo_version(major: &str) -> String {
    pseudo_version(major, "", Timestamp::GO_ZERO, "000000000000")
}

/// Reports whether `version` is a pseudo-version (`module.IsPseudoVersion`).
pub fn is_pseudo_version(version: &str) -> bool {
    PseudoVersion::find(version).is_some()
}

/// Reports whether `version` is the placeholder of its major version (`module.IsZeroPseudoVersion`).
pub fn is_zero_pseudo_version(version: &str) -> bool {
    version == zero_pseudo_version(semver::major(version).unwrap_or(""))
}

/// The decimal number one greater. Numbers may be longer than any integer type holds.
fn increment(decimal: &str) -> String {
    let kept = decimal.trim_end_matches('9');
    let nines = decimal.len() - kept.len();
    let mut sum = kept.to_owned();
    let last = sum
        .pop()
        .map_or('1', |digit| char::from_u32(u32::from(digit) + 1).unwrap_or(digit));
    sum.push(last);
    sum.extend(std::iter::repeat_n('0', nines));
    sum
}

/// The decimal number one less, or `None` of zero.
fn decrement(decimal: &str) -> Option<String> {
    let kept = decimal.trim_end_matches('0');
    let zeros = decimal.len() - kept.len();
    let mut difference = kept.to_owned();
    let last = char::from_u32(u32::from(difference.pop()?) - 1)?;
    // 10…0 loses a digit; a lone 1 does not.
    if !(last == '0' && difference.is_empty() && zeros > 0) {
        difference.push(last);
    }
    difference.extend(std::iter::repeat_n('9', zeros));
    Some(difference)
}

#[cfg(test)]
mod tests {
    use super::is_pseudo_version;

    #[test]
    fn near_misses_are_not_pseudo_versions() {
        for version in [
            "v2.0.0-20060102150405-",
            "v1.2.3-0.20060102150405-",
            "v0.0.1-20060102150405-abcdef123456",
            "v0.1.0-20060102150405-abcdef123456",
            "v1.2.3-x0.20060102150405-abcdef123456",
            "v1.2.3-pre.20060102150405-abcdef123456",
            "v0.0.0-2006010215040-abcdef123456",
            "v0.0.0-200601021504055-abcdef123456",
            "v0.0.0-20060102150405-abcdef.123456",
            "v0.0.0-20060102150405+abcdef-123456",
            "v0.0-20060102150405-abcdef123456",
            "v0.0.0-2006010215é40-abcdef123456",
        ] {
            assert!(!is_pseudo_version(version), "{version}");
        }
        assert!(is_pseudo_version("v1.2.3--.0.20060102150405-a"));
    }
}

//! What a request asks of a module: one version, or a revision to resolve.

use std::fmt;
use std::sync::Arc;

use crate::{ModulePath, Version, VersionError, escape, escape_version, unescape_version};

/// The version part of a request for a module, as in `/@v/v1.2.3.info` or `/@v/master.info`.
///
/// The go command draws the same line when it reads an answer: `proxyRepo.Stat` insists that an answer to a
/// canonical version names that very version, and lets anything else resolve to whatever version is answered.
/// What is canonical may depend on the path: `v2.0.0` is a version of `example.com/m/v2` and a mere revision
/// (a tag, say) of `example.com/m`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Query {
    /// A canonical version that the path can have: the answer is about this version and never changes.
    Version(Version),
    /// Anything else: the answer is about the version it resolves to, and may differ tomorrow.
    Revision(Revision),
}

/// A branch, tag, commit or shorthand that resolves to a version.
///
/// Every value can be escaped (`module.EscapeVersion`): it is ASCII, a valid file name, and has no `!`. Branches
/// with a slash have no escaped form, and the go command never asks a proxy for them.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Revision(Arc<str>);

impl Query {
    /// Takes a query in plain form.
    ///
    /// # Errors
    ///
    /// Those of [`Revision::parse`]. Whatever [`Version::parse`] takes is taken here too.
    pub fn parse(path: &ModulePath, query: &str) -> Result<Self, VersionError> {
        match Version::parse(query) {
            Ok(version) if path.split().1.match_version(&version) => Ok(Self::Version(version)),
            _ => Revision::parse(query).map(Self::Revision),
        }
    }

    /// Takes a query in escaped form (`module.UnescapeVersion`), as URLs of the proxy protocol have it once
    /// percent-decoded.
    ///
    /// # Errors
    ///
    /// Those of [`unescape_version`].
    pub fn unescape(path: &ModulePath, escaped: &str) -> Result<Self, VersionError> {
        Self::parse(path, &unescape_version(escaped)?)
    }

    /// The escaped form (`module.EscapeVersion`).
    pub fn escaped(&self) -> String {
        match self {
            Self::Version(version) => version.escaped(),
            Self::Revision(revision) => revision.escaped(),
        }
    }

    /// The query in plain form.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Version(version) => version.as_str(),
            Self::Revision(revision) => revision.as_str(),
        }
    }
}

impl Revision {
    /// Takes a revision in plain form.
    ///
    /// # Errors
    ///
    /// Those of [`escape_version`]: there is no revision that could not be asked for.
    pub fn parse(revision: &str) -> Result<Self, VersionError> {
        escape_version(revision)?;
        Ok(Self(revision.into()))
    }

    /// The escaped form (`module.EscapeVersion`).
    pub fn escaped(&self) -> String {
        escape::escape(&self.0).into_owned()
    }

    /// The revision in plain form.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.0, f)
    }
}

#[cfg(test)]
mod tests {
    use super::Query;
    use crate::ModulePath;

    #[test]
    fn only_canonical_versions_of_the_path_are_versions() {
        for (path, query, is_version) in [
            ("example.com/m", "v1.2.3", true),
            ("example.com/m", "v2.0.0+incompatible", true),
            ("example.com/m", "v0.0.0-20191109021931-daa7c04131f5", true),
            ("example.com/m/v2", "v2.1.0-RC1", true),
            ("gopkg.in/check.v1", "v0.0.0-20161208181325-20d25e280405", true),
            ("example.com/m", "v2.0.0", false),
            ("example.com/m/v2", "v1.0.0", false),
            ("example.com/m", "v1.2", false),
            ("example.com/m", "v1.2.3+meta", false),
            ("example.com/m", "master", false),
            ("example.com/m", "HEAD", false),
            ("example.com/m", "daa7c04131f5", false),
        ] {
            let path = ModulePath::parse(path).unwrap();
            let parsed = Query::parse(&path, query).unwrap();
            assert_eq!(matches!(parsed, Query::Version(_)), is_version, "{path} {query}");
            assert_eq!((parsed.as_str(), parsed.to_string().as_str()), (query, query));
            assert_eq!(Query::unescape(&path, &parsed.escaped()), Ok(parsed));
        }
    }

    #[test]
    fn what_cannot_be_escaped_is_no_query() {
        let path = ModulePath::parse("example.com/m").unwrap();
        for query in ["", "feature/x", "a!b", "é", "..", "nul", "a:b"] {
            assert!(Query::parse(&path, query).is_err(), "{query}");
        }
        for escaped in ["HEAD", "!1", "v1.0.0!", "feature/x", "v1.0.0-RC1"] {
            assert!(Query::unescape(&path, escaped).is_err(), "{escaped}");
        }
    }
}

//! Module paths.

use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use crate::escape;
use crate::{PathError, PathKind, PathMajor};

/// A valid module path, as `golang.org/x/text` or `gopkg.in/yaml.v3`.
///
/// Every value passed `module.CheckPath`: it is ASCII, its first element is a lower-case domain name, it has no
/// element a file system could take for something else, and it ends in an allowed major version or none. It is
/// in plain form; [`ModulePath::escaped`] gives the form for URLs and file names. Paths order as text does.
/// Clones share one allocation.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ModulePath(Arc<str>);

impl ModulePath {
    /// Takes a path in plain form (`module.CheckPath`).
    ///
    /// # Errors
    ///
    /// [`PathError::Malformed`] with the rule it breaks.
    pub fn parse(path: &str) -> Result<Self, PathError> {
        PathKind::Module
            .check(path.as_bytes())
            .map(|path| Self(path.into()))
    }

    /// Takes a path in escaped form (`module.UnescapePath`), as URLs of the proxy protocol have it once
    /// percent-decoded.
    ///
    /// # Errors
    ///
    /// [`PathError::NotEscaped`] if it is not in escaped form, so that no path has two names;
    /// [`PathError::EscapedMalformed`] if it is, but of no valid path.
    pub fn unescape(escaped: &str) -> Result<Self, PathError> {
        Self::unescape_bytes(escaped.as_bytes())
    }

    /// Like [`ModulePath::unescape`] for bytes that may not be UTF-8, which is an error like any other.
    pub fn unescape_bytes(escaped: &[u8]) -> Result<Self, PathError> {
        let Some(path) = escape::unescape(escaped) else {
            return Err(PathError::NotEscaped {
                escaped: escaped.into(),
            });
        };
        match PathKind::Module.check(path.as_bytes()) {
            Ok(path) => Ok(Self(path.into())),
            Err(source) => Err(PathError::EscapedMalformed {
                escaped: escaped.into(),
                source: Box::new(source),
            }),
        }
    }

    /// The escaped form (`module.EscapePath`).
    pub fn escaped(&self) -> String {
        escape::escape(&self.0).into_owned()
    }

    /// The path in plain form.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Splits the path into what comes before the major version and the major version
    /// (`module.SplitPathVersion`): the two make up the path.
    pub fn split(&self) -> (&str, PathMajor<'_>) {
        // Paths that cannot be split are not valid, so there is no such value.
        PathMajor::split(&self.0).unwrap_or((&self.0, PathMajor::default()))
    }
}

impl fmt::Display for ModulePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for ModulePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.0, f)
    }
}

impl FromStr for ModulePath {
    type Err = PathError;

    fn from_str(path: &str) -> Result<Self, PathError> {
        Self::parse(path)
    }
}

impl AsRef<str> for ModulePath {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

// Equality, order and hash are those of the text, so maps keyed by paths can be asked with text.
impl Borrow<str> for ModulePath {
    fn borrow(&self) -> &str {
        &self.0
    }
}

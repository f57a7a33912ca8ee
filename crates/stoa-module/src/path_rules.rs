//! The rules for module paths, import paths and file paths.

use crate::path_error::{PathError, PathReason};
use crate::path_kind::PathKind;
use crate::path_major::PathMajor;

impl PathKind {
    /// Checks `path` against the rules of this kind and returns it as text.
    ///
    /// # Errors
    ///
    /// [`PathError::Malformed`] with the first fault, in the order in which Go's functions find them.
    pub fn check(self, path: &[u8]) -> Result<&str, PathError> {
        let checked = match std::str::from_utf8(path) {
            Ok(text) => self.check_rules(text).map(|()| text),
            Err(_) => Err(PathReason::InvalidUtf8),
        };
        checked.map_err(|reason| PathError::Malformed {
            kind: self,
            path: path.into(),
            reason,
        })
    }

    fn check_rules(self, path: &str) -> Result<(), PathReason> {
        if path.is_empty() {
            return Err(PathReason::Empty);
        }
        if path.starts_with('-') && self != Self::File {
            return Err(PathReason::LeadingDash);
        }
        if path.contains("//") {
            return Err(PathReason::DoubleSlash);
        }
        if path.ends_with('/') {
            return Err(PathReason::TrailingSlash);
        }
        for element in path.split('/') {
            self.check_element(element)?;
        }
        if self == Self::Module {
            check_domain(path)?;
            PathMajor::split(path).ok_or(PathReason::InvalidVersion)?;
        }
        Ok(())
    }
}

/// Checks that `path` is a valid package import path (`module.CheckImportPath`).
pub fn check_import_path(path: &str) -> Result<(), PathError> {
    PathKind::Import.check(path.as_bytes()).map(drop)
}

/// Checks that `path` is a valid slash-separated path of a file in a module (`module.CheckFilePath`).
pub fn check_file_path(path: &str) -> Result<(), PathError> {
    PathKind::File.check(path.as_bytes()).map(drop)
}

/// The first element of a module path is a lower-case domain name, so that case never decides where a module
/// comes from.
fn check_domain(path: &str) -> Result<(), PathReason> {
    let domain = path.split_once('/').map_or(path, |(domain, _)| domain);
    if !domain.contains('.') {
        return Err(PathReason::MissingDot);
    }
    let allowed = |c: char| c == '-' || c == '.' || c.is_ascii_digit() || c.is_ascii_lowercase();
    domain
        .chars()
        .find(|&c| !allowed(c))
        .map_or(Ok(()), |c| Err(PathReason::InvalidDomainChar(c)))
}

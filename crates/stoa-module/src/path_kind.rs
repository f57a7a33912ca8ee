//! The rules for module paths, import paths and file paths.

use std::fmt;

use crate::unicode::is_letter;
use crate::{PathError, PathFault, PathMajor};

/// What a path names, which decides the rules it is held to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PathKind {
    /// A module path (`module.CheckPath`): the strictest rules, fit for a URL and a directory name.
    Module,
    /// A package import path (`module.CheckImportPath`).
    Import,
    /// A slash-separated file path within a module (`module.CheckFilePath`).
    File,
}

impl PathKind {
    /// Checks `path` against the rules of this kind and returns it as text.
    ///
    /// # Errors
    ///
    /// [`PathError::Malformed`] with the first fault, in the order in which Go's functions find them.
    pub fn check(self, path: &[u8]) -> Result<&str, PathError> {
        let checked = match std::str::from_utf8(path) {
            Ok(text) => self.check_rules(text).map(|()| text),
            Err(_) => Err(PathFault::InvalidUtf8),
        };
        checked.map_err(|fault| PathError::Malformed {
            kind: self,
            path: path.into(),
            fault,
        })
    }

    fn check_rules(self, path: &str) -> Result<(), PathFault> {
        if path.is_empty() {
            return Err(PathFault::Empty);
        }
        if path.starts_with('-') && self != Self::File {
            return Err(PathFault::LeadingDash);
        }
        if path.contains("//") {
            return Err(PathFault::DoubleSlash);
        }
        if path.ends_with('/') {
            return Err(PathFault::TrailingSlash);
        }
        for element in path.split('/') {
            self.check_element(element)?;
        }
        if self == Self::Module {
            check_domain(path)?;
            PathMajor::split(path).ok_or(PathFault::InvalidVersion)?;
        }
        Ok(())
    }

    /// Checks one element of a path (`checkElem`).
    pub(crate) fn check_element(self, element: &str) -> Result<(), PathFault> {
        if element.is_empty() {
            return Err(PathFault::EmptyElement);
        }
        if element.bytes().all(|b| b == b'.') {
            return Err(PathFault::InvalidElement(element.into()));
        }
        if element.starts_with('.') && self == Self::Module {
            return Err(PathFault::LeadingDot);
        }
        if element.ends_with('.') {
            return Err(PathFault::TrailingDot);
        }
        if let Some(c) = element.chars().find(|&c| !self.allows(c)) {
            return Err(PathFault::InvalidChar(c));
        }
        let short = element.split_once('.').map_or(element, |(short, _)| short);
        if is_reserved_on_windows(short) {
            return Err(PathFault::ReservedOnWindows(short.into()));
        }
        // Short names trouble import paths only; files may be called so.
        if self != Self::File && is_windows_short_name(short) {
            return Err(PathFault::ShortName);
        }
        Ok(())
    }

    fn allows(self, c: char) -> bool {
        match c {
            'a'..='z' | 'A'..='Z' | '0'..='9' | '-' | '.' | '_' | '~' => true,
            '+' => self != Self::Module,
            '!' | '#' | '$' | '%' | '&' | '(' | ')' | ',' | '=' | '@' | '[' | ']' | '^' | '{' | '}' | ' ' => {
                self == Self::File
            }
            c => self == Self::File && !c.is_ascii() && is_letter(c),
        }
    }
}

impl fmt::Display for PathKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Module => "module",
            Self::Import => "import",
            Self::File => "file",
        })
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
fn check_domain(path: &str) -> Result<(), PathFault> {
    let domain = path.split_once('/').map_or(path, |(domain, _)| domain);
    if !domain.contains('.') {
        return Err(PathFault::MissingDot);
    }
    let allowed = |c: char| c == '-' || c == '.' || c.is_ascii_digit() || c.is_ascii_lowercase();
    domain
        .chars()
        .find(|&c| !allowed(c))
        .map_or(Ok(()), |c| Err(PathFault::InvalidDomainChar(c)))
}

/// The device names Windows reserves in every directory, in any case and whatever follows the first dot.
fn is_reserved_on_windows(short: &str) -> bool {
    let bytes = short.as_bytes();
    match bytes.len() {
        3 => [b"CON", b"PRN", b"AUX", b"NUL"]
            .iter()
            .any(|name| bytes.eq_ignore_ascii_case(*name)),
        4 => {
            (bytes[..3].eq_ignore_ascii_case(b"COM") || bytes[..3].eq_ignore_ascii_case(b"LPT"))
                && matches!(bytes[3], b'1'..=b'9')
        }
        _ => false,
    }
}

fn is_windows_short_name(short: &str) -> bool {
    short
        .rsplit_once('~')
        .is_some_and(|(_, digits)| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()))
}

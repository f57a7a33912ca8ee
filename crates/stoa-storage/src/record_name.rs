//! What names a record.

use std::fmt;
use std::str::FromStr;

/// The most bytes an element may have, as on common file systems.
const MAX_ELEMENT: usize = 255;
/// The most bytes a name may have, so that with the storage's root before it, it still is a path.
const MAX_LEN: usize = 2048;

/// The name of a record or an artifact: elements with slashes between them, as in `sumdb/sum.golang.org/latest`.
///
/// The first element names the service, and has no dot: module paths begin with a domain, which has one, so no
/// record can be a module's file. Every element can be a file's name: none is empty, `.` or `..`, longer than 255
/// bytes, or has a backslash or a control character in it. The whole has at most 2048 bytes. Names that differ in
/// case only may be the same on some file systems: callers escape.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordName(Box<str>);

/// Why a text names no record.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name:?} names no record: {reason}")]
pub struct RecordNameError {
    name: Box<str>,
    reason: &'static str,
}

impl RecordName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RecordName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for RecordName {
    type Err = RecordNameError;

    fn from_str(name: &str) -> Result<Self, RecordNameError> {
        match broken_rule(name) {
            None => Ok(Self(name.into())),
            Some(reason) => Err(RecordNameError {
                name: name.chars().take(80).collect(),
                reason,
            }),
        }
    }
}

/// The first rule of names that `name` breaks.
fn broken_rule(name: &str) -> Option<&'static str> {
    if name.len() > MAX_LEN {
        return Some("it is longer than 2048 bytes");
    }
    let Some((service, _)) = name.split_once('/') else {
        return Some("it has no slash");
    };
    if service.contains('.') {
        return Some("its first element has a dot, as the domain of a module path");
    }
    name.split('/').find_map(|element| match element {
        "" | "." | ".." => Some("an element is empty, . or .."),
        element if element.len() > MAX_ELEMENT => Some("an element is longer than 255 bytes"),
        element if element.contains('\\') || element.chars().any(char::is_control) => {
            Some("it has a backslash or a control character")
        }
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_relative_and_safe() {
        for name in [
            "sumdb/sum.golang.org/latest",
            "sumdb/sum.golang.org/lookup/github.com/!burnt!sushi/toml@v1.0.0",
            "sumdb/sum.golang.org/tile/8/0/x001/234.p/17",
            "a/b",
        ] {
            assert_eq!(name.parse::<RecordName>().unwrap().to_string(), name);
        }
        let (long, deep) = (format!("a/{}", "b".repeat(256)), "a/".repeat(1100) + "b");
        for name in [
            "",
            "sumdb",
            "/",
            "/etc/passwd",
            "sumdb/",
            "sumdb//a",
            "sumdb/./a",
            "sumdb/../a",
            "../a",
            "sumdb/..",
            "sumdb/a\\b",
            "sumdb/a\0b",
            "sumdb/a\nb",
            "example.com/m",
            ".stoa/lock",
            &long,
            &deep,
        ] {
            let error = name.parse::<RecordName>().unwrap_err();
            assert!(error.to_string().contains("names no record"), "{error}");
        }
    }
}

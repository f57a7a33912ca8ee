//! Patterns of module paths, as GOPRIVATE has them.

use std::{fmt, str::FromStr};

use crate::glob;

/// A comma-separated list of patterns that match a module path or a leading part of it, whole elements at a time
/// (`module.MatchPrefixPatterns`).
///
/// Each pattern is a glob of `path.Match`: `*` and `?` stop at slashes, `[a-z]` and `[^a-z]` are classes, `\` takes
/// the next character for itself. Empty and malformed patterns match nothing and do no harm, and one trailing
/// slash does not count. What somebody writes for this program is read by [`FromStr`], which refuses them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct PatternList {
    patterns: Box<[Pattern]>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Pattern {
    glob: Box<str>,
    /// How many elements of a path it speaks of.
    elements: usize,
}

impl PatternList {
    /// Takes a list as environment variables have it. It cannot fail: see the type for malformed patterns.
    pub fn parse(list: &str) -> Self {
        let patterns = list
            .split(',')
            .map(|glob| glob.strip_suffix('/').unwrap_or(glob))
            .filter(|glob| !glob.is_empty())
            .map(|glob| Pattern {
                glob: glob.into(),
                elements: glob.split('/').count(),
            });
        Self {
            patterns: patterns.collect(),
        }
    }

    /// Whether any pattern matches `path` or a leading part of it.
    pub fn matches(&self, path: &str) -> bool {
        self.patterns.iter().any(|pattern| {
            leading_elements(path, pattern.elements)
                .is_some_and(|prefix| glob::matches(&pattern.glob, prefix))
        })
    }

    /// The first element of each pattern: where it is no glob itself, the host of all modules that the pattern matches.
    pub fn first_elements(&self) -> impl Iterator<Item = &str> {
        let first = |pattern: &'_ Pattern| pattern.glob.split('/').next().unwrap_or_default().len();
        self.patterns
            .iter()
            .map(move |pattern| &pattern.glob[..first(pattern)])
    }

    /// The same list without the patterns that `keep` refuses. It gets each glob as it was written, without a trailing slash.
    #[must_use]
    pub fn only(&self, mut keep: impl FnMut(&str) -> bool) -> Self {
        let kept = self.patterns.iter().filter(|pattern| keep(&pattern.glob));
        Self {
            patterns: kept.cloned().collect(),
        }
    }

    /// Whether there is no pattern, so that nothing matches.
    pub fn is_empty(&self) -> bool {
        self.patterns.is_empty()
    }
}

/// Why a list has a pattern that matches no module path.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the pattern {pattern:?} matches no module: {reason}")]
pub struct PatternListError {
    /// As it was written.
    pub pattern: String,
    /// What is wrong with it.
    pub reason: &'static str,
}

/// Takes a list that somebody has written for this program: blanks around patterns do not count, and a pattern that can
/// match no module path is an error. In the list of what is private, it would leave out what it was meant for.
///
/// ```
/// use stoa_module::PatternList;
///
/// let list: PatternList = "corp.example/*, git.corp.example".parse().unwrap();
/// assert!(list.matches("git.corp.example/tools"));
/// let error = "https://corp.example/*".parse::<PatternList>().unwrap_err();
/// assert_eq!(error.reason, "it is a URL; write the path without https://");
/// ```
impl PatternList {
    /// The patterns, one by one, as they were given.
    pub fn globs(&self) -> impl Iterator<Item = &str> {
        self.patterns.iter().map(|pattern| &*pattern.glob)
    }
}

impl FromStr for PatternList {
    type Err = PatternListError;

    fn from_str(list: &str) -> Result<Self, PatternListError> {
        let trimmed: Vec<_> = list.split(',').map(str::trim).collect();
        let list = Self::parse(&trimmed.join(","));
        for Pattern { glob, .. } in &list.patterns {
            if let Some(reason) = unmatchable(glob) {
                return Err(PatternListError {
                    pattern: glob.to_string(),
                    reason,
                });
            }
        }
        Ok(list)
    }
}

/// Why no module path matches a glob (`module.CheckPath`), as far as can be told from what it has to have.
fn unmatchable(glob: &str) -> Option<&'static str> {
    let host = glob.split('/').next().unwrap_or_default();
    let is_of_paths = |c: char| c.is_ascii_alphanumeric() || "-._~/".contains(c);
    Some(if glob.contains("://") {
        "it is a URL; write the path without https://"
    } else if glob.contains(char::is_whitespace) {
        "it has a blank; separate patterns by commas"
    } else if !glob::is_well_formed(glob) {
        "it is malformed: a bracket or what follows a backslash is missing"
    } else if glob.split('/').any(str::is_empty) {
        "it has an empty part between slashes"
    } else if glob::literals(glob).any(|c| c == ':') {
        "module paths have no port and no colon"
    } else if !glob::literals(glob).all(is_of_paths) {
        "it has a character that no module path has"
    } else if glob::literals(host).any(|c| c.is_ascii_uppercase()) {
        "the host of a module path has no upper-case letters"
    } else {
        return None;
    })
}

/// Prints as [`PatternList::parse`] reads it.
impl fmt::Display for PatternList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, pattern) in self.patterns.iter().enumerate() {
            if i > 0 {
                f.write_str(",")?;
            }
            f.write_str(&pattern.glob)?;
            // One trailing slash is dropped in reading; what ends in one all the same had two.
            if pattern.glob.ends_with('/') {
                f.write_str("/")?;
            }
        }
        Ok(())
    }
}

/// The first `count` elements of `path`; `None` if it has fewer.
fn leading_elements(path: &str, count: usize) -> Option<&str> {
    match path.match_indices('/').nth(count - 1) {
        Some((end, _)) => Some(&path[..end]),
        None => (path.split('/').count() == count).then_some(path),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_that_match_no_module_are_told() {
        for (list, part) in [
            ("https://corp.example/*", "URL"),
            ("corp.example,[corp.example/*", "malformed"),
            ("corp.example\\", "malformed"),
            ("Corp.example/*", "upper-case"),
            ("corp.example/* git.corp.example", "commas"),
            ("corp.example:8443/x", "port"),
            ("git@corp.example", "character"),
            ("/corp.example", "empty part"),
            ("corp.example//x", "empty part"),
        ] {
            let error = list.parse::<PatternList>().expect_err(list);
            assert!(error.reason.contains(part), "{list}: {error}");
        }
    }

    #[test]
    fn patterns_that_match_modules_are_taken() {
        for list in [
            "",
            ",",
            "*",
            "*.corp.example",
            "github.com/Corp/*",
            "corp.example/,",
            " corp.example , git.corp.example/x ",
            "[a-z]?t.corp.example/[^A-Z:]*",
            "corp.exampl\\e",
            "corp",
        ] {
            assert!(list.parse::<PatternList>().is_ok(), "{list}");
        }
        let list: PatternList = " a.example , b.example/ ".parse().expect("good");
        assert_eq!(list, PatternList::parse("a.example,b.example"));
    }
}

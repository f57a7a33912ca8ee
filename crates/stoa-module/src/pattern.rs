//! Patterns of module paths, as GOPRIVATE has them.

use std::fmt;

use crate::glob;

/// A comma-separated list of patterns that match a module path or a leading part of it, whole elements at a time
/// (`module.MatchPrefixPatterns`).
///
/// Each pattern is a glob of `path.Match`: `*` and `?` stop at slashes, `[a-z]` and `[^a-z]` are classes, `\` takes
/// the next character for itself. Empty and malformed patterns match nothing and do no harm, and one trailing
/// slash does not count.
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

//! Which texts a filter lets through, as a database asks for them along an index.

use crate::{EntryFilter, event::MAX_MODULE};

/// Greater than all that a module path is made of.
const AFTER_ALL: char = '\u{7f}';

/// The module paths from `from` on and below `below`, as texts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Range {
    pub(crate) from: String,
    pub(crate) below: String,
}

impl Range {
    /// None if no module path is let through.
    pub(crate) fn of(filter: &EntryFilter) -> Option<Self> {
        match filter {
            EntryFilter::All => Self::of_prefix(""),
            EntryFilter::Prefix(prefix) => Self::of_prefix(prefix),
            // No path has this sign, and those that it has come after it: also in databases that compare as if spaces followed.
            EntryFilter::Module(module) => Some(Self {
                from: module.as_str().to_owned(),
                below: format!("{module}!"),
            }),
        }
    }

    /// Those that begin with `prefix`.
    pub(crate) fn of_prefix(prefix: &str) -> Option<Self> {
        // Paths are of ASCII that can be seen. Databases differ in what they make of other texts.
        let is_one = prefix.len() <= MAX_MODULE && prefix.bytes().all(|byte| byte.is_ascii_graphic());
        is_one.then(|| Self {
            from: prefix.to_owned(),
            below: format!("{prefix}{AFTER_ALL}"),
        })
    }

    /// Whether a module path is let through.
    pub(crate) fn contains(&self, module: &str) -> bool {
        module >= self.from.as_str() && module < self.below.as_str()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_is_one_of_the_text() {
        let range = Range::of_prefix("a.b/c").unwrap();
        assert!(
            ["a.b/c", "a.b/c/d", "a.b/c~", "a.b/cz"]
                .iter()
                .all(|path| range.contains(path))
        );
        assert!(
            ["a.b/b", "a.b/d", "a.b/C"]
                .iter()
                .all(|path| !range.contains(path))
        );
        assert_eq!(Range::of_prefix("ä"), None);
        assert_eq!(Range::of_prefix("a\0"), None);
        assert!(Range::of_prefix("").unwrap().contains("~"));
    }

    #[test]
    fn a_module_is_only_itself() {
        let module = stoa_module::ModulePath::parse("a.b/c").unwrap();
        let range = Range::of(&EntryFilter::Module(module)).unwrap();
        assert!(range.contains("a.b/c"));
        assert!(
            ["a.b/c-d", "a.b/c/d", "a.b/", "a.b/c!"]
                .iter()
                .all(|path| !range.contains(path))
        );
    }
}

//! Which modules the configuration names.

use stoa_module::PatternList;

/// Names that are never given to anybody on the internet: a single one of them is a domain of one's own.
const OWN_DOMAINS: [&str; 9] = [
    "internal",
    "corp",
    "home",
    "lan",
    "local",
    "localdomain",
    "intranet",
    "private",
    "test",
];

/// The modules that the configuration names by pattern: private ones, and those with a route.
///
/// A pattern names modules only if no stranger can have a host that it matches: its first element ends with at least two
/// labels, as in `*.corp.example`, or is no pattern at all. `*` and `*/*` are a way to say "all of them", which names
/// nobody; `*.com` and `*corp.example` match what anybody can register.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NamedModules {
    lists: Vec<PatternList>,
}

impl NamedModules {
    /// The modules that any pattern of these lists names.
    pub fn new<'a>(lists: impl IntoIterator<Item = &'a PatternList>) -> Self {
        let lists = lists.into_iter().map(|list| list.only(names_hosts));
        Self {
            lists: lists.filter(|list| !list.is_empty()).collect(),
        }
    }

    /// Whether no pattern names a module.
    pub fn is_empty(&self) -> bool {
        self.lists.is_empty()
    }

    /// Whether the module at `path` is one of them.
    pub fn names(&self, path: &str) -> bool {
        self.lists.iter().any(|list| list.matches(path))
    }
}

/// Whether all hosts that a pattern matches belong to one owner. With any other, a stranger may own one of them.
pub fn names_hosts(glob: &str) -> bool {
    let host = glob.split('/').next().unwrap_or_default();
    let Some(wildcard) = host.rfind(['*', '?', '[', ']', '\\']) else {
        return !host.is_empty();
    };
    // What stands before the first dot may be the end of a longer name.
    let Some((_, domain)) = host[wildcard + 1..].split_once('.') else {
        return false;
    };
    let labels: Vec<&str> = domain.split('.').collect();
    let whole = labels.iter().all(|label| !label.is_empty());
    whole && (labels.len() > 1 || OWN_DOMAINS.contains(&domain))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(list: &str, path: &str) -> bool {
        NamedModules::new([&PatternList::parse(list)]).names(path)
    }

    #[test]
    fn a_pattern_names_what_no_stranger_can_have() {
        for (list, path) in [
            ("corp.example", "corp.example/x/y"),
            ("corp.example/*", "corp.example/x"),
            ("github.com/corp/*", "github.com/corp/x"),
            ("*.corp.example", "git.corp.example/x"),
            ("[a-z]?t.corp.example/tools", "git.corp.example/tools"),
            ("*.internal", "git.internal/x"),
            ("*git.corp.example", "digit.corp.example/x"),
            ("*,git.corp.example", "git.corp.example/x"),
            ("corp", "corp/x"),
        ] {
            assert!(names(list, path), "{list} {path}");
        }
    }

    #[test]
    fn what_means_everything_names_nobody() {
        for (list, path) in [
            ("*", "evil.example/x"),
            ("*/*", "evil.example/x"),
            ("*.*", "evil.example/x"),
            ("*/corp/*", "evil.example/corp/x"),
            ("?*.example", "evil.example/x"),
            ("*.example", "evil.example/x"),
            ("*corp.example", "evilcorp.example/x"),
            ("corp.*", "corp.evil/x"),
            ("[a-z.]*", "evil.example/x"),
            ("evil.exampl\\e", "evil.example/x"),
            ("*.", "evil./x"),
            ("*..example", "evil..example/x"),
            ("", "evil.example/x"),
            ("/x", "evil.example/x"),
            ("corp.example/*", "corp.example"),
            ("corp.example", "corp.example.evil/x"),
        ] {
            assert!(!names(list, path), "{list} {path}");
        }
    }

    #[test]
    fn lists_add_up() {
        let lists = ["a.example", "*", "b.example/x"].map(PatternList::parse);
        let named = NamedModules::new(&lists);
        assert!(named.names("a.example/y") && named.names("b.example/x/y"));
        assert!(!named.names("b.example/y") && !named.names("c.example/x"));
        assert!(!NamedModules::default().names("a.example"));
    }
}

//! Rules that send what goes to one place to another, as git's `url.insteadOf` does.

use url::Url;

use crate::{SettingError, shown_url::shown_url};

/// The schemes that a rule may speak of.
const SCHEMES: [&str; 9] = [
    "http", "https", "ssh", "git", "git+ssh", "svn", "svn+ssh", "bzr", "bzr+ssh",
];

/// URLs that are `from` or lie below it become the same below `to`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rewrite {
    /// Without a slash at the end.
    from: String,
    /// Without a slash at the end.
    to: String,
    target: Url,
}

/// Rules, of which the one with the longest `from` counts. A rewritten URL is not rewritten again.
///
/// # Deviation
///
/// Unlike git's, a rule ends where an element of the path ends, and it never reaches into the host: neither
/// `https://github.com.evil.example/` nor `https://github.com@evil.example/` nor `https://github.com:8443/` is below
/// `https://github.com`, and a slash at the end of either side means nothing. URLs are compared as they are asked for:
/// host in lower case, default port left out, `.` and `..` resolved. So what a rule makes of a URL is always below `to`.
///
/// Where a redirect leads is not rewritten: it is the answer of a server that was asked already.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rewrites {
    /// The longest first.
    rules: Vec<Rewrite>,
}

impl Rewrite {
    /// Checks both sides: URLs with a host, no query or fragment, no password, and a user for ssh only.
    pub fn new(from: &str, to: &str) -> Result<Self, SettingError> {
        let (from, target) = (side("from", from)?, side("to", to)?);
        Ok(Self {
            from: trimmed(&from),
            to: trimmed(&target),
            target,
        })
    }

    /// What the rule makes of a URL, if it is about it.
    fn apply(&self, url: &Url) -> Option<Url> {
        let rest = url.as_str().strip_prefix(&self.from)?;
        if !rest.is_empty() && !rest.starts_with(['/', '?', '#']) {
            return None;
        }
        Url::parse(&format!("{}{rest}", self.to)).ok()
    }
}

fn trimmed(url: &Url) -> String {
    url.as_str().trim_end_matches('/').to_owned()
}

fn side(name: &str, text: &str) -> Result<Url, SettingError> {
    let bad = |reason: String| SettingError::new(format!("bad {name} of a rewrite: {reason}"));
    let url = Url::parse(text).map_err(|error| bad(format!("{:?} is no URL: {error}", shown_url(text))))?;
    if !SCHEMES.contains(&url.scheme()) {
        return Err(bad(format!(
            "scheme {:?} is none of {}",
            url.scheme(),
            SCHEMES.join(", ")
        )));
    }
    if url.host_str().unwrap_or_default().is_empty() {
        return Err(bad(format!("{:?} has no host", shown_url(text))));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(bad("a query or fragment has no meaning here".to_owned()));
    }
    if url.password().is_some() || (!url.username().is_empty() && !url.scheme().ends_with("ssh")) {
        return Err(bad("credentials do not belong into it".to_owned()));
    }
    Ok(url)
}

impl Rewrites {
    /// Puts rules together. Two for the same place are a mistake.
    pub fn new(rules: impl IntoIterator<Item = Rewrite>) -> Result<Self, SettingError> {
        let mut rules: Vec<_> = rules.into_iter().collect();
        rules.sort_by(|a, b| b.from.len().cmp(&a.from.len()).then_with(|| a.from.cmp(&b.from)));
        if let Some(twice) = rules.windows(2).find(|pair| pair[0].from == pair[1].from) {
            return Err(SettingError::new(format!("two rewrites of {:?}", twice[0].from)));
        }
        Ok(Self { rules })
    }

    /// Where a repository is asked for, if a rule is about it.
    pub fn repository(&self, url: &Url) -> Option<Url> {
        self.rules.iter().find_map(|rule| rule.apply(url))
    }

    /// Where a page is asked for, if a rule is about it. Rules that lead to ssh and the like are passed over: there are no
    /// pages there.
    pub fn page(&self, url: &Url) -> Option<Url> {
        let to_pages = |rule: &&Rewrite| matches!(rule.target.scheme(), "http" | "https");
        self.rules
            .iter()
            .filter(to_pages)
            .find_map(|rule| rule.apply(url))
    }

    /// The places that rules lead to.
    pub fn targets(&self) -> impl Iterator<Item = &Url> {
        self.rules.iter().map(|rule| &rule.target)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rewrites(rules: &[(&str, &str)]) -> Rewrites {
        let rules = rules
            .iter()
            .map(|(from, to)| Rewrite::new(from, to).expect("a rule"));
        Rewrites::new(rules).expect("rules")
    }

    fn url(text: &str) -> Url {
        Url::parse(text).expect(text)
    }

    #[test]
    fn the_longest_rule_counts_once() {
        let rules = rewrites(&[
            ("https://github.com/", "https://mirror.corp.example/github/"),
            ("https://github.com/corp", "ssh://git@git.corp.example/corp"),
            ("https://mirror.corp.example", "https://elsewhere.example"),
        ]);
        for (from, repository, page) in [
            (
                "https://github.com/a/b",
                "https://mirror.corp.example/github/a/b",
                "https://mirror.corp.example/github/a/b",
            ),
            (
                "https://GitHub.com:443/corp/x?y",
                "ssh://git@git.corp.example/corp/x?y",
                "https://mirror.corp.example/github/corp/x?y",
            ),
            ("https://x.example/", "https://x.example/", "https://x.example/"),
        ] {
            assert_eq!(
                rules.repository(&url(from)).as_ref().map_or(from, Url::as_str),
                repository
            );
            assert_eq!(rules.page(&url(from)).as_ref().map_or(from, Url::as_str), page);
        }
    }

    #[test]
    fn a_rule_ends_where_an_element_ends() {
        for slash in ["", "/"] {
            let rules = rewrites(&[
                (&format!("https://github.com{slash}"), "https://m.example"),
                (&format!("https://a.example/go{slash}"), "https://m.example/x"),
            ]);
            for untouched in [
                "https://github.com.evil.example/a",
                "https://github.com@evil.example/a",
                "https://github.com:8443/a",
                "https://user@github.com/a",
                "http://github.com/a",
                "https://a.example/gopher",
                "https://a.example/go/../secret",
                "https://a.example/go/%2e%2e/secret",
            ] {
                assert_eq!(rules.repository(&url(untouched)), None);
            }
            assert_eq!(
                rules.page(&url("https://a.example/go?x")),
                Some(url("https://m.example/x?x"))
            );
            assert_eq!(
                rules.page(&url("https://github.com")),
                Some(url("https://m.example/"))
            );
        }
    }

    #[test]
    fn bad_rules_say_what_is_wrong() {
        for (from, to, want) in [
            (
                "github.com",
                "https://a",
                "bad from of a rewrite: \"github.com\" is no URL",
            ),
            (
                "https://a",
                "file:///srv",
                "bad to of a rewrite: scheme \"file\" is none of",
            ),
            ("https://a", "git:x", "\"git:x\" has no host"),
            ("https://a?x", "https://b", "a query or fragment"),
            ("https://a", "https://u:p@b", "credentials do not belong"),
            ("https://a", "ssh://u:p@b", "credentials do not belong"),
        ] {
            let error = Rewrite::new(from, to).expect_err(from).to_string();
            assert!(error.contains(want), "{error}");
            assert!(!error.contains("u:p"), "{error}");
        }
        let rule = |from| Rewrite::new(from, "https://b").expect("a rule");
        let error = Rewrites::new([rule("https://a/"), rule("https://A")]).expect_err("twice");
        assert_eq!(error.to_string(), "two rewrites of \"https://a\"");
    }

    proptest! {
        #[test]
        fn what_is_rewritten_lies_below_the_target(path in "[a-z./%2eE\\\\@:?#-]{0,24}", slashes in any::<[bool; 2]>()) {
            let slash = |on| if on { "/" } else { "" };
            let rules = rewrites(&[(
                &format!("https://a.example/x{}", slash(slashes[0])),
                &format!("https://b.example/y{}", slash(slashes[1])),
            )]);
            if let Ok(url) = Url::parse(&format!("https://a.example/x{path}"))
                && let Some(rewritten) = rules.page(&url)
            {
                prop_assert_eq!(rewritten.host_str(), Some("b.example"));
                prop_assert!(rewritten.path() == "/y" || rewritten.path().starts_with("/y/"), "{}", rewritten);
                prop_assert_eq!((rewritten.username(), rewritten.port()), ("", None));
            }
        }
    }
}

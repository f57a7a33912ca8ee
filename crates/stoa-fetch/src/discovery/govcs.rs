//! Which systems may be used for which paths, as GOVCS says it.

use std::{fmt, str::FromStr};

use stoa_module::PatternList;

/// A GOVCS list: `public:git|hg,private:all`. The first entry whose pattern matches decides; what no entry speaks of is
/// forbidden.
///
/// Read from a text it is that list and no more. The go command goes on with its own list at the end: see
/// [`then_default`](Self::then_default).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Govcs {
    rules: Vec<Rule>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Rule {
    pattern: Pattern,
    allowed: Vec<String>,
    /// As it was written.
    text: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Pattern {
    Public,
    Private,
    Paths(PatternList),
}

/// Why a text is no GOVCS list. The texts are the go command's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct GovcsError(String);

impl Govcs {
    /// This list, then the go command's own for what no entry speaks of.
    #[must_use]
    pub fn then_default(mut self) -> Self {
        self.rules.extend(Self::default().rules);
        self
    }

    /// Whether `vcs` may be used for `root`; if not, the entry that forbids it, `None` if no entry speaks of the path.
    pub fn check(&self, root: &str, private: bool, vcs: &str) -> Result<(), Option<&str>> {
        let rule = self.rules.iter().find(|rule| match &rule.pattern {
            Pattern::Public => !private,
            Pattern::Private => private,
            Pattern::Paths(paths) => paths.matches(root),
        });
        let rule = rule.ok_or(None)?;
        let allowed = rule.allowed.iter().any(|name| name == vcs || name == "all");
        allowed.then_some(()).ok_or(Some(&rule.text))
    }
}

/// The go command's own list, `private:all,public:git|hg`.
impl Default for Govcs {
    fn default() -> Self {
        let rule = |pattern, text: &str, allowed: &[&str]| Rule {
            pattern,
            allowed: allowed.iter().map(|name| (*name).to_owned()).collect(),
            text: text.to_owned(),
        };
        Self {
            rules: vec![
                rule(Pattern::Private, "private:all", &["all"]),
                rule(Pattern::Public, "public:git|hg", &["git", "hg"]),
            ],
        }
    }
}

impl FromStr for Govcs {
    type Err = GovcsError;

    fn from_str(text: &str) -> Result<Self, GovcsError> {
        let text = text.trim();
        let mut rules: Vec<Rule> = Vec::new();
        let mut patterns = Vec::new();
        for item in text.split(',').map(str::trim).filter(|_| !text.is_empty()) {
            let (pattern, rule) = rule(item)?;
            if let Some(earlier) = patterns.iter().position(|earlier| *earlier == pattern) {
                let reason = format!(
                    "unreachable pattern in GOVCS: {item:?} after {:?}",
                    rules[earlier].text
                );
                return Err(GovcsError(reason));
            }
            // The go command looks at the names last, so that a pattern given twice is reported first.
            let rule = rule?;
            patterns.push(pattern);
            rules.push(rule);
        }
        Ok(Self { rules })
    }
}

/// The pattern of an entry, and the entry if its names are good.
fn rule(item: &str) -> Result<(&str, Result<Rule, GovcsError>), GovcsError> {
    let bad = |reason: &str, what: &str| GovcsError(format!("{reason}: {what:?}"));
    if item.is_empty() {
        return Err(GovcsError("empty entry in GOVCS".to_owned()));
    }
    let (pattern, list) = item
        .split_once(':')
        .ok_or_else(|| bad("malformed entry in GOVCS (missing colon)", item))?;
    let (pattern, list) = (pattern.trim(), list.trim());
    if pattern.is_empty() {
        return Err(bad("empty pattern in GOVCS", item));
    }
    if list.is_empty() {
        return Err(bad("empty VCS list in GOVCS", item));
    }
    if matches!(pattern, "." | "..") || pattern.starts_with("./") || pattern.starts_with("../") {
        return Err(bad("relative pattern not allowed in GOVCS", pattern));
    }
    let names = list.split('|').map(|name| match name.trim() {
        "" => Err(bad("empty VCS name in GOVCS", item)),
        name => Ok(name.to_owned()),
    });
    let rule = names.collect::<Result<_, _>>().map(|allowed| Rule {
        pattern: match pattern {
            "public" => Pattern::Public,
            "private" => Pattern::Private,
            paths => Pattern::Paths(PatternList::parse(paths)),
        },
        allowed,
        text: item.to_owned(),
    });
    Ok((pattern, rule))
}

impl fmt::Display for Govcs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, rule) in self.rules.iter().enumerate() {
            let comma = if i > 0 { "," } else { "" };
            write!(f, "{comma}{}", rule.text)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_entry_that_forbids_is_told() {
        let given: Govcs = " a.b/* : hg , public:none ".parse().expect("a list");
        assert_eq!(given.check("x.y", true, "git"), Err(None));
        let govcs = given.then_default();
        assert_eq!(govcs.check("a.b/c", false, "hg"), Ok(()));
        assert_eq!(govcs.check("a.b/c", true, "git"), Err(Some("a.b/* : hg")));
        assert_eq!(govcs.check("x.y", false, "git"), Err(Some("public:none")));
        assert_eq!(govcs.check("x.y", true, "fossil"), Ok(()));
        assert_eq!(
            govcs.to_string(),
            "a.b/* : hg,public:none,private:all,public:git|hg"
        );
    }

    #[test]
    fn an_empty_list_is_the_default() {
        let empty: Govcs = " ".parse().expect("a list");
        let govcs = empty.then_default();
        assert_eq!(govcs, Govcs::default());
        assert_eq!(govcs.check("x.y", false, "hg"), Ok(()));
        assert_eq!(govcs.check("x.y", false, "svn"), Err(Some("public:git|hg")));
        assert_eq!(govcs.check("x.y", true, "svn"), Ok(()));
    }

    #[test]
    fn relative_and_repeated_patterns_are_refused() {
        let error = |text: &str| text.parse::<Govcs>().expect_err(text).to_string();
        for pattern in [".", "..", "./a", "../a"] {
            let want = format!("relative pattern not allowed in GOVCS: {pattern:?}");
            assert_eq!(error(&format!("{pattern}:git")), want);
        }
        assert_eq!(error(":git"), "empty pattern in GOVCS: \":git\"");
        assert_eq!(
            error("a:git,b:hg,a:|"),
            "unreachable pattern in GOVCS: \"a:|\" after \"a:git\""
        );
    }
}

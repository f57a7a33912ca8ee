//! What clients see of a place that a rewrite leads to: nothing.

use url::{Position, Url};

/// Puts the place that was named where a text speaks of the place that it was rewritten to.
///
/// Where mirrors and internal servers are is the operator's business, and clients could make nothing of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Alias {
    /// What is hidden, and what stands there instead; the longest first.
    pairs: Vec<(String, String)>,
}

impl Alias {
    /// `None` if nothing was rewritten.
    pub(crate) fn new(named: &Url, asked: &Url) -> Option<Self> {
        if named == asked {
            return None;
        }
        let whole = |url: &Url| url.as_str().trim_end_matches('/').to_owned();
        let base = |url: &Url| url[..Position::BeforePath].to_owned();
        let authority = |url: &Url| url[Position::BeforeHost..Position::AfterPort].to_owned();
        let host = |url: &Url| url.host_str().unwrap_or_default().to_owned();
        let pairs = [
            (whole(asked), whole(named)),
            (base(asked), base(named)),
            (authority(asked), authority(named)),
            (host(asked), host(named)),
        ];
        let pairs = pairs
            .into_iter()
            .filter(|(hidden, shown)| !hidden.is_empty() && hidden != shown);
        Some(Self {
            pairs: pairs.collect(),
        })
    }

    /// The text without the hidden place.
    pub(crate) fn show(&self, text: &str) -> String {
        let pairs = self.pairs.iter();
        pairs.fold(text.to_owned(), |text, (hidden, shown)| {
            replaced(&text, hidden, shown)
        })
    }
}

/// Replaces what stands by itself: `git` is not in `digit`, nor `a.example` in `a.example.org`.
fn replaced(text: &str, hidden: &str, shown: &str) -> String {
    let in_name = |c: char| c.is_ascii_alphanumeric() || c == '-';
    let mut out = String::with_capacity(text.len());
    let mut end = 0;
    for (at, found) in text.match_indices(hidden) {
        let after = &text[at + found.len()..];
        let joined = text[..at].ends_with(|c| in_name(c) || c == '.')
            || after.starts_with(in_name)
            || after
                .strip_prefix('.')
                .is_some_and(|rest| rest.starts_with(in_name));
        out.push_str(&text[end..at]);
        out.push_str(if joined { hidden } else { shown });
        end = at + found.len();
    }
    out.push_str(&text[end..]);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alias(named: &str, asked: &str) -> Option<Alias> {
        let url = |text: &str| Url::parse(text).expect(text);
        Alias::new(&url(named), &url(asked))
    }

    #[test]
    fn a_text_speaks_of_the_place_that_was_named() {
        let alias =
            alias("https://github.com/a/b", "http://mirror.corp:8080/github/a/b").expect("two places");
        for (text, want) in [
            (
                "unable to access 'http://mirror.corp:8080/github/a/b/info/refs': Failed to connect to mirror.corp port 8080",
                "unable to access 'https://github.com/a/b/info/refs': Failed to connect to github.com port 8080",
            ),
            (
                "mirror.corp:8080: the queue is full",
                "github.com: the queue is full",
            ),
            ("http://mirror.corp:8080/other", "https://github.com/other"),
            (
                "Could not resolve host: mirror.corp.",
                "Could not resolve host: github.com.",
            ),
            (
                "not-mirror.corp, mirror.corp.example",
                "not-mirror.corp, mirror.corp.example",
            ),
        ] {
            assert_eq!(alias.show(text), want);
        }
    }

    #[test]
    fn what_was_not_rewritten_is_shown_as_it_is() {
        assert_eq!(alias("https://a.example/x", "https://a.example/x"), None);
        let short = alias("https://a.example/x", "ssh://git@git/x").expect("two places");
        assert_eq!(short.show("digit: git: no"), "digit: a.example: no");
    }
}

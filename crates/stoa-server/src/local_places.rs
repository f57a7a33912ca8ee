//! Keeps places of this machine out of what clients are told.

use std::{borrow::Cow, path::Path};

/// What stands for a place of this machine.
const HIDDEN: &str = "[local]";

/// Directories and files of this machine. Programs, the operating system and libraries quote them in errors; the log
/// shows them, a client sees that there is one.
#[derive(Clone, Debug, Default)]
pub struct LocalPlaces {
    /// The longest first, because one may be within another.
    places: Vec<String>,
}

impl LocalPlaces {
    /// These places, and all below them. Only absolute paths count, and not the root directory.
    pub fn new<P: AsRef<Path>>(places: impl IntoIterator<Item = P>) -> Self {
        let absolute = |place: P| {
            let place = place.as_ref().to_str()?.trim_end_matches('/').to_owned();
            (place.starts_with('/') && place.len() > 1).then_some(place)
        };
        let mut places: Vec<String> = places.into_iter().filter_map(absolute).collect();
        places.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        places.dedup();
        Self { places }
    }

    /// The text without them, and without the user of any URL.
    pub(crate) fn hide<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let mut shown = without_users(text);
        for place in &self.places {
            if shown.contains(place.as_str()) {
                shown = Cow::Owned(without(&shown, place));
            }
        }
        shown
    }
}

/// Replaces each path that is `place` or below it.
fn without(text: &str, place: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(place) {
        let (before, after) = (&rest[..at], &rest[at + place.len()..]);
        shown.push_str(before);
        let begins = before.ends_with("file://")
            || !shown
                .ends_with(|c: char| c.is_alphanumeric() || matches!(c, '/' | '.' | '-' | '_' | '~' | ']'));
        let ends = !after.starts_with(|c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | '~'));
        if begins && ends {
            shown.push_str(HIDDEN);
            let is_end = |c: char| {
                c.is_whitespace() || matches!(c, '\'' | '"' | '`' | ':' | ';' | ',' | ')' | ']' | '>')
            };
            rest = &after[after.find(is_end).unwrap_or(after.len())..];
        } else {
            shown.push_str(place);
            rest = after;
        }
    }
    shown.push_str(rest);
    shown
}

/// Cuts what is between `://` and the last `@` of the authority.
fn without_users(text: &str) -> Cow<'_, str> {
    if !(text.contains("://") && text.contains('@')) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + 3);
        shown.push_str(before);
        let is_end = |c: char| c.is_whitespace() || matches!(c, '/' | '?' | '#' | '\'' | '"' | '<' | '>');
        let authority = &after[..after.find(is_end).unwrap_or(after.len())];
        rest = &after[authority.rfind('@').map_or(0, |user| user + 1)..];
    }
    shown.push_str(rest);
    Cow::Owned(shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_and_users_are_hidden_and_nothing_else() {
        let places = LocalPlaces::new([
            "/var/lib/stoa",
            "/var/lib/stoa-vcs/",
            "/tmp",
            "/",
            "relative",
            "/root",
        ]);
        for (text, want) in [
            ("cannot open /var/lib/stoa/a b", "cannot open [local] b"),
            ("fatal: '/var/lib/stoa-vcs/x/y.git': no", "fatal: '[local]': no"),
            ("/var/lib/stoa", "[local]"),
            (
                "/var/lib/stoa.old /var/lib/stoat",
                "/var/lib/stoa.old /var/lib/stoat",
            ),
            (
                "file:///tmp/tree is unreachable: x",
                "file://[local] is unreachable: x",
            ),
            (
                "https://h.example/tmp/x and example.com/tmp",
                "https://h.example/tmp/x and example.com/tmp",
            ),
            (
                "example.com/root/x@v1.0.0: (/root/.ssh/id)",
                "example.com/root/x@v1.0.0: ([local])",
            ),
            (
                "ssh://bot@h.example/r: https://u:p@ss@h/x@v1",
                "ssh://h.example/r: https://h/x@v1",
            ),
            (
                "example.com/a@v1.0.0: not found",
                "example.com/a@v1.0.0: not found",
            ),
        ] {
            assert_eq!(places.hide(text), want, "{text}");
        }
        assert_eq!(LocalPlaces::default().hide("/var/lib/stoa"), "/var/lib/stoa");
    }
}

//! Which of a module's versions a query chooses.

use crate::{
    Version,
    modfile::{Retract, RetractSet},
};

/// The versions that a query such as `latest` chooses from, by the rules of the go command
/// (`cmd/go/internal/modload/query.go`).
///
/// The rules need two facts that are in go.mod files, so that choosing goes in steps:
///
/// 1. Take all versions, settle [`decisive`](Self::decisive), and read the retractions from the go.mod of
///    [`highest`](Self::highest).
/// 2. Take the versions that the query matches [`without`](Self::without) the retracted ones, and settle `decisive` again.
/// 3. The answer is the [`highest`](Self::highest) or [`lowest`](Self::lowest) of what is left.
///
/// ```
/// use stoa_module::{Candidates, Version};
///
/// let list = ["v1.2.0-rc.1", "v1.1.0", "v2.0.0+incompatible"].map(|text| Version::parse(text).unwrap());
/// let all = Candidates::new(&list);
/// assert_eq!(all.highest().unwrap().as_str(), "v2.0.0+incompatible");
/// // The go.mod of this version decides whether v2.0.0+incompatible counts.
/// assert_eq!(all.decisive().unwrap().as_str(), "v1.2.0-rc.1");
/// assert_eq!(all.compatible().highest().unwrap().as_str(), "v1.1.0");
/// ```
#[derive(Clone, Debug)]
pub struct Candidates<'a> {
    /// From the lowest up.
    versions: Vec<&'a Version>,
}

impl<'a> Candidates<'a> {
    /// These versions, in any order.
    pub fn new(versions: impl IntoIterator<Item = &'a Version>) -> Self {
        let mut versions: Vec<_> = versions.into_iter().collect();
        versions.sort();
        Self { versions }
    }

    /// All but the retracted ones.
    #[must_use]
    pub fn without(mut self, retracted: &[Retract]) -> Self {
        let retracted = RetractSet::new(retracted);
        self.versions.retain(|version| !retracted.contains(version));
        self
    }

    /// The version whose go.mod decides whether `+incompatible` ones count: the highest without that suffix. If it has
    /// one of its own, the module knew of major versions by then, and only [`compatible`](Self::compatible) ones count
    /// (golang.org/issue/34165). `None` if there is nothing to decide.
    pub fn decisive(&self) -> Option<&'a Version> {
        let has_incompatible = self.versions.iter().any(|version| version.is_incompatible());
        let compatible = |version: &&&Version| !version.is_incompatible() && !version.is_pseudo();
        has_incompatible
            .then(|| self.versions.iter().rfind(compatible).copied())
            .flatten()
    }

    /// Without the `+incompatible` ones.
    #[must_use]
    pub fn compatible(mut self) -> Self {
        self.versions.retain(|version| !version.is_incompatible());
        self
    }

    /// The highest release, else the highest prerelease, else the highest pseudo-version.
    pub fn highest(&self) -> Option<&'a Version> {
        self.best().next_back()
    }

    /// The lowest release, else the lowest prerelease, else the lowest pseudo-version.
    pub fn lowest(&self) -> Option<&'a Version> {
        self.best().next()
    }

    /// Those of the best kind that there is, from the lowest up.
    fn best(&self) -> impl DoubleEndedIterator<Item = &'a Version> {
        let best = self.versions.iter().map(|version| rank(version)).max();
        let of_that_kind = move |version: &&'a Version| Some(rank(version)) == best;
        self.versions.iter().copied().filter(of_that_kind)
    }
}

/// A release ranks above a prerelease, and that above a pseudo-version.
fn rank(version: &Version) -> u8 {
    match (version.is_pseudo(), version.is_prerelease()) {
        (false, false) => 2,
        (false, true) => 1,
        (true, _) => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PSEUDO: &str = "v1.9.1-0.20240102030405-abcdefabcdef";

    fn versions(texts: &[&str]) -> Vec<Version> {
        let parse = |text: &&str| Version::parse(text).expect(text);
        texts.iter().map(parse).collect()
    }

    #[test]
    fn releases_win_over_prereleases_and_pseudo_versions() {
        for (texts, highest, lowest) in [
            (
                &["v1.2.0", "v1.3.0-rc.1", PSEUDO, "v1.0.0"][..],
                "v1.2.0",
                "v1.0.0",
            ),
            (&["v1.3.0-rc.1", PSEUDO], "v1.3.0-rc.1", "v1.3.0-rc.1"),
            (
                &[
                    "v0.0.0-20230102030405-abcdefabcdef",
                    "v0.0.0-20240102030405-abcdefabcdef",
                ],
                "v0.0.0-20240102030405-abcdefabcdef",
                "v0.0.0-20230102030405-abcdefabcdef",
            ),
            (
                &["v1.0.0-rc.1", "v1.0.0", "v1.1.0", "v1.2.0-rc.1"],
                "v1.1.0",
                "v1.0.0",
            ),
            (&["v1.9.0", "v1.10.0"], "v1.10.0", "v1.9.0"),
            (
                &["v2.0.0+incompatible", "v3.0.0+incompatible"],
                "v3.0.0+incompatible",
                "v2.0.0+incompatible",
            ),
        ] {
            let list = versions(texts);
            let all = Candidates::new(&list);
            assert_eq!(all.highest().map(Version::as_str), Some(highest));
            assert_eq!(all.lowest().map(Version::as_str), Some(lowest));
        }
        let none = Candidates::new([]);
        assert_eq!(
            (none.highest(), none.lowest(), none.decisive()),
            (None, None, None)
        );
    }

    #[test]
    fn the_highest_compatible_version_decides_about_the_incompatible_ones() {
        let decisive = |texts: &[&str]| {
            let list = versions(texts);
            Candidates::new(&list).decisive().map(ToString::to_string)
        };
        assert_eq!(
            decisive(&["v1.0.0", "v1.1.0"]),
            None,
            "there is nothing to decide"
        );
        assert_eq!(decisive(&["v2.0.0+incompatible", PSEUDO]), None);
        let list = ["v1.1.0-rc.1", "v2.0.0+incompatible", "v1.0.0", PSEUDO];
        assert_eq!(decisive(&list).as_deref(), Some("v1.1.0-rc.1"));
        let list = versions(&list);
        let compatible = Candidates::new(&list).compatible();
        assert_eq!(compatible.highest().map(Version::as_str), Some("v1.0.0"));
    }

    #[test]
    fn retracted_versions_are_left_out() {
        let range = |low: &str, high: &str| Retract {
            low: low.to_owned(),
            high: high.to_owned(),
            rationale: String::new(),
        };
        let list = versions(&["v1.0.0", "v1.1.0", "v1.2.0"]);
        let left = Candidates::new(&list).without(&[range("v1.1.0", "v1.2.0")]);
        assert_eq!(left.highest().map(Version::as_str), Some("v1.0.0"));
        assert_eq!(left.without(&[range("v1.0.0", "v1.0.0")]).highest(), None);
    }
}

//! One version out of a list.

use stoa_module::{
    ModulePath, ModuleVersion, Resource, Version,
    modfile::{ModFile, Retract, auto_quote},
};
use stoa_proxy::{Protocol, VersionList};

use super::small;

/// Which of the listed versions is wanted. Releases come before prereleases; retracted versions are passed over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Selection {
    /// `latest`: the highest.
    Latest,
    /// `v1`, `v1.2`: the highest that begins so, but no prerelease of the first one.
    Prefix { prefix: String, first: Version },
    /// `<v1.5.0`, `<=`, `>`, `>=`: the one closest to the bound.
    Compare { operator: Operator, bound: Version },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operator {
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// The longer operators first, since the shorter ones are their beginnings.
const OPERATORS: [(&str, Operator); 4] = [
    ("<=", Operator::LessOrEqual),
    (">=", Operator::GreaterOrEqual),
    ("<", Operator::Less),
    (">", Operator::Greater),
];

impl Selection {
    /// `None` if the query names one version or revision.
    pub(super) fn parse(query: &str) -> Result<Option<Self>, String> {
        if query == "latest" || query == "upgrade" {
            return Ok(Some(Self::Latest));
        }
        let first = |text: &str| Version::canonicalize(text).filter(|_| is_prefix(text));
        if let Some((text, operator)) = OPERATORS.iter().find(|(text, _)| query.starts_with(text)) {
            let bound = &query[text.len()..];
            let bound = match (first(bound), operator) {
                (Some(bound), Operator::Less | Operator::GreaterOrEqual) => bound,
                (Some(_), _) => {
                    return Err(format!("ambiguous semantic version {bound:?} in range {query:?}"));
                }
                (None, _) => Version::parse(bound)
                    .map_err(|_| format!("invalid semantic version {bound:?} in range {query:?}"))?,
            };
            let operator = *operator;
            return Ok(Some(Self::Compare { operator, bound }));
        }
        Ok(first(query).map(|first| Self::Prefix {
            prefix: format!("{query}."),
            first,
        }))
    }

    /// The version of `list` that is wanted.
    pub(super) async fn pick(
        &self,
        protocol: &dyn Protocol,
        path: &ModulePath,
        list: &VersionList,
    ) -> Result<Option<Version>, String> {
        let everything = Self::Latest.candidates(protocol, path, list, &[]).await?;
        let retracted = match closest(&everything, false) {
            Some(highest) => retractions(protocol, path, highest).await,
            None => Vec::new(),
        };
        let candidates = self.candidates(protocol, path, list, &retracted).await?;
        let lowest = matches!(
            self,
            Self::Compare {
                operator: Operator::Greater | Operator::GreaterOrEqual,
                ..
            }
        );
        Ok(closest(&candidates, lowest).cloned())
    }

    /// The versions that match, from the lowest up.
    ///
    /// `+incompatible` ones come after all others, and count only if the version before them is not a module yet
    /// (golang.org/issue/34165), or if the bound is of another major version.
    async fn candidates(
        &self,
        protocol: &dyn Protocol,
        path: &ModulePath,
        list: &VersionList,
        retracted: &[Retract],
    ) -> Result<Vec<Version>, String> {
        let mut candidates: Vec<Version> = Vec::new();
        let mut incompatible_too = self.is_of_another_major(path);
        let allowed = |version: &&Version| {
            self.matches(version) && !retracted.iter().any(|range| range.contains(version))
        };
        for version in list.iter().filter(allowed) {
            if let Some(compatible) = candidates.last()
                && version.is_incompatible()
                && !incompatible_too
            {
                if has_go_mod(protocol, path, compatible).await? {
                    break;
                }
                incompatible_too = true;
            }
            candidates.push(version.clone());
        }
        Ok(candidates)
    }

    fn matches(&self, version: &Version) -> bool {
        match self {
            Self::Latest => true,
            Self::Prefix { prefix, first } => version.as_str().starts_with(prefix) && version >= first,
            Self::Compare { operator, bound } => match operator {
                Operator::Less => version < bound,
                Operator::LessOrEqual => version <= bound,
                Operator::Greater => version > bound,
                Operator::GreaterOrEqual => version >= bound,
            },
        }
    }

    fn is_of_another_major(&self, path: &ModulePath) -> bool {
        let (Self::Prefix { first: version, .. } | Self::Compare { bound: version, .. }) = self else {
            return false;
        };
        path.split().1.check(version.as_str()).is_err()
    }
}

/// Whether it is `v1` or `v1.2`.
fn is_prefix(text: &str) -> bool {
    let number = |n: &str| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit());
    text.matches('.').count() < 2 && text.strip_prefix('v').is_some_and(|n| n.split('.').all(number))
}

/// The highest or lowest release, else the highest or lowest prerelease.
fn closest(candidates: &[Version], lowest: bool) -> Option<&Version> {
    let mut releases = candidates.iter().filter(|version| !version.is_prerelease());
    if lowest {
        releases.next().or(candidates.first())
    } else {
        releases.next_back().or(candidates.last())
    }
}

/// What the go.mod of the highest version retracts. One that cannot be had or read retracts nothing.
async fn retractions(protocol: &dyn Protocol, path: &ModulePath, highest: &Version) -> Vec<Retract> {
    let go_mod = go_mod(protocol, path, highest).await.ok();
    let file = go_mod.and_then(|text| ModFile::parse_lax("go.mod", &text).ok());
    file.map(|file| file.retract).unwrap_or_default()
}

/// Whether a version has a go.mod of its own: proxies make one up for those that have none (`modfetch.LegacyGoMod`).
async fn has_go_mod(protocol: &dyn Protocol, path: &ModulePath, version: &Version) -> Result<bool, String> {
    let made_up = format!("module {}\n", auto_quote(path.as_str()));
    Ok(go_mod(protocol, path, version).await? != made_up.as_bytes())
}

async fn go_mod(protocol: &dyn Protocol, path: &ModulePath, version: &Version) -> Result<Vec<u8>, String> {
    let target = ModuleVersion::new(path.clone(), version.clone()).map_err(|error| error.to_string())?;
    small(protocol, &Resource::Mod(target)).await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(text: &str) -> Version {
        Version::parse(text).expect(text)
    }

    #[test]
    fn a_release_comes_before_a_prerelease() {
        let list = ["v1.0.0-rc.1", "v1.0.0", "v1.1.0", "v1.2.0-rc.1"].map(version);
        assert_eq!(closest(&list, false), Some(&list[2]));
        assert_eq!(closest(&list, true), Some(&list[1]));
        assert_eq!(closest(&list[3..], false), Some(&list[3]));
        assert_eq!(closest(&[], false), None);
    }

    #[test]
    fn a_prefix_leaves_out_what_only_leads_to_it() {
        let v1 = Selection::parse("v1").expect("query").expect("selection");
        for (text, want) in [
            ("v1.0.0-rc.1", false),
            ("v1.0.0", true),
            ("v1.1.0-rc.1", true),
            ("v10.0.0", false),
        ] {
            assert_eq!(v1.matches(&version(text)), want, "{text}");
        }
    }
}

//! Repositories that the configuration names.

use stoa_module::check_import_path;
use url::Url;

use super::{
    elements::has_path_prefix,
    kind::RepoKind,
    repo_url::{check_subdir, clamp_subdir, parse_repo},
};
use crate::SettingError;

/// One mapping: modules at and below `prefix` come from a repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mapping {
    pub(super) prefix: String,
    pub(super) kind: RepoKind,
    pub(super) repo: Url,
    pub(super) subdir: String,
}

/// Mappings, of which the one with the longest prefix counts, whole elements at a time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mappings {
    /// The longest first.
    mappings: Vec<Mapping>,
}

impl Mapping {
    /// Checks the four fields as those of a go-import tag are checked, and that the prefix can be one of a module's path.
    pub fn new(prefix: &str, vcs: &str, repo: &str, subdir: &str) -> Result<Self, SettingError> {
        let bad = |reason: String| SettingError::new(format!("bad mapping of {prefix:?}: {reason}"));
        check_import_path(prefix).map_err(|error| bad(format!("bad prefix: {error}")))?;
        if !prefix.split('/').next().unwrap_or_default().contains('.') {
            return Err(bad(
                "bad prefix: no dot in its first element, so no module has it".to_owned(),
            ));
        }
        let kind = RepoKind::parse(vcs).ok_or_else(|| bad(format!("unknown vcs {vcs:?}")))?;
        let repo = parse_repo(kind, repo).map_err(|error| bad(format!("bad repo: {error}")))?;
        if repo.password().is_some() {
            return Err(bad("bad repo: a password does not belong into it".to_owned()));
        }
        check_subdir(subdir).map_err(|error| bad(format!("bad subdir {subdir:?}: {error}")))?;
        Ok(Self {
            prefix: prefix.to_owned(),
            kind,
            repo,
            subdir: clamp_subdir(subdir),
        })
    }
}

impl Mappings {
    /// Puts mappings together. Two of one prefix are a mistake.
    pub fn new(mappings: impl IntoIterator<Item = Mapping>) -> Result<Self, SettingError> {
        let mut mappings: Vec<_> = mappings.into_iter().collect();
        let by_prefix = |a: &Mapping, b: &Mapping| {
            let longer = b.prefix.len().cmp(&a.prefix.len());
            longer.then_with(|| a.prefix.cmp(&b.prefix))
        };
        mappings.sort_by(by_prefix);
        if let Some(twice) = mappings.windows(2).find(|pair| pair[0].prefix == pair[1].prefix) {
            return Err(SettingError::new(format!(
                "two mappings of {:?}",
                twice[0].prefix
            )));
        }
        Ok(Self { mappings })
    }

    /// The mapping of a path.
    pub(super) fn find(&self, path: &str) -> Option<&Mapping> {
        self.mappings
            .iter()
            .find(|mapping| has_path_prefix(path, &mapping.prefix))
    }

    /// The prefixes of module paths.
    pub fn prefixes(&self) -> impl Iterator<Item = &str> {
        self.mappings.iter().map(|mapping| mapping.prefix.as_str())
    }

    /// The places that mappings lead to.
    pub fn targets(&self) -> impl Iterator<Item = &Url> {
        self.mappings.iter().map(|mapping| &mapping.repo)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mapping(prefix: &str) -> Mapping {
        Mapping::new(prefix, "git", "https://git.corp.example/x", "").expect(prefix)
    }

    #[test]
    fn the_longest_prefix_counts() {
        let mappings = ["a.b/c", "a.b/c/d", "a.b"].map(mapping);
        let mappings = Mappings::new(mappings).expect("mappings");
        let find = |path| mappings.find(path).map(|mapping| mapping.prefix.as_str());
        assert_eq!(find("a.b/c/d/e"), Some("a.b/c/d"));
        assert_eq!(find("a.b/c/de"), Some("a.b/c"));
        assert_eq!(find("a.b/x"), Some("a.b"));
        assert_eq!(find("a.bc"), None);
        let error = Mappings::new([mapping("a.b"), mapping("a.b")]).expect_err("twice");
        assert_eq!(error.to_string(), "two mappings of \"a.b\"");
    }

    #[test]
    fn bad_mappings_say_what_is_wrong() {
        let good = "https://a.b/c";
        for (prefix, vcs, repo, subdir, want) in [
            ("a b.c", "git", good, "", "bad prefix: malformed import path"),
            ("corp/tools", "git", good, "", "no dot in its first element"),
            ("a.b", "cvs", good, "", "unknown vcs \"cvs\""),
            ("a.b", "git", "git@a.b:c", "", "bad repo: no scheme"),
            (
                "a.b",
                "git",
                "file:///srv",
                "",
                "bad repo: file scheme disallowed",
            ),
            (
                "a.b",
                "hg",
                "git://a.b",
                "",
                "bad repo: scheme \"git\" is none of those for hg",
            ),
            ("a.b", "git", "https://u:p@a.b", "", "a password does not belong"),
            ("a.b", "git", good, "/x", "bad subdir \"/x\": leading slash"),
        ] {
            let error = Mapping::new(prefix, vcs, repo, subdir)
                .expect_err(want)
                .to_string();
            assert!(error.contains(want), "{error}");
            assert!(!error.contains("u:p"), "{error}");
        }
        Mapping::new("corp.example/tools", "mod", good, "../x").expect("a module proxy");
    }
}

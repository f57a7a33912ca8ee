//! What may be asked, and how.

use stoa_module::PatternList;

use super::{error::DiscoveryError, govcs::Govcs, kind::RepoKind};

/// Which systems may be used for which paths, and which paths may be asked for without encryption.
#[derive(Clone, Debug)]
pub struct VcsPolicy {
    govcs: Govcs,
    private: PatternList,
    insecure: PatternList,
}

impl VcsPolicy {
    /// `allow` as GOVCS, `private` as GOPRIVATE, `insecure` as GOINSECURE. What `allow` says nothing about is decided by
    /// the go command's own list.
    pub fn new(allow: Govcs, private: PatternList, insecure: PatternList) -> Self {
        Self {
            govcs: allow.then_default(),
            private,
            insecure,
        }
    }

    /// Whether a repository of `kind` may be used for what lies below `root` (`checkGOVCS` of cmd/go). Module proxies
    /// always may: no program is run for them.
    pub fn check(&self, kind: RepoKind, root: &str) -> Result<(), DiscoveryError> {
        let RepoKind::Vcs(vcs) = kind else { return Ok(()) };
        let private = self.private.matches(root);
        self.govcs.check(root, private, vcs.as_str()).map_err(|rule| {
            let what = if private { "private" } else { "public" };
            let rule = rule.map_or_else(|| "no rule allows it".to_owned(), |rule| format!("rule {rule:?}"));
            DiscoveryError::refused(format!(
                "GOVCS disallows using {vcs} for {what} {root}; see 'go help vcs' ({rule})"
            ))
        })
    }

    /// The private modules, as in GOPRIVATE.
    pub fn private(&self) -> &PatternList {
        &self.private
    }

    /// Whether `path` may be asked for without encryption.
    pub fn is_insecure(&self, path: &str) -> bool {
        self.insecure.matches(path)
    }
}

/// As the go command decides with nothing set.
impl Default for VcsPolicy {
    fn default() -> Self {
        Self::new(Govcs::default(), PatternList::default(), PatternList::default())
    }
}

#[cfg(test)]
mod tests {
    use stoa_vcs::VcsKind;

    use super::*;

    #[test]
    fn a_refusal_names_the_rule() {
        let private = PatternList::parse("corp.example/*");
        let allow = "corp.example/a:git".parse().expect("a list");
        let policy = VcsPolicy::new(allow, private, PatternList::default());
        let check = |vcs, root| policy.check(RepoKind::Vcs(vcs), root).map_err(|e| e.to_string());
        assert_eq!(check(VcsKind::Svn, "corp.example/b"), Ok(()));
        let want = "discovery: GOVCS disallows using svn for private corp.example/a; see 'go help vcs' \
                    (rule \"corp.example/a:git\")";
        assert_eq!(check(VcsKind::Svn, "corp.example/a"), Err(want.to_owned()));
        let want = "discovery: GOVCS disallows using bzr for public a.b; see 'go help vcs' \
                    (rule \"public:git|hg\")";
        assert_eq!(check(VcsKind::Bzr, "a.b"), Err(want.to_owned()));
        assert!(policy.check(RepoKind::ModuleProxy, "a.b").is_ok());
    }
}

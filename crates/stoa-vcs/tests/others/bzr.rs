//! Bazaar.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use stoa_vcs::cache::Cache;
use stoa_vcs::conformance::{self, Abilities, Ability, Change, CopyCounters, Scenario, Workspace, tag_names};
use stoa_vcs::{BzrRepository, Repository, RepositoryOptions, VcsError, VcsKind};

/// A branch with a working tree.
struct Bzr;

impl Scenario for Bzr {
    fn vcs(&self) -> VcsKind {
        VcsKind::Bzr
    }

    fn abilities(&self) -> Abilities {
        Abilities {
            lists_tags: Ability::Yes,
            resolves_tags: Ability::Yes,
            versions_from_tags: Ability::Yes,
            branches: Ability::No("a branch is a repository of its own"),
            default_branch: Ability::Yes,
            hashes: Ability::No("revisions of a branch are numbers"),
            ancestry: Ability::No("cmd/go does not ask it, and neither do we"),
            empty: Ability::Yes,
            tells_missing: Ability::No("bzr says in the same words that a server is broken"),
            passwords: Ability::Yes,
            rewrites: Ability::Yes,
            reads_links: Ability::No("`bzr cat` prints nothing of a link, also to cmd/go"),
            raw_names: Ability::No("names are UTF-8"),
            copies: Some(CopyCounters {
                made: "branch",
                asked: "pull",
                asked_while_made: 0,
            }),
        }
    }

    fn latest_reference(&self) -> &'static str {
        "revno:-1"
    }

    fn commands(&self, change: Change<'_>) -> String {
        match change {
            Change::Create => "bzr init -q r".to_owned(),
            Change::Commit { at } => format!(
                "cd r; bzr add -q; bzr commit -q -m m --commit-time \"$(TZ=X4 date -d @{at} '+%F %T %z')\"; bzr revno"
            ),
            Change::Tag { name } => format!("cd r; bzr tag -q '{name}'"),
            Change::Undo => "cd r; bzr uncommit -q --force; bzr revert -q --no-backup; bzr clean-tree -q --force --unknown"
                .to_owned(),
            Change::Branch { .. } => unreachable!("it has no such ability"),
        }
    }

    fn tree(&self) -> &'static str {
        "r"
    }

    fn url(&self, repo: &Path) -> String {
        format!("file://{}/r", repo.display())
    }

    fn open(
        &self,
        url: &str,
        cache: Arc<Cache>,
        options: RepositoryOptions,
    ) -> Result<Arc<dyn Repository>, VcsError> {
        Ok(Arc::new(BzrRepository::open(url, cache, options)?))
    }

    fn hostile_revisions(&self, url: &str) -> Vec<String> {
        let names = [
            "0",
            "9",
            "tag:no",
            "revid:no",
            "before:1",
            "submit:",
            "date:today",
            url,
        ];
        let mut names = names.map(str::to_owned).to_vec();
        names.extend([format!("branch:{url}"), format!("revno:1:{url}")]);
        names
    }

    fn hostile_paths(&self, url: &str) -> Vec<String> {
        vec![":parent/go.mod".to_owned(), format!("{url}/go.mod")]
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn conforms() {
    conformance::run(&Bzr).await;
}

const REPOSITORY: &str = r"
bzr init -q r
cd r
echo 1 >one
bzr add -q
bzr commit -q -m one --commit-time '2017-09-21 21:20:12 -0400'
bzr tag -q v1.0.0
bzr tag -q 'a tag'
";

fn open(work: &Workspace) -> BzrRepository {
    BzrRepository::open(&work.url("repo/r"), work.cache(), work.options()).expect("an address")
}

#[tokio::test(flavor = "multi_thread")]
async fn finds_names_that_only_bazaar_has() {
    let work = Workspace::new();
    work.script(REPOSITORY);
    work.script("bzr branch -q r other; cd other; bzr commit -q --unchanged -m other");
    let mut options = work.options();
    options.freshness = Duration::from_secs(600);
    let bzr = BzrRepository::open(&work.url("repo/r"), work.cache(), options).expect("an address");
    let latest = bzr.latest().await.expect("a commit");
    assert_eq!(latest.tags, ["a tag", "v1.0.0"]);
    for name in [
        "1",
        "000000000001",
        "revno:1",
        "revno:-1",
        "last:1",
        "v1.0.0",
        "tag:v1.0.0",
        "a tag",
    ] {
        let found = bzr.stat(name).await.expect(name);
        assert_eq!((&found.id, found.reference.as_deref()), (&latest.id, Some(name)));
    }
    // The other branch has a second revision, which is none of this one.
    let other = work.url("repo/other");
    let (branch, number) = (format!("branch:{other}"), format!("revno:2:{other}"));
    for name in ["2", "../other", &other, &branch, &number] {
        let error = bzr.stat(name).await.expect_err(name);
        assert!(error.is_not_exist(), "{name}: {error}");
    }
    assert_eq!(tag_names(&bzr, "").await, ["a tag", "v1.0.0"]);
    assert_eq!(tag_names(&bzr, "v").await, ["v1.0.0"]);
}

/// Bazaar's own pull never takes a tag away.
#[tokio::test(flavor = "multi_thread")]
async fn a_tag_that_is_gone_is_forgotten() {
    let work = Workspace::new();
    work.script(REPOSITORY);
    let bzr = open(&work);
    assert_eq!(tag_names(&bzr, "").await, ["a tag", "v1.0.0"]);
    work.script("cd r; bzr tag -q --delete v1.0.0");
    assert_eq!(tag_names(&bzr, "").await, ["a tag"]);
    assert_eq!(bzr.latest().await.expect("a commit").id.as_str(), "1");
    let error = bzr.stat("v1.0.0").await.expect_err("it is gone");
    assert!(matches!(error, VcsError::UnknownRevision { .. }), "{error}");
}

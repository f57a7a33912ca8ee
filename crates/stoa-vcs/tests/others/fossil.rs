//! Fossil.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use stoa_vcs::cache::Cache;
use stoa_vcs::conformance::{
    self, Abilities, Ability, Change, CopyCounters, Scenario, Workspace, read_text, tag_names,
};
use stoa_vcs::{FossilRepository, Repository, RepositoryOptions, VcsError, VcsKind};

/// A repository file with a check-out.
struct Fossil;

impl Scenario for Fossil {
    fn vcs(&self) -> VcsKind {
        VcsKind::Fossil
    }

    fn abilities(&self) -> Abilities {
        Abilities {
            lists_tags: Ability::No("as in cmd/go, none is listed"),
            resolves_tags: Ability::Yes,
            versions_from_tags: Ability::No("as in cmd/go, a check-in does not know its tags"),
            branches: Ability::Yes,
            default_branch: Ability::Yes,
            hashes: Ability::Yes,
            ancestry: Ability::No("cmd/go does not ask it, and neither do we"),
            empty: Ability::No("a repository begins with a check-in"),
            tells_missing: Ability::No("fossil says in the same words that a server is broken"),
            passwords: Ability::No("fossil takes it as an argument, which other processes see"),
            rewrites: Ability::No("a check-in is never taken back"),
            reads_links: Ability::Yes,
            raw_names: Ability::No("names are UTF-8"),
            copies: Some(CopyCounters {
                made: "clone",
                asked: "pull",
                asked_while_made: 0,
            }),
        }
    }

    fn latest_reference(&self) -> &'static str {
        "trunk"
    }

    fn commands(&self, change: Change<'_>) -> String {
        match change {
            Change::Create => "fossil init -A stoa --date-override 2000-01-01T00:00:00 r.fossil >/dev/null
                mkdir w; cd w; fossil open ../r.fossil >/dev/null; fossil settings allow-symlinks on"
                .to_owned(),
            Change::Commit { at } => format!(
                "cd w; fossil addremove >/dev/null
                 fossil commit -m m --no-warnings --date-override $(date -u -d @{at} +%FT%T) >/dev/null
                 fossil info | sed -n 's/^checkout: *\\([0-9a-f]*\\) .*/\\1/p' | cut -c1-40"
            ),
            Change::Tag { name } => format!("cd w; fossil tag add '{name}' current >/dev/null"),
            Change::Branch { name } => {
                format!(
                    "cd w; fossil branch new {name} current --date-override 2001-09-09T01:46:50 >/dev/null; fossil update {name} >/dev/null"
                )
            }
            Change::Undo => unreachable!("it has no such ability"),
        }
    }

    fn tree(&self) -> &'static str {
        "w"
    }

    fn url(&self, repo: &Path) -> String {
        format!("file://{}/r.fossil", repo.display())
    }

    fn open(
        &self,
        url: &str,
        cache: Arc<Cache>,
        options: RepositoryOptions,
    ) -> Result<Arc<dyn Repository>, VcsError> {
        Ok(Arc::new(FossilRepository::open(url, cache, options)?))
    }

    fn hostile_revisions(&self, url: &str) -> Vec<String> {
        let path = url.trim_start_matches("file://");
        [path, "../r.fossil"].map(str::to_owned).to_vec()
    }

    fn hostile_paths(&self, _: &str) -> Vec<String> {
        vec!["../w/go.mod".to_owned()]
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn conforms() {
    conformance::run(&Fossil).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn finds_hashes_of_both_kinds_and_lists_no_tag() {
    let work = Workspace::new();
    work.script(
        "fossil init -A stoa --sha1 --date-override 2020-01-01T00:00:00 r.fossil >/dev/null
         mkdir w; cd w; fossil open ../r.fossil >/dev/null; echo 1 >one; fossil add one >/dev/null
         fossil commit -m one --no-warnings --date-override 2020-02-02T02:02:02 --tag v1.0.0 >/dev/null",
    );
    let url = work.url("repo/r.fossil");
    let fossil = FossilRepository::open(&url, work.cache(), work.options()).expect("an address");
    let old = fossil.latest().await.expect("a commit");
    let tagged = fossil.stat("v1.0.0").await.expect("a tag");
    assert_eq!((&tagged.id, tagged.tags.len()), (&old.id, 0));
    let shorter = fossil.stat(&old.short[..10]).await.expect("a hash");
    assert_eq!(shorter.reference.as_deref(), Some(&old.short[..10]));
    assert_eq!(tag_names(&fossil, "").await, [""; 0]);
    work.script(
        "cd w; fossil hash-policy sha3 >/dev/null; echo 2 >two; fossil add two >/dev/null
         fossil commit -m two --no-warnings --date-override 2020-02-03T00:00:00 >/dev/null",
    );
    let new = fossil.latest().await.expect("a commit");
    assert_eq!(
        new.time,
        SystemTime::UNIX_EPOCH + Duration::from_secs(1_580_688_000)
    );
    assert_eq!((old.id.as_str().len(), new.id.as_str().len()), (40, 40));
    assert_eq!(read_text(&fossil, &new.id, "two").await.as_deref(), Some("2\n"));
    assert_eq!(read_text(&fossil, &old.id, "two").await, None);
    assert_eq!(fossil.counters().get("clone"), 1);
}

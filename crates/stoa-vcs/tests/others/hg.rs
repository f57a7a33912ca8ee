//! Mercurial.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use stoa_vcs::cache::Cache;
use stoa_vcs::conformance::{
    self, Abilities, Ability, Change, CopyCounters, Scenario, Workspace, archived_files, is_gone, read_text,
    tag_names, until,
};
use stoa_vcs::{EntryKind, HgRepository, Repository, RepositoryOptions, RevisionId, VcsError, VcsKind};

/// Tags of Mercurial are commits of their own, after those that they tag: `last` notes the commit of the suite.
struct Hg;

impl Scenario for Hg {
    fn vcs(&self) -> VcsKind {
        VcsKind::Hg
    }

    fn abilities(&self) -> Abilities {
        Abilities {
            lists_tags: Ability::Yes,
            resolves_tags: Ability::Yes,
            versions_from_tags: Ability::Yes,
            branches: Ability::Yes,
            default_branch: Ability::No("`tip` is the newest commit of all branches, also to cmd/go"),
            hashes: Ability::Yes,
            ancestry: Ability::Yes,
            empty: Ability::Yes,
            tells_missing: Ability::No("hg says in the same words that a server is broken"),
            passwords: Ability::Yes,
            rewrites: Ability::Yes,
            reads_links: Ability::Yes,
            raw_names: Ability::Yes,
            copies: Some(CopyCounters {
                made: "init",
                asked: "outgoing",
                asked_while_made: 0,
            }),
        }
    }

    fn latest_reference(&self) -> &'static str {
        "tip"
    }

    fn commands(&self, change: Change<'_>) -> String {
        match change {
            Change::Create => "hg init r".to_owned(),
            Change::Commit { at } => format!(
                "cd r; hg addremove -q; hg commit -q -d '{at} -3600' -m m; hg log -r . -T '{{node}}\\n' | tee ../last"
            ),
            Change::Tag { name } => format!("cd r; hg tag -q -d '1000000001 0' -r $(cat ../last) '{name}'"),
            Change::Branch { name } => format!("cd r; hg branch -q {name}"),
            Change::Undo => {
                "cd r; hg --config extensions.strip= strip -q --no-backup $(cat ../last); hg log -r . -T '{node}' >../last"
                    .to_owned()
            }
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
        Ok(Arc::new(HgRepository::open(url, cache, options)?))
    }

    fn is_preparation(&self) -> &'static str {
        "test \"$4\" = init"
    }

    fn hostile_revisions(&self, _: &str) -> Vec<String> {
        vec!["0000000".to_owned()]
    }

    fn hostile_paths(&self, _: &str) -> Vec<String> {
        ["listfile0:/etc/passwd", "set:all()"].map(str::to_owned).to_vec()
    }

    fn own_files(&self) -> &'static [&'static str] {
        &[".hg_archival.txt", ".hgtags"]
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn conforms() {
    conformance::run(&Hg).await;
}

/// Two commits on `default` and one, the newest, on `side`.
const REPOSITORY: &str = r"
hg init
printf 'module m\n' >go.mod
printf 'text $Id$ \r\n' >'a b.txt'
printf x >é.go
ln -s go.mod link
ln -s /etc/passwd out
mkdir -p sub/deep
echo s >sub/s.go
echo d >sub/deep/d.go
hg add -q
hg commit -q -d '1000000000 -3600' -m one
hg tag -q -d '1000000001 0' v1.0.0 sub/v1.1.0 'a tag'
hg branch -q side
echo 2 >two
hg add -q two
hg commit -q -d '1000000002 0' -m two
hg bookmark -r 0 v9.9.9
";

fn open(work: &Workspace, freshness: Duration) -> HgRepository {
    let mut options = work.options();
    options.freshness = freshness;
    HgRepository::open(&work.url("repo"), work.cache(), options).expect("an address")
}

/// Fetches once.
fn open_once(work: &Workspace) -> HgRepository {
    open(work, Duration::from_secs(600))
}

#[tokio::test(flavor = "multi_thread")]
async fn finds_names_that_only_mercurial_has() {
    let work = Workspace::new();
    work.script(REPOSITORY);
    let hg = open_once(&work);
    let first = hg.stat("v1.0.0").await.expect("a tag");
    assert_eq!(first.tags, ["a tag", "sub/v1.1.0", "v1.0.0"]);
    assert_eq!(first.reference.as_deref(), Some("v1.0.0"));
    assert_eq!(hg.stat("a tag").await.expect("a tag").version, "a tag");
    assert_eq!(tag_names(&hg, "").await, ["a tag", "sub/v1.1.0", "v1.0.0"]);

    let latest = hg.latest().await.expect("a commit");
    assert_eq!(hg.stat("latest").await, Ok(latest.clone()));
    assert_eq!(hg.stat("side").await.expect("a branch").id, latest.id);
    let default = hg.stat("default").await.expect("a branch");
    assert_eq!(
        default.time,
        SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_001)
    );
    let shorter = hg.stat(&first.short[..7]).await.expect("a hash");
    assert_eq!(shorter.reference.as_deref(), Some(&first.short[..7]));
    let bookmark = hg.stat("v9.9.9").await.expect("a bookmark");
    assert_eq!(
        (&bookmark.id, bookmark.version.as_str()),
        (&first.id, first.id.as_str())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn knows_ancestors() {
    let work = Workspace::new();
    work.script(REPOSITORY);
    work.script("hg update -q default; hg tag -q -d '1000000005 0' -r side v1.5.0 v1.4.0 x; hg tag -q -d '1000000006 0' -r side sub/v1.2.0-pre");
    let hg = open_once(&work);
    let side = hg.stat("side").await.expect("a branch").id;
    let default = hg.stat("default").await.expect("a branch").id;
    let recent = |id: RevisionId, prefix: &'static str, not: &'static str| {
        let hg = &hg;
        async move {
            hg.recent_tag(&id, prefix, &|tag: &str| tag != not)
                .await
                .expect("an answer")
        }
    };
    assert_eq!(recent(side.clone(), "", "").await.as_deref(), Some("v1.5.0"));
    assert_eq!(
        recent(side.clone(), "", "v1.5.0").await.as_deref(),
        Some("v1.4.0")
    );
    assert_eq!(
        recent(side.clone(), "sub/", "").await.as_deref(),
        Some("sub/v1.2.0-pre")
    );
    assert_eq!(recent(default.clone(), "", "").await.as_deref(), Some("v1.0.0"));
    assert_eq!(recent(default.clone(), "none/", "").await, None);
    assert_eq!(hg.descends_from(&side, "v1.5.0").await, Ok(true));
    assert_eq!(hg.descends_from(&side, "v1.0.0").await, Ok(true));
    assert_eq!(hg.descends_from(&default, "v1.5.0").await, Ok(false));
    assert_eq!(hg.descends_from(&default, "a tag").await, Ok(true));
    assert!(hg.descends_from(&default, "nosuch").await.is_err());
    assert!(hg.descends_from(&default, "x' or 'tip").await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_with_more_than_the_repository_is_made_anew() {
    let work = Workspace::new();
    work.script(REPOSITORY);
    let hg = open(&work, Duration::ZERO);
    let old = hg.latest().await.expect("a commit");
    work.script("echo 3 >three; hg add -q three; hg commit -q -d '1000000009 0' -m three; hg tag -q -d '1000000010 0' v2.0.0");
    let new = hg.stat("v2.0.0").await.expect("a new tag");
    assert_eq!(hg.counters().get("init"), 1);
    // The archive was asked for before the copy was replaced.
    let mut archive = hg.archive(&new.id, "", 10_000).await.expect("an archive");
    work.script("hg --config extensions.strip= strip -q --no-backup v2.0.0; hg update -q side");
    assert!(hg.stat("v2.0.0").await.is_err_and(|error| error.is_not_exist()));
    assert_eq!(hg.latest().await.expect("a commit").id, old.id);
    assert_eq!(hg.counters().get("init"), 2);
    let read = move || {
        let mut count = 0;
        while let Some(entry) = archive.next_entry().expect("an entry") {
            assert_ne!(entry.kind, EntryKind::Other);
            count += 1;
        }
        count
    };
    assert_eq!(tokio::task::spawn_blocking(read).await.expect("no panic"), 11);
    assert!(until(|| work.copies().len() == 1), "the old copy stays");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_that_is_not_whole_is_thrown_away() {
    let work = Workspace::new();
    work.script(REPOSITORY);
    let url = work.url("repo");
    let place = work
        .path("cache/repositories")
        .join(Cache::key(VcsKind::Hg, &url));
    for (name, mark) in [
        ("copy-half", None),
        ("copy-other", Some("1 hg https://other.example/r\n".to_owned())),
        ("copy-empty", Some(format!("1 hg {url}\n"))),
    ] {
        let folder = place.join(name);
        std::fs::create_dir_all(&folder).expect("a folder");
        std::fs::write(folder.join("junk"), "x").expect("a file");
        if let Some(mark) = mark {
            std::fs::write(folder.join("stoa-copy"), mark).expect("a file");
        }
    }
    let hg = open(&work, Duration::ZERO);
    // The one that says that it is whole is taken at its word, until it fails twice.
    hg.latest().await.expect_err("no repository");
    assert_eq!(work.copies(), [place.join("copy-empty")]);
    hg.latest().await.expect("a commit");
    assert_eq!(work.copies().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_may_not_grow_without_end() {
    let work = Workspace::new();
    let pid = work.path("pid");
    let script = format!(
        "test \"$4\" = init && exit 0; echo $$ >{0}.new; mv {0}.new {0}; head -c 100000 /dev/zero >big; sleep 1000 & wait",
        pid.display()
    );
    let mut options = work.fake("hg", &script);
    options.copy_limit = 50_000;
    let hg = HgRepository::open("https://127.0.0.1:1/r", work.cache(), options).expect("an address");
    let error = hg.latest().await.expect_err("it is too large");
    assert!(
        matches!(error, VcsError::TooLarge { limit: 50_000, .. }),
        "{error}"
    );
    assert!(is_gone(&pid));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_host_configures_nothing() {
    let work = Workspace::new();
    work.script(REPOSITORY);
    let mark = work.path("mark");
    let evil = format!(
        "[hooks]\npre-log=touch {0}\npre-pull=touch {0}\n[alias]\nlog=!touch {0}\n[ui]\nbroken\n",
        mark.display()
    );
    std::fs::write(work.path("home").join(".hgrc"), evil).expect("a file");
    let hg = open_once(&work);
    let tip = hg.latest().await.expect("a commit").id;
    assert_eq!(
        read_text(&hg, &tip, "go.mod").await.as_deref(),
        Some("module m\n")
    );
    archived_files(&hg, &tip, "", 10_000).await.expect("an archive");
    assert!(!mark.try_exists().expect("an answer"));
}

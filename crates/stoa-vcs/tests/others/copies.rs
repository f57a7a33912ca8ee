//! Local copies in the one cache.

use std::sync::Arc;
use std::time::Duration;

use stoa_vcs::cache::Cache;
use stoa_vcs::conformance::{Workspace, until};
use stoa_vcs::{FossilRepository, Repository as _, SvnRepository};

const REPOSITORY: &str = r"
fossil init -A stoa --date-override 2020-01-01T00:00:00 r.fossil >/dev/null
mkdir w
cd w
fossil open ../r.fossil >/dev/null
echo x >a.go
fossil add a.go >/dev/null
fossil commit -m one --no-warnings --date-override 2020-02-02T02:02:02 >/dev/null
";

fn open(work: &Workspace, cache: &Arc<Cache>) -> FossilRepository {
    let mut options = work.options();
    options.freshness = Duration::from_secs(600);
    FossilRepository::open(&work.url("repo/r.fossil"), Arc::clone(cache), options).expect("an address")
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_copy_goes_when_there_is_too_much() {
    let work = Workspace::new();
    work.script(REPOSITORY);
    let cache = Cache::open(work.path("cache"), 1).expect("a cache");
    let fossil = open(&work, &cache);
    let tip = fossil.latest().await.expect("a commit").id;
    assert!(until(|| work.copies().is_empty()), "an idle copy stays");
    assert_eq!(cache.size(), 0);
    // Made anew, and it stays as long as its archive is read.
    let mut archive = fossil.archive(&tip, "", 1000).await.expect("an archive");
    assert_eq!((fossil.counters().get("clone"), work.copies().len()), (2, 1));
    assert!(cache.size() > 1000, "{} bytes", cache.size());
    let read = tokio::task::spawn_blocking(move || {
        let found = archive.next_entry().expect("an entry").map(|entry| entry.path);
        let end = archive.next_entry().expect("an end").is_none();
        (found, end)
    });
    assert_eq!(read.await.expect("no panic"), (Some(b"a.go".to_vec()), true));
    assert!(until(|| work.copies().is_empty()), "an idle copy stays");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_is_counted_and_what_was_left_of_one_goes() {
    let work = Workspace::new();
    work.script(
        "svnadmin create r; svn checkout -q file://$PWD/r w; cd w; head -c 50000 /dev/zero >a.go
         svn add -q a.go; svn commit -q -m x",
    );
    let url = work.url("repo/r");
    let left = work
        .path("cache/repositories")
        .join(Cache::key(stoa_vcs::VcsKind::Svn, &url))
        .join("left");
    std::fs::create_dir_all(&left).expect("a folder");
    let cache = work.cache();
    let svn = SvnRepository::open(&url, Arc::clone(&cache), work.options()).expect("an address");
    let tip = svn.latest().await.expect("a commit").id;
    let archive = svn.archive(&tip, "", 100_000).await.expect("an archive");
    assert!(work.copies().len() == 1 && !work.copies().contains(&left));
    assert!(cache.size() >= 50_000, "{} bytes", cache.size());
    drop(archive);
    assert_eq!((work.copies().len(), cache.size()), (0, 0));
}

//! Local copies in the one cache.

use std::sync::Arc;
use std::time::Duration;

use stoa_vcs::cache::Cache;
use stoa_vcs::process::RunnerSettings;
use stoa_vcs::{
    BzrRepository, FossilRepository, Repository as _, RepositoryOptions, SvnRepository, VcsError,
};

use crate::support::{Work, until};

const REPOSITORY: &str = r"
fossil init -A stoa --date-override 2020-01-01T00:00:00 r.fossil >/dev/null
mkdir w
cd w
fossil open ../r.fossil >/dev/null
echo x >a.go
fossil add a.go >/dev/null
fossil commit -m one --no-warnings --date-override 2020-02-02T02:02:02 >/dev/null
";

/// A handle that counts its own runs.
fn open(work: &Work, cache: &Arc<Cache>, freshness: Duration) -> FossilRepository {
    let runner = RunnerSettings::new(work.path("home"));
    let options = RepositoryOptions {
        runner,
        freshness,
        ..work.options()
    };
    FossilRepository::open(&work.url("repo/r.fossil"), Arc::clone(cache), options).expect("an address")
}

#[tokio::test(flavor = "multi_thread")]
async fn handles_share_the_copy_and_its_age() {
    let work = Work::new();
    work.script(REPOSITORY);
    let cache = work.cache();
    let handles: Vec<_> = (0..4)
        .map(|_| open(&work, &cache, Duration::from_secs(600)))
        .collect();
    let [a, b, c, d] = &handles[..] else {
        panic!("four handles");
    };
    let (a, b, c, d) = tokio::join!(a.latest(), b.latest(), c.latest(), d.latest());
    assert!([a, b, c, d].iter().all(Result::is_ok));
    let count = |kind| handles.iter().map(|one| one.counters().get(kind)).sum::<u64>();
    assert_eq!((count("clone"), count("pull")), (1, 0));
    // A copy that its last handle left is found again.
    drop(handles);
    let again = open(&work, &cache, Duration::from_secs(600));
    again.latest().await.expect("a commit");
    assert_eq!(
        (again.counters().get("clone"), again.counters().get("pull")),
        (0, 1)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn who_waits_for_a_fetch_that_fails_fails_with_it() {
    let work = Work::new();
    let options = work.fake("bzr", "sleep 1; echo no >&2; exit 3");
    let bzr = BzrRepository::open("https://127.0.0.1:1/r", work.cache(), options).expect("an address");
    let (a, b, c, d) = tokio::join!(bzr.latest(), bzr.latest(), bzr.latest(), bzr.latest());
    for failed in [a, b, c, d] {
        assert!(matches!(failed, Err(VcsError::Failed { said, .. }) if said == "no"));
    }
    // One that had begun before the others asked, and one more.
    let runs = bzr.counters().get("branch");
    assert!(runs <= 2, "{runs} fetches");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_copy_goes_when_there_is_too_much() {
    let work = Work::new();
    work.script(REPOSITORY);
    let cache = Cache::open(work.path("cache"), 1).expect("a cache");
    let fossil = open(&work, &cache, Duration::from_secs(600));
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
    let work = Work::new();
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

//! Bazaar.

use std::sync::Arc;
use std::time::Duration;

use stoa_vcs::{BzrRepository, Repository as _, RevisionId, Step, VcsError, VcsKind};

use crate::support::{Work, at, file, files, gone, link, names, read, tag_names};

const REPOSITORY: &str = r"
bzr init -q r
cd r
printf 'module m\n' >go.mod
printf x >é.go
printf 'c r\r\n' >'a b.txt'
ln -s go.mod link
mkdir -p sub/deep
echo s >sub/s.go
echo d >sub/deep/d.go
bzr add -q
bzr commit -q -m one --commit-time '2017-09-21 21:20:12 -0400'
bzr tag -q v1.0.0
bzr tag -q 'a tag'
";

fn open(work: &Work) -> BzrRepository {
    BzrRepository::open(&work.url("repo/r"), work.cache(), work.options()).expect("an address")
}

#[tokio::test(flavor = "multi_thread")]
async fn finds_revisions() {
    let work = Work::new();
    work.script(REPOSITORY);
    work.script("bzr branch -q r other; cd other; bzr commit -q --unchanged -m other");
    let mut options = work.options();
    options.freshness = Duration::from_secs(600);
    let bzr = BzrRepository::open(&work.url("repo/r"), work.cache(), options).expect("an address");
    let latest = bzr.latest().await.expect("a commit");
    assert_eq!((latest.id.as_str(), latest.short.as_str()), ("1", "000000000001"));
    assert_eq!(latest.time, at(1_506_043_212));
    assert_eq!(latest.reference.as_deref(), Some("revno:-1"));
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
    assert_eq!(bzr.stat("v1.0.0").await.expect("a tag").version, "v1.0.0");
    let other = work.url("repo/other");
    let branch = format!("branch:{other}");
    let number = format!("revno:2:{other}");
    for name in [
        "2",
        "0",
        "nosuch",
        "tag:no",
        "revid:no",
        "-1",
        "",
        "../other",
        &other,
        &branch,
        &number,
        "before:1",
        "submit:",
        "date:today",
        "a\nb",
    ] {
        let error = bzr.stat(name).await.expect_err(name);
        assert!(error.is_not_exist(), "{name}: {error}");
    }
    assert_eq!(tag_names(&bzr, "").await, ["a tag", "v1.0.0"]);
    assert_eq!(tag_names(&bzr, "v").await, ["v1.0.0"]);
    let unsupported = bzr.descends_from(&latest.id, "v1.0.0").await;
    assert!(matches!(unsupported, Err(VcsError::Unsupported { .. })));
    assert_eq!(bzr.recent_tag(&latest.id, "", &|_: &str| true).await, Ok(None));
}

#[tokio::test(flavor = "multi_thread")]
async fn reads_files_and_archives() {
    let work = Work::new();
    work.script(REPOSITORY);
    let bzr = open(&work);
    let tip = bzr.latest().await.expect("a commit").id;
    assert_eq!(read(&bzr, &tip, "a b.txt").await.as_deref(), Some("c r\r\n"));
    let outside = work.url("repo/r/go.mod");
    for path in [
        "nosuch",
        "../r/go.mod",
        "/etc/passwd",
        "",
        ":parent/go.mod",
        &outside,
        "-x",
        "a\0",
    ] {
        assert_eq!(read(&bzr, &tip, path).await, None, "{path}");
    }
    let (vcs, step) = (VcsKind::Bzr, Step::File);
    let error = bzr.read_file(&tip, "go.mod", 8).await.expect_err("too large");
    assert_eq!(error, VcsError::TooLarge { vcs, step, limit: 8 });

    let all = files(&bzr, &tip, "", 10_000).await.expect("an archive");
    assert_eq!(
        names(&all),
        [
            "a b.txt",
            "go.mod",
            "link",
            "sub/deep/d.go",
            "sub/s.go",
            r"\xc3\xa9.go"
        ]
    );
    assert_eq!(all[b"a b.txt".as_slice()], file("c r\r\n"));
    assert_eq!(all[b"link".as_slice()], link("go.mod"));
    let sub = files(&bzr, &tip, "sub", 4).await.expect("an archive");
    assert_eq!(names(&sub), ["deep/d.go", "s.go"]);
    let error = files(&bzr, &tip, "sub", 3).await.expect_err("too large");
    let step = Step::Archive;
    assert_eq!(error, VcsError::TooLarge { vcs, step, limit: 3 });
    let none = RevisionId::new("9").expect("an id");
    assert!(
        bzr.archive(&none, "", 9)
            .await
            .is_err_and(|error| error.is_not_exist())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn fetches_once_and_then_what_is_new() {
    let work = Work::new();
    work.script(REPOSITORY);
    let bzr = Arc::new(open(&work));
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..4 {
        let bzr = bzr.clone();
        tasks.spawn(async move { bzr.latest().await.expect("a commit") });
    }
    while let Some(found) = tasks.join_next().await {
        found.expect("no panic");
    }
    assert_eq!(bzr.counters().get("branch"), 1);
    work.script("cd r; echo 2 >two; bzr add -q; bzr commit -q -m two --commit-time '2017-09-23 00:00:00 +0000'; bzr tag -q v2.0.0");
    let new = bzr.stat("v2.0.0").await.expect("a tag");
    assert_eq!((new.id.as_str(), new.time), ("2", at(1_506_124_800)));
    assert_eq!(read(bzr.as_ref(), &new.id, "two").await.as_deref(), Some("2\n"));
    assert_eq!(bzr.counters().get("branch"), 1);
    // History that was rewritten, and a tag that is gone.
    work.script("cd r; bzr uncommit -q --force; bzr tag -q --delete v1.0.0; bzr commit -q -m again --commit-time '2017-09-24 00:00:00 +0000'");
    assert_eq!(bzr.latest().await.expect("a commit").time, at(1_506_211_200));
    assert_eq!(bzr.latest().await.expect("a commit").id.as_str(), "2");
    assert!(!tag_names(bzr.as_ref(), "").await.contains(&"v1.0.0".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn failures_are_not_missing_revisions() {
    let work = Work::new();
    let down = BzrRepository::open("http://127.0.0.1:1/r", work.cache(), work.options());
    let error = down
        .expect("an address")
        .latest()
        .await
        .expect_err("nobody listens");
    assert!(matches!(error, VcsError::Failed { .. }), "{error}");
    let pid = work.path("pid");
    let hang = format!(
        "echo $$ >{0}.new; mv {0}.new {0}; sleep 1000 & wait",
        pid.display()
    );
    let mut options = work.fake("bzr", &hang);
    options.fetch_time = Duration::from_secs(2);
    let slow = BzrRepository::open("https://127.0.0.1:1/r", work.cache(), options);
    let error = slow.expect("an address").latest().await.expect_err("it hangs");
    assert!(matches!(error, VcsError::Timeout { .. }), "{error}");
    assert!(gone(&pid));

    work.script("bzr init -q empty");
    let empty = BzrRepository::open(&work.url("repo/empty"), work.cache(), work.options());
    let error = empty.expect("an address").latest().await.expect_err("no commits");
    assert!(matches!(error, VcsError::NoCommits { .. }), "{error}");
}

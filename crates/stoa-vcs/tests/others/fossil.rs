//! Fossil.

use std::sync::Arc;
use std::time::Duration;

use stoa_vcs::{FossilRepository, Repository as _, RevisionId, Step, VcsError, VcsKind};

use crate::support::{Work, at, file, files, gone, link, names, read, tag_names, until};

const REPOSITORY: &str = r"
fossil init -A stoa --date-override 2020-01-01T00:00:00 r.fossil >/dev/null
mkdir w
cd w
fossil open ../r.fossil >/dev/null
fossil settings allow-symlinks on
printf 'module m\n' >go.mod
printf x >é.go
printf 'c r\r\n' >'a b.txt'
ln -s go.mod link
mkdir -p sub/deep
echo s >sub/s.go
echo d >sub/deep/d.go
fossil add . >/dev/null
fossil commit -m one --no-warnings --date-override 2020-02-02T02:02:02 --tag v1.0.0 >/dev/null
";

fn open(work: &Work) -> FossilRepository {
    FossilRepository::open(&work.url("repo/r.fossil"), work.cache(), work.options()).expect("an address")
}

#[tokio::test(flavor = "multi_thread")]
async fn finds_revisions() {
    let work = Work::new();
    work.script(REPOSITORY);
    let mut options = work.options();
    options.freshness = Duration::from_secs(600);
    let url = work.url("repo/r.fossil");
    let fossil = FossilRepository::open(&url, work.cache(), options).expect("an address");
    let latest = fossil.latest().await.expect("a commit");
    assert_eq!(latest.time, at(1_580_608_922));
    assert_eq!(latest.reference.as_deref(), Some("trunk"));
    assert_eq!(latest.short, latest.id.as_str()[..12]);
    let tagged = fossil.stat("v1.0.0").await.expect("a tag");
    assert_eq!((&tagged.id, &tagged.tags), (&latest.id, &Vec::new()));
    let short = fossil.stat(&latest.short).await.expect("a hash");
    assert_eq!((&short.id, short.reference), (&latest.id, None));
    let shorter = fossil.stat(&latest.short[..10]).await.expect("a hash");
    assert_eq!(shorter.reference.as_deref(), Some(&latest.short[..10]));
    let path = work.path("repo/r.fossil").display().to_string();
    for name in [
        "nosuch",
        "d4c7dcdc298a",
        "-R",
        "--help",
        "",
        &path,
        "../r.fossil",
        "a\nb",
    ] {
        let error = fossil.stat(name).await.expect_err(name);
        assert!(error.is_not_exist(), "{name}: {error}");
    }
    assert_eq!(tag_names(&fossil, "").await, [""; 0]);
    let unsupported = fossil.descends_from(&latest.id, "v1.0.0").await;
    assert!(matches!(unsupported, Err(VcsError::Unsupported { .. })));
    assert_eq!(fossil.recent_tag(&latest.id, "", &|_: &str| true).await, Ok(None));
}

#[tokio::test(flavor = "multi_thread")]
async fn reads_files_and_archives() {
    let work = Work::new();
    work.script(REPOSITORY);
    let fossil = open(&work);
    let tip = fossil.latest().await.expect("a commit").id;
    assert_eq!(read(&fossil, &tip, "a b.txt").await.as_deref(), Some("c r\r\n"));
    assert_eq!(read(&fossil, &tip, "link").await.as_deref(), Some("go.mod"));
    for path in ["sub", "nosuch", "../w/go.mod", "/etc/passwd", "", "-r", "a\0"] {
        assert_eq!(read(&fossil, &tip, path).await, None, "{path}");
    }
    let (vcs, step) = (VcsKind::Fossil, Step::File);
    let error = fossil.read_file(&tip, "go.mod", 8).await.expect_err("too large");
    assert_eq!(error, VcsError::TooLarge { vcs, step, limit: 8 });

    let all = files(&fossil, &tip, "", 10_000).await.expect("an archive");
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
    let sub = files(&fossil, &tip, "sub", 4).await.expect("an archive");
    assert_eq!(names(&sub), ["deep/d.go", "s.go"]);
    let error = files(&fossil, &tip, "sub", 3).await.expect_err("too large");
    let step = Step::Archive;
    assert_eq!(error, VcsError::TooLarge { vcs, step, limit: 3 });
    assert!(
        files(&fossil, &tip, "su", 9)
            .await
            .expect("an archive")
            .is_empty()
    );
    let none = RevisionId::new("1".repeat(40)).expect("an id");
    assert!(
        fossil
            .archive(&none, "", 9)
            .await
            .is_err_and(|error| error.is_not_exist())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn fetches_once_and_then_what_is_new() {
    let work = Work::new();
    work.script(REPOSITORY);
    let fossil = Arc::new(open(&work));
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..6 {
        let fossil = fossil.clone();
        tasks.spawn(async move { fossil.latest().await.expect("a commit") });
    }
    let mut old = None;
    while let Some(found) = tasks.join_next().await {
        old = Some(found.expect("no panic").id);
    }
    let old = old.expect("a commit");
    assert_eq!(fossil.counters().get("clone"), 1);
    work.script(
        "cd w; fossil hash-policy sha3 >/dev/null; echo 2 >two; fossil add two >/dev/null
         fossil commit -m two --no-warnings --date-override 2020-02-03T00:00:00 >/dev/null",
    );
    let new = fossil.latest().await.expect("a commit");
    assert_eq!((new.time, new.id.as_str().len()), (at(1_580_688_000), 40));
    assert_eq!(
        read(fossil.as_ref(), &new.id, "two").await.as_deref(),
        Some("2\n")
    );
    assert_eq!(read(fossil.as_ref(), &old, "two").await, None);
    assert_eq!(fossil.counters().get("clone"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn failures_are_not_missing_revisions() {
    let work = Work::new();
    let down = FossilRepository::open("http://127.0.0.1:1/r", work.cache(), work.options());
    let error = down
        .expect("an address")
        .latest()
        .await
        .expect_err("nobody listens");
    assert!(matches!(error, VcsError::Failed { .. }), "{error}");
    assert!(until(|| work.copies().is_empty()), "half a copy");
    let pid = work.path("pid");
    let hang = format!(
        "echo $$ >{0}.new; mv {0}.new {0}; sleep 1000 & wait",
        pid.display()
    );
    let mut options = work.fake("fossil", &hang);
    options.fetch_time = Duration::from_secs(2);
    let slow = FossilRepository::open("https://127.0.0.1:1/r", work.cache(), options);
    let error = slow.expect("an address").latest().await.expect_err("it hangs");
    assert!(matches!(error, VcsError::Timeout { .. }), "{error}");
    assert!(gone(&pid));
}

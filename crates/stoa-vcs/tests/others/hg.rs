//! Mercurial.

use std::sync::Arc;
use std::time::{Duration, Instant};

use stoa_vcs::cache::Cache;
use stoa_vcs::{EntryKind, HgRepository, Repository as _, RevisionId, Step, VcsError, VcsKind};

use crate::support::{Work, at, file, files, gone, link, names, read, tag_names};

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

/// Fetches at every question.
fn open(work: &Work) -> HgRepository {
    HgRepository::open(&work.url("repo"), work.cache(), work.options()).expect("an address")
}

/// Fetches once.
fn open_once(work: &Work) -> HgRepository {
    let mut options = work.options();
    options.freshness = Duration::from_secs(600);
    HgRepository::open(&work.url("repo"), work.cache(), options).expect("an address")
}

#[tokio::test(flavor = "multi_thread")]
async fn finds_revisions() {
    let work = Work::new();
    work.script(REPOSITORY);
    let hg = open_once(&work);
    let first = hg.stat("v1.0.0").await.expect("a tag");
    assert_eq!(first.time, at(1_000_000_000));
    assert_eq!((first.version.as_str(), first.short.len()), ("v1.0.0", 12));
    assert_eq!(first.tags, ["a tag", "sub/v1.1.0", "v1.0.0"]);
    assert_eq!(first.reference.as_deref(), Some("v1.0.0"));
    assert!(first.id.as_str().starts_with(&first.short));

    let latest = hg.latest().await.expect("a commit");
    assert_eq!(latest.time, at(1_000_000_002));
    assert_eq!(latest.reference.as_deref(), Some("tip"));
    assert_eq!(hg.stat("latest").await, Ok(latest.clone()));
    let side = hg.stat("side").await.expect("a branch");
    assert_eq!(
        (&side.id, side.version.as_str()),
        (&latest.id, latest.id.as_str())
    );
    let default = hg.stat("default").await.expect("a branch");
    assert_eq!(default.time, at(1_000_000_001));

    let short = hg.stat(&first.short).await.expect("a hash");
    assert_eq!(
        (short.version.as_str(), short.reference),
        (first.id.as_str(), None)
    );
    let shorter = hg.stat(&first.short[..7]).await.expect("a hash");
    assert_eq!(shorter.reference.as_deref(), Some(&first.short[..7]));
    let bookmark = hg.stat("v9.9.9").await.expect("a bookmark");
    assert_eq!(
        (bookmark.id, bookmark.version.as_str()),
        (first.id.clone(), first.id.as_str())
    );

    assert_eq!(tag_names(&hg, "").await, ["a tag", "sub/v1.1.0", "v1.0.0"]);
    assert_eq!(tag_names(&hg, "sub/").await, ["sub/v1.1.0"]);
    assert_eq!(tag_names(&hg, "no/").await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn names_are_not_expressions() {
    let work = Work::new();
    work.script(REPOSITORY);
    let hg = open_once(&work);
    for name in [
        "nosuch",
        "all()",
        ".",
        "null",
        "0000000",
        "fffffffff",
        "x' or 'tip",
        "tip\\",
        "--config=x",
        "",
        "a\nb",
    ] {
        let error = hg.stat(name).await.expect_err(name);
        assert!(
            matches!(error, VcsError::UnknownRevision { .. }),
            "{name}: {error:?}"
        );
        assert!(error.is_not_exist());
    }
    let tip = hg.latest().await.expect("a commit").id;
    for path in [
        "-a",
        "glob:*",
        "listfile:/etc/passwd",
        "listfile0:/etc/passwd",
        "set:all()",
        "re:.*",
        "sub",
        "../x",
        "/etc/passwd",
        "",
        "sub/",
        "sub//s.go",
        "a\0b",
    ] {
        assert_eq!(read(&hg, &tip, path).await, None, "{path}");
    }
    for subdir in [
        "nosuch",
        "..",
        "/etc",
        "glob:*",
        "--config",
        "go.mod",
        "listfile:/etc/passwd",
        "su",
    ] {
        let files = files(&hg, &tip, subdir, 1000).await.expect("an archive");
        assert_eq!(names(&files), [""; 0], "{subdir}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn reads_files_and_archives() {
    let work = Work::new();
    work.script(REPOSITORY);
    work.script(r"printf y >$(printf '\377.txt'); mkdir $(printf 'd%.0s' $(seq 120)); echo q >$(echo ddd*)/$(printf 'f%.0s' $(seq 150))
        hg add -q; hg commit -q -m three -d '1000000003 0'; hg tag -q -d '1000000004 0' v1.0.1");
    let hg = open_once(&work);
    let tip = hg.stat("v1.0.1").await.expect("a commit").id;
    let first = hg.stat("v1.0.0").await.expect("a commit").id;
    assert_eq!(
        read(&hg, &tip, "a b.txt").await.as_deref(),
        Some("text $Id$ \r\n")
    );
    assert_eq!(read(&hg, &tip, "sub/s.go").await.as_deref(), Some("s\n"));
    assert_eq!(read(&hg, &tip, "link").await.as_deref(), Some("go.mod"));
    assert_eq!(read(&hg, &tip, "two").await.as_deref(), Some("2\n"));
    assert_eq!(read(&hg, &first, "two").await, None);
    assert_eq!(
        hg.read_file(&tip, "go.mod", 9)
            .await
            .expect("it fits")
            .map(|b| b.len()),
        Some(9)
    );
    let error = hg.read_file(&tip, "go.mod", 8).await.expect_err("too large");
    let (vcs, step) = (VcsKind::Hg, Step::File);
    assert_eq!(error, VcsError::TooLarge { vcs, step, limit: 8 });

    let all = files(&hg, &tip, "", 10_000).await.expect("an archive");
    assert_eq!(all[b"a b.txt".as_slice()], file("text $Id$ \r\n"));
    assert_eq!(all["é.go".as_bytes()], file("x"));
    assert_eq!(all[b"\xff.txt".as_slice()], file("y"));
    assert_eq!(all[b"link".as_slice()], link("go.mod"));
    assert_eq!(all[b"out".as_slice()], link("/etc/passwd"));
    let long = format!("{}/{}", "d".repeat(120), "f".repeat(150));
    assert_eq!(all[long.as_bytes()], file("q\n"));
    assert!(all.contains_key(b".hg_archival.txt".as_slice()));
    assert_eq!(all.len(), 12, "{:?}", names(&all));

    let sub = files(&hg, &first, "sub", 4).await.expect("an archive");
    assert_eq!(names(&sub), ["deep/d.go", "s.go"]);
    let error = files(&hg, &first, "sub", 3).await.expect_err("too large");
    let step = Step::Archive;
    assert_eq!(error, VcsError::TooLarge { vcs, step, limit: 3 });
    let gone = RevisionId::new("1".repeat(40)).expect("an id");
    let error = hg
        .read_file(&gone, "go.mod", 100)
        .await
        .expect_err("no such commit");
    assert!(error.is_not_exist(), "{error}");
    assert!(
        hg.archive(&gone, "", 100)
            .await
            .is_err_and(|error| error.is_not_exist())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn knows_ancestors() {
    let work = Work::new();
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
async fn parallel_callers_share_one_copy() {
    let work = Work::new();
    work.script(REPOSITORY);
    let hg = Arc::new(open(&work));
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let hg = hg.clone();
        tasks.spawn(async move { hg.stat("v1.0.0").await.expect("a tag") });
    }
    while let Some(done) = tasks.join_next().await {
        done.expect("no panic");
    }
    assert_eq!(work.copies().len(), 1);
    let pulls = hg.counters().get("pull");
    assert_eq!(
        (hg.counters().get("init"), pulls <= 2),
        (1, true),
        "{pulls} pulls"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn fetches_what_is_new_and_forgets_what_is_gone() {
    let work = Work::new();
    work.script(REPOSITORY);
    let hg = open(&work);
    let old = hg.latest().await.expect("a commit");
    work.script("echo 3 >three; hg add -q three; hg commit -q -d '1000000009 0' -m three; hg tag -q -d '1000000010 0' v2.0.0");
    let new = hg.stat("v2.0.0").await.expect("a new tag");
    assert_eq!(new.time, at(1_000_000_009));
    assert_eq!(hg.counters().get("init"), 1);
    assert_eq!(read(&hg, &old.id, "two").await.as_deref(), Some("2\n"));

    // A second process goes on with the copy.
    let again = open(&work);
    assert_eq!(read(&again, &new.id, "three").await.as_deref(), Some("3\n"));
    assert_eq!(again.counters().get("init") + again.counters().get("pull"), 0);
    drop(again);

    // The archive was asked for before the copy was replaced.
    let mut archive = hg.archive(&new.id, "", 10_000).await.expect("an archive");
    work.script("hg --config extensions.strip= strip -q --no-backup v2.0.0; hg update -q side");
    assert!(hg.stat("v2.0.0").await.is_err_and(|error| error.is_not_exist()));
    assert_eq!(hg.latest().await.expect("a commit").id, old.id);
    assert_eq!(hg.counters().get("init"), 2);
    let read = move || {
        let mut count = 0;
        while archive
            .next_entry()
            .expect("an entry")
            .is_some_and(|entry| entry.kind != EntryKind::Other)
        {
            count += 1;
        }
        count
    };
    assert_eq!(tokio::task::spawn_blocking(read).await.expect("no panic"), 11);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_that_is_not_whole_is_thrown_away() {
    let work = Work::new();
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
    let hg = open(&work);
    // The one that says that it is whole is taken at its word, until it fails twice.
    hg.latest().await.expect_err("no repository");
    assert_eq!(work.copies(), [place.join("copy-empty")]);
    hg.latest().await.expect("a commit");
    assert_eq!(work.copies().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_takes_too_long_is_killed() {
    let work = Work::new();
    let pid = work.path("pid");
    let script = format!(
        "test \"$4\" = init && exit 0; echo $$ >{0}.new; mv {0}.new {0}; sleep 1000 & wait",
        pid.display()
    );
    let mut options = work.fake("hg", &script);
    options.fetch_time = Duration::from_secs(2);
    let started = Instant::now();
    let hg = HgRepository::open("https://127.0.0.1:1/r", work.cache(), options).expect("an address");
    let error = hg.latest().await.expect_err("it hangs");
    assert!(
        matches!(
            error,
            VcsError::Timeout {
                step: Step::Access,
                ..
            }
        ),
        "{error}"
    );
    assert!(started.elapsed() < Duration::from_secs(30));
    assert!(!error.is_not_exist() && gone(&pid));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_may_not_grow_without_end() {
    let work = Work::new();
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
    assert!(gone(&pid));
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_say_what_is_wrong() {
    let work = Work::new();
    let no = HgRepository::open("http://127.0.0.1:1/r", work.cache(), work.options()).expect("an address");
    let error = no.stat("v1.0.0").await.expect_err("nobody listens");
    assert!(
        matches!(
            error,
            VcsError::Failed {
                step: Step::Access,
                ..
            }
        ),
        "{error}"
    );
    assert!(!error.is_not_exist());
    assert!(no.tags("").await.is_err());
    let mut options = work.options();
    options.runner.path = "/nowhere".into();
    let none = HgRepository::open("http://127.0.0.1:1/r", work.cache(), options).expect("an address");
    let error = none.latest().await.expect_err("no program");
    assert!(matches!(error, VcsError::NotInstalled { .. }), "{error}");

    work.script("hg init");
    let empty = open(&work);
    let error = empty.latest().await.expect_err("no commits");
    assert!(matches!(error, VcsError::NoCommits { .. }), "{error}");
    assert_eq!(tag_names(&empty, "").await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_host_configures_nothing() {
    let work = Work::new();
    work.script(REPOSITORY);
    let mark = work.path("mark");
    let evil = format!(
        "[hooks]\npre-log=touch {0}\npre-pull=touch {0}\n[alias]\nlog=!touch {0}\n[ui]\nbroken\n",
        mark.display()
    );
    std::fs::write(work.path("home").join(".hgrc"), evil).expect("a file");
    let hg = open_once(&work);
    let tip = hg.latest().await.expect("a commit").id;
    assert_eq!(read(&hg, &tip, "go.mod").await.as_deref(), Some("module m\n"));
    files(&hg, &tip, "", 10_000).await.expect("an archive");
    assert!(!mark.try_exists().expect("an answer"));
}

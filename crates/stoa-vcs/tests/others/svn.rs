//! Subversion.

use std::time::{Duration, Instant};

use stoa_vcs::{Repository as _, RevisionId, Step, SvnRepository, VcsError, VcsKind};

use crate::support::{Work, at, file, files, gone, link, names, read, tag_names};

/// Two revisions of `trunk`; the second is asked for in most tests.
const REPOSITORY: &str = r#"
svnadmin create r
U=file://$PWD/r
svn checkout -q $U w
cd w
mkdir trunk tags tags/v1.0.0 trunk/sub trunk/sub/deep
cd trunk
printf 'module m\n' >go.mod
printf 'p' >'a%20b@c d.txt'
printf x >é.go
printf '<&>' >'<&>.txt'
echo s >sub/s.go
echo d >sub/deep/d.go
printf '$Id$ $Rev$\n' >keys
printf 'a\nb\n' >native
ln -s go.mod link
svn add -q --force .. --parents
svn propset -q svn:keywords 'Id Rev' keys
svn propset -q svn:eol-style native native
svn propset -q svn:externals "$U/trunk/sub ext" .
svn commit -q -m one ..
cd ../..
printf 2017-09-22T01:12:45.861368Z >date
svnadmin setrevprop r -r 1 svn:date date
"#;

fn open(work: &Work) -> SvnRepository {
    SvnRepository::open(&work.url("repo/r/trunk"), work.cache(), work.options()).expect("an address")
}

fn first() -> RevisionId {
    RevisionId::new("1").expect("an id")
}

#[tokio::test(flavor = "multi_thread")]
async fn finds_revisions() {
    let work = Work::new();
    work.script(REPOSITORY);
    let svn = open(&work);
    let latest = svn.latest().await.expect("a commit");
    assert_eq!((latest.id.as_str(), latest.short.as_str()), ("1", "000000000001"));
    assert_eq!(latest.time, at(1_506_042_765) + Duration::from_micros(861_368));
    assert_eq!(latest.reference.as_deref(), Some("latest"));
    for name in ["1", "000000000001", "r1", "HEAD"] {
        let found = svn.stat(name).await.expect(name);
        assert_eq!((&found.id, found.reference.as_deref()), (&latest.id, Some(name)));
    }
    for name in [
        "2",
        "0",
        "v1.0.0",
        "-1",
        "",
        "BASE",
        "1/../..@1",
        "{2017-01-01}",
        "a\nb",
        "4294967295",
    ] {
        let error = svn.stat(name).await.expect_err(name);
        assert!(error.is_not_exist(), "{name}: {error}");
    }
    assert_eq!(tag_names(&svn, "").await, ["v1.0.0/"]);
    assert_eq!(tag_names(&svn, "x").await, [""; 0]);
    let unsupported = svn.descends_from(&first(), "v1.0.0").await;
    assert!(matches!(unsupported, Err(VcsError::Unsupported { .. })));
    assert_eq!(svn.recent_tag(&first(), "", &|_: &str| true).await, Ok(None));
}

#[tokio::test(flavor = "multi_thread")]
async fn reads_files_and_archives() {
    let work = Work::new();
    work.script(REPOSITORY);
    work.script("svn rm -q -m two file://$PWD/r/trunk/sub");
    let svn = open(&work);
    let one = first();
    assert_eq!(read(&svn, &one, "go.mod").await.as_deref(), Some("module m\n"));
    assert_eq!(read(&svn, &one, "a%20b@c d.txt").await.as_deref(), Some("p"));
    assert_eq!(read(&svn, &one, "keys").await.as_deref(), Some("$Id$ $Rev$\n"));
    for path in ["sub", "nosuch", "../trunk/go.mod", "", "-x", "go.mod/", "a\0"] {
        assert_eq!(read(&svn, &one, path).await, None, "{path}");
    }
    let two = RevisionId::new("2").expect("an id");
    assert_eq!(read(&svn, &two, "sub/s.go").await, None);
    let (vcs, step) = (VcsKind::Svn, Step::File);
    let error = svn.read_file(&one, "go.mod", 8).await.expect_err("too large");
    assert_eq!(error, VcsError::TooLarge { vcs, step, limit: 8 });

    let all = files(&svn, &one, "", 10_000).await.expect("an archive");
    assert_eq!(
        names(&all),
        [
            "<&>.txt",
            "a%20b@c d.txt",
            "go.mod",
            "keys",
            "link",
            "native",
            "sub/deep/d.go",
            "sub/s.go",
            r"\xc3\xa9.go"
        ]
    );
    assert_eq!(all[b"keys".as_slice()], file("$Id$ $Rev$\n"));
    assert_eq!(all[b"native".as_slice()], file("a\nb\n"));
    assert_eq!(all[b"link".as_slice()], link("go.mod"));
    let sub = files(&svn, &one, "sub", 4).await.expect("an archive");
    assert_eq!(names(&sub), ["deep/d.go", "s.go"]);
    let step = Step::Archive;
    let error = files(&svn, &one, "sub", 3).await.expect_err("too large");
    assert_eq!(error, VcsError::TooLarge { vcs, step, limit: 3 });
    for subdir in ["nosuch", "..", "/", "-x"] {
        assert!(
            files(&svn, &one, subdir, 10_000)
                .await
                .expect("an archive")
                .is_empty()
        );
    }
    let nine = RevisionId::new("9").expect("an id");
    assert!(
        svn.archive(&nine, "", 1000)
            .await
            .is_err_and(|error| error.is_not_exist())
    );
    assert!(
        svn.read_file(&nine, "go.mod", 1000)
            .await
            .is_err_and(|error| error.is_not_exist())
    );
    assert_eq!(work.copies().len(), 0, "exports stay");
}

/// What cmd/go gives away: it copies what a link points to if its length is that of the link as Subversion stores it,
/// with `link ` before it.
#[tokio::test(flavor = "multi_thread")]
async fn a_link_to_a_file_of_the_host_is_a_link() {
    let work = Work::new();
    let secret = work.path("secret");
    let length = secret.display().to_string().len() + "link ".len();
    std::fs::write(&secret, "s".repeat(length)).expect("a file");
    work.script(&format!(
        "svnadmin create r; svn checkout -q file://$PWD/r w; cd w; mkdir trunk; ln -s {0} trunk/leak
         ln -s {1} trunk/folder; svn add -q trunk; svn commit -q -m x",
        secret.display(),
        work.path("").display()
    ));
    let svn = open(&work);
    let all = files(&svn, &first(), "", 10_000).await.expect("an archive");
    assert_eq!(all[b"leak".as_slice()], link(&secret.display().to_string()));
    assert_eq!(names(&all), ["folder", "leak"]);
    let stored = read(&svn, &first(), "leak").await.expect("a file");
    assert!(!stored.contains("sss"), "{stored}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_missing_and_what_fails() {
    let work = Work::new();
    work.script("svnadmin create r");
    let open = |url: &str| SvnRepository::open(url, work.cache(), work.options()).expect("an address");
    let error = open(&work.url("repo/r")).latest().await.expect_err("no commits");
    assert!(matches!(error, VcsError::NoCommits { .. }), "{error}");
    let none = open(&work.url("repo/none"));
    let error = none.latest().await.expect_err("no repository");
    assert!(matches!(error, VcsError::UnknownRevision { .. }), "{error}");
    assert_eq!(tag_names(&none, "").await, [""; 0]);
    let down = open("svn://127.0.0.1:1/r");
    let error = down.latest().await.expect_err("nobody listens");
    assert!(
        matches!(error, VcsError::Failed { .. }) && !error.is_not_exist(),
        "{error}"
    );
    assert!(down.tags("").await.is_err_and(|error| !error.is_not_exist()));
    assert!(
        down.read_file(&first(), "x", 9)
            .await
            .is_err_and(|error| !error.is_not_exist())
    );
    assert!(
        down.archive(&first(), "", 9)
            .await
            .is_err_and(|error| !error.is_not_exist())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_takes_too_long_or_too_much_is_killed() {
    let work = Work::new();
    let pid = work.path("pid");
    let hang = format!(
        "echo $$ >{0}.new; mv {0}.new {0}; sleep 1000 & wait",
        pid.display()
    );
    let mut options = work.fake("svn", &hang);
    options.question_time = Duration::from_secs(2);
    let started = Instant::now();
    let svn = SvnRepository::open("https://127.0.0.1:1/r", work.cache(), options).expect("an address");
    let error = svn.latest().await.expect_err("it hangs");
    assert!(matches!(error, VcsError::Timeout { .. }), "{error}");
    assert!(started.elapsed() < Duration::from_secs(30) && gone(&pid));

    // A server whose list says less than it sends.
    std::fs::remove_file(&pid).expect("the file");
    let list = "printf '<entry kind=\"file\"><name>a</name><size>1</size></entry>'";
    let lies = format!(
        "test $1 = list && {{ {list}; exit; }}; echo $$ >{0}; for to; do :; done; head -c 9000000 /dev/zero >$to
         sleep 1000 & wait",
        pid.display()
    );
    let options = work.fake("svn", &lies);
    let svn = SvnRepository::open("https://127.0.0.1:1/r", work.cache(), options).expect("an address");
    let error = svn
        .archive(&first(), "", 10)
        .await
        .err()
        .expect("it is too large");
    assert!(matches!(error, VcsError::TooLarge { .. }), "{error}");
    assert!(gone(&pid));
}

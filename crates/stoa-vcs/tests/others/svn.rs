//! Subversion.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use stoa_vcs::cache::Cache;
use stoa_vcs::conformance::{
    self, Abilities, Ability, Change, Scenario, Workspace, archived_files, file, is_gone, link, names,
    read_text, tag_names,
};
use stoa_vcs::{Repository, RepositoryOptions, RevisionId, SvnRepository, VcsError, VcsKind};

/// The folder `trunk`, with `tags` beside it.
struct Svn;

impl Scenario for Svn {
    fn vcs(&self) -> VcsKind {
        VcsKind::Svn
    }

    fn abilities(&self) -> Abilities {
        Abilities {
            lists_tags: Ability::No(
                "it lists what is in the folder `tags`, folders with a slash, as cmd/go does",
            ),
            resolves_tags: Ability::No("only numbers are revisions, as in cmd/go"),
            versions_from_tags: Ability::No("no tag is a revision"),
            branches: Ability::No("they are folders, each a repository to cmd/go"),
            default_branch: Ability::Yes,
            hashes: Ability::No("revisions are numbers"),
            ancestry: Ability::No("no tag is a revision"),
            empty: Ability::No("a folder comes with a commit; the root has a test of its own"),
            tells_missing: Ability::Yes,
            passwords: Ability::Yes,
            rewrites: Ability::No("a server never takes a revision back"),
            reads_links: Ability::Yes,
            raw_names: Ability::No("names are UTF-8"),
            copies: None,
        }
    }

    fn latest_reference(&self) -> &'static str {
        "latest"
    }

    fn commands(&self, change: Change<'_>) -> String {
        match change {
            Change::Create => {
                "svnadmin create r; svn checkout -q file://$PWD/r w; mkdir w/trunk w/tags".to_owned()
            }
            Change::Commit { at } => format!(
                "cd w; svn status | sed -n 's/^! *//p' | while read -r f; do svn rm -q \"$f@\"; done
                 svn add -q --force .; svn commit -q -m m; svn update -q; cd ..
                 printf %s $(date -u -d @{at} +%FT%T.000000Z) >date; N=$(svnlook youngest r)
                 svnadmin setrevprop r -r $N svn:date date; echo $N"
            ),
            Change::Tag { name } => {
                format!("svn mkdir -q --parents -m tag file://$PWD/r/tags/{name}; svn update -q w")
            }
            Change::Branch { .. } | Change::Undo => unreachable!("it has no such ability"),
        }
    }

    fn tree(&self) -> &'static str {
        "w/trunk"
    }

    fn url(&self, repo: &Path) -> String {
        format!("file://{}/r/trunk", repo.display())
    }

    fn dead_url(&self) -> String {
        "svn://127.0.0.1:1/r".to_owned()
    }

    fn open(
        &self,
        url: &str,
        cache: Arc<Cache>,
        options: RepositoryOptions,
    ) -> Result<Arc<dyn Repository>, VcsError> {
        Ok(Arc::new(SvnRepository::open(url, cache, options)?))
    }

    fn hostile_revisions(&self, _: &str) -> Vec<String> {
        ["0", "99"].map(str::to_owned).to_vec()
    }

    fn hostile_paths(&self, _: &str) -> Vec<String> {
        ["../trunk/go.mod", "go.mod@1"].map(str::to_owned).to_vec()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn conforms() {
    conformance::run(&Svn).await;
}

/// One revision of `trunk`, with the properties that convert files.
const REPOSITORY: &str = r#"
svnadmin create r
U=file://$PWD/r
svn checkout -q $U w
cd w
mkdir trunk tags tags/v1.0.0 trunk/sub trunk/sub/deep
cd trunk
printf 'module m\n' >go.mod
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

fn open(work: &Workspace) -> SvnRepository {
    SvnRepository::open(&work.url("repo/r/trunk"), work.cache(), work.options()).expect("an address")
}

fn first() -> RevisionId {
    RevisionId::new("1").expect("an id")
}

#[tokio::test(flavor = "multi_thread")]
async fn finds_names_that_only_subversion_has() {
    let work = Workspace::new();
    work.script(REPOSITORY);
    let svn = open(&work);
    let latest = svn.latest().await.expect("a commit");
    let time = Duration::from_secs(1_506_042_765) + Duration::from_micros(861_368);
    assert_eq!(latest.time, SystemTime::UNIX_EPOCH + time);
    assert_eq!((latest.id.as_str(), latest.short.as_str()), ("1", "000000000001"));
    for name in ["1", "000000000001", "r1", "HEAD"] {
        let found = svn.stat(name).await.expect(name);
        assert_eq!((&found.id, found.reference.as_deref()), (&latest.id, Some(name)));
    }
    assert_eq!(tag_names(&svn, "").await, ["v1.0.0/"]);
    assert_eq!(tag_names(&svn, "x").await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn properties_convert_nothing_but_line_ends() {
    let work = Workspace::new();
    work.script(REPOSITORY);
    let (svn, one) = (open(&work), first());
    assert_eq!(
        read_text(&svn, &one, "keys").await.as_deref(),
        Some("$Id$ $Rev$\n")
    );
    let all = archived_files(&svn, &one, "", 10_000).await.expect("an archive");
    // Nothing of other folders, which the property `svn:externals` names.
    assert_eq!(
        names(&all),
        ["go.mod", "keys", "link", "native", "sub/deep/d.go", "sub/s.go"]
    );
    assert_eq!(all[b"keys".as_slice()], file("$Id$ $Rev$\n"));
    assert_eq!(all[b"native".as_slice()], file("a\nb\n"));
    assert_eq!(all[b"link".as_slice()], link("go.mod"));
}

/// What cmd/go gives away: it copies what a link points to if its length is that of the link as Subversion stores it,
/// with `link ` before it.
#[tokio::test(flavor = "multi_thread")]
async fn a_link_to_a_file_of_the_host_is_a_link() {
    let work = Workspace::new();
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
    let all = archived_files(&svn, &first(), "", 10_000)
        .await
        .expect("an archive");
    assert_eq!(all[b"leak".as_slice()], link(&secret.display().to_string()));
    assert_eq!(names(&all), ["folder", "leak"]);
    let stored = read_text(&svn, &first(), "leak").await.expect("a file");
    assert!(!stored.contains("sss"), "{stored}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_root_may_be_empty_and_a_server_without_a_repository() {
    let work = Workspace::new();
    work.script("svnadmin create r");
    let open = |url: &str| SvnRepository::open(url, work.cache(), work.options()).expect("an address");
    let error = open(&work.url("repo/r")).latest().await.expect_err("no commits");
    assert!(matches!(error, VcsError::NoCommits { .. }), "{error}");
    let none = open(&work.url("repo/none"));
    let error = none.latest().await.expect_err("no repository");
    assert!(matches!(error, VcsError::UnknownRevision { .. }), "{error}");
    assert_eq!(tag_names(&none, "").await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_sends_more_than_it_lists_is_stopped() {
    let work = Workspace::new();
    let pid = work.path("pid");
    let list = "printf '<entry kind=\"file\"><name>a</name><size>1</size></entry></lists>'";
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
    assert!(is_gone(&pid));
}

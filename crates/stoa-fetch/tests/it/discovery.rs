//! From paths to repositories, with pages and repositories that a test makes up.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use parking_lot::Mutex;
use stoa_fetch::{
    FetchError, SourceName,
    discovery::{
        Discovery, DiscoveryError, DiscoveryOptions, Mapping, Mappings, Page, Pages, Ping, RepoRoot, Rewrite,
        Rewrites, UrlGuard, VcsPolicy,
    },
};
use stoa_module::{ModulePath, PatternList};
use stoa_vcs::VcsKind;
use url::Url;

/// Pages and repositories by URL, and what was asked.
#[derive(Debug, Default)]
struct World {
    pages: HashMap<String, (u16, String)>,
    repositories: HashSet<String>,
    unreachable: HashSet<String>,
    asked: Mutex<Vec<String>>,
}

impl World {
    fn page(mut self, url: &str, tags: &[&str]) -> Self {
        let tag = |tag: &&str| format!("<meta name=go-import content='{tag}'>");
        let html = tags.iter().map(tag).collect();
        self.pages.insert(url.to_owned(), (200, html));
        self
    }

    fn status(mut self, url: &str, status: u16) -> Self {
        let page = self.pages.entry(url.to_owned()).or_default();
        page.0 = status;
        self
    }

    fn repository(mut self, url: &str) -> Self {
        self.repositories.insert(url.to_owned());
        self
    }

    fn unreachable(mut self, url: &str) -> Self {
        self.unreachable.insert(url.to_owned());
        self
    }

    fn ask(&self, url: &Url) -> Result<(), FetchError> {
        self.asked.lock().push(url.to_string());
        if !self.unreachable.contains(url.as_str()) {
            return Ok(());
        }
        Err(FetchError::Timeout {
            source_name: SourceName::new(url.as_str()),
            phase: stoa_fetch::Phase::Response,
            after: Duration::from_secs(1),
        })
    }
}

#[async_trait]
impl Pages for World {
    async fn get(&self, url: &Url, _: &UrlGuard) -> Result<Page, FetchError> {
        self.ask(url)?;
        tokio::time::sleep(Duration::from_millis(1)).await;
        let (status, html) = self
            .pages
            .get(url.as_str())
            .cloned()
            .unwrap_or((404, String::new()));
        Ok(Page {
            url: url.clone(),
            status,
            content_type: None,
            body: html.into(),
            truncated: false,
        })
    }
}

#[async_trait]
impl Ping for World {
    async fn ping(&self, vcs: VcsKind, url: &Url) -> Result<bool, FetchError> {
        self.ask(url)?;
        Ok(self.repositories.contains(&format!("{vcs} {url}")))
    }
}

/// Discovery in a world, which is kept to look at what was asked.
fn discovery(world: World, options: DiscoveryOptions) -> (Discovery, Arc<World>) {
    let world = Arc::new(world);
    (Discovery::new(options, world.clone(), world.clone()), world)
}

async fn find(discovery: &Discovery, path: &str) -> Result<RepoRoot, DiscoveryError> {
    discovery.find(&ModulePath::parse(path).unwrap()).await
}

/// What is found with nothing configured: root, kind, URL, folder; or the error.
async fn found(world: World, path: &str) -> Result<String, DiscoveryError> {
    let found = find(&discovery(world, DiscoveryOptions::default()).0, path).await?;
    assert!(!found.insecure);
    Ok(format!(
        "{} {} {} {}",
        found.root, found.kind, found.repo, found.subdir
    ))
}

fn policy(allow: &str, private: &str, insecure: &str) -> VcsPolicy {
    let allow = allow.parse().unwrap();
    VcsPolicy::new(allow, PatternList::parse(private), PatternList::parse(insecure))
}

#[tokio::test]
async fn a_well_known_host_is_not_asked() {
    let (discovery, world) = discovery(World::default(), DiscoveryOptions::default());
    let found = find(&discovery, "github.com/a/b/c/v2").await.unwrap();
    assert_eq!(
        (found.root.as_str(), found.repo.as_str()),
        ("github.com/a/b", "https://github.com/a/b")
    );
    for path in ["github.com/a", "github.com/a/b.git", "example.net/x"] {
        let error = find(&discovery, path).await.unwrap_err();
        assert!(error.is_not_exist(), "{error}");
    }
    assert!(world.asked.lock().is_empty());
}

#[tokio::test]
async fn the_page_of_a_path_names_its_repository() {
    let world = || {
        World::default()
            .page(
                "https://e.example/m?go-get=1",
                &["e.example/m git https://git.example/m sub/../../d"],
            )
            .status("https://e.example/m?go-get=1", 404)
            .page(
                "https://whole.example/?go-get=1",
                &["whole.example hg http://hg.example/"],
            )
            .page(
                "https://p.example/m?go-get=1",
                &[
                    "p.example/m git https://git.example/m",
                    "p.example/m mod https://proxy.example/",
                ],
            )
    };
    for (path, want) in [
        ("e.example/m", "e.example/m git https://git.example/m d"),
        ("whole.example", "whole.example hg http://hg.example/ "),
        ("p.example/m", "p.example/m mod https://proxy.example/ "),
    ] {
        assert_eq!(found(world(), path).await.unwrap(), want);
    }
}

#[tokio::test]
async fn what_a_page_says_of_its_prefix_is_confirmed_there() {
    let tag = "e.example git https://git.example/e";
    let world = || World::default().page("https://e.example/a/b?go-get=1", &[tag]);
    let confirmed = world().page(
        "https://e.example/?go-get=1",
        &["e.example/x git https://x.example", tag],
    );
    assert_eq!(
        found(confirmed, "e.example/a/b").await.unwrap(),
        "e.example git https://git.example/e "
    );

    for other in [
        &["e.example git https://evil.example/e"][..],
        &["e.example git https://git.example/e sub"],
        &["e.example/other git https://git.example/e"],
        &[tag, "e.example/a git https://git.example/a"],
    ] {
        let world = world().page("https://e.example/?go-get=1", other);
        let error = found(world, "e.example/a/b").await.unwrap_err();
        assert!(matches!(error, DiscoveryError::Disagreement { .. }), "{error:?}");
        let want = "discovery: unrecognized import path \"e.example/a/b\": https://e.example/a/b?go-get=1 \
                    and https://e.example/?go-get=1 disagree about go-import for e.example";
        assert_eq!(error.to_string(), want);
    }
    let error = found(world(), "e.example/a/b").await.unwrap_err();
    assert!(
        error.is_not_exist() && error.to_string().ends_with("404 Not Found"),
        "{error}"
    );
    let failing = world().unreachable("https://e.example/?go-get=1");
    let error = found(failing, "e.example/a/b").await.unwrap_err();
    assert!(matches!(error, DiscoveryError::Unreachable { .. }), "{error:?}");
}

#[tokio::test]
async fn what_is_not_there_is_told_from_what_cannot_be_told() {
    let url = "https://e.example/m?go-get=1";
    let page = |status| World::default().page(url, &[]).status(url, status);
    for status in [200, 404, 410] {
        let error = found(page(status), "e.example/m").await.unwrap_err();
        assert!(error.is_not_exist(), "{status}: {error:?}");
    }
    for status in [204, 400, 401, 403, 429, 500, 503] {
        let error = found(page(status), "e.example/m").await.unwrap_err();
        let cause = FetchError::from(error);
        assert!(
            matches!(&cause, FetchError::Status { reply, .. } if reply.status == status),
            "{cause:?}"
        );
    }
    let error = found(World::default().unreachable(url), "e.example/m")
        .await
        .unwrap_err();
    assert!(matches!(FetchError::from(error), FetchError::Timeout { .. }));
    let elsewhere = World::default().page(url, &["x.example git https://x.example"]);
    let error = found(elsewhere, "e.example/m").await.unwrap_err();
    assert!(error.is_not_exist(), "{error:?}");
    assert!(
        error
            .to_string()
            .ends_with("(meta tag x.example did not match import path e.example/m)"),
        "{error}"
    );
    for html in ["<p", "<script>if (a<b) {}</script>"] {
        let mut world = page(200);
        world.pages.insert(url.to_owned(), (200, html.to_owned()));
        let error = found(world, "e.example/m").await.unwrap_err();
        assert!(
            error.is_not_exist() && error.to_string().contains("XML syntax error"),
            "{error:?}"
        );
    }
}

#[tokio::test]
async fn tags_that_make_no_sense_or_lead_inside_are_refused() {
    for (tag, malformed, want) in [
        (
            "e.example/m git git@e.example:m",
            true,
            "invalid repo root \"git@e.example:m\": no scheme",
        ),
        ("e.example/m git file:///srv/m", true, "file scheme disallowed"),
        (
            "e.example/m git ext::sh",
            true,
            "scheme \"ext\" is none of those for git",
        ),
        ("e.example/m git svn://e.example/m", true, "scheme \"svn\""),
        ("e.example/m cvs https://e.example/m", true, "unknown vcs \"cvs\""),
        (
            "e.example/m git https://e.example/m /x",
            true,
            "invalid subdirectory \"/x\": leading slash",
        ),
        ("e.example/m git https://e.example/m -x", true, "leading hyphen"),
        (
            "e.example/m git ssh://-oProxyCommand/m",
            true,
            "leading hyphen in host or user",
        ),
        (
            "e.example/ git https://e.example/m",
            true,
            "mismatched repo: found e.example/ for e.example/m",
        ),
        (
            "e.example/m git https://127.0.0.1/m",
            false,
            "127.0.0.1 is not a public host",
        ),
        ("e.example/m git ssh://0x7f.1/m", false, "is not a public host"),
        (
            "e.example/m mod http://169.254.169.254/",
            false,
            "169.254.169.254 is not a public host",
        ),
        (
            "e.example/m svn https://e.example/m",
            false,
            "GOVCS disallows using svn for public e.example/m",
        ),
    ] {
        let url = "https://e.example/m?go-get=1";
        let world = World::default().page(url, &[tag]);
        let error = found(world, "e.example/m").await.unwrap_err();
        assert!(error.to_string().contains(want), "{tag}: {error}");
        let is_malformed = matches!(error, DiscoveryError::Malformed { .. });
        let is_refused = matches!(error, DiscoveryError::Refused { .. });
        assert_eq!(
            (is_malformed, is_refused),
            (malformed, !malformed),
            "{tag}: {error:?}"
        );
    }
    let twice = [
        "e.example git https://e.example/a",
        "e.example/m git https://e.example/m",
    ];
    let world = World::default().page("https://e.example/m?go-get=1", &twice);
    let error = found(world, "e.example/m").await.unwrap_err();
    assert!(matches!(error, DiscoveryError::Malformed { .. }), "{error:?}");
    assert!(
        error.to_string().contains("multiple meta tags match import path"),
        "{error}"
    );
}

#[tokio::test]
async fn paths_that_lead_inside_are_never_asked_for() {
    let (discovery, world) = discovery(World::default(), DiscoveryOptions::default());
    for path in [
        "169.254.169.254/latest/meta-data",
        "127.1/x",
        "0x7f.0.0.1/x.git",
        "foo.localhost/x",
    ] {
        let error = find(&discovery, path).await.unwrap_err();
        assert!(
            matches!(error, DiscoveryError::Refused { .. }),
            "{path}: {error:?}"
        );
    }
    assert!(world.asked.lock().is_empty(), "{:?}", world.asked);
}

#[tokio::test]
async fn a_suffix_names_the_system_and_the_first_url_that_answers_counts() {
    let world = || {
        World::default()
            .repository("git ssh://e.example/a/b")
            .repository("hg http://e.example/h")
    };
    let (secure, asked) = discovery(world(), DiscoveryOptions::default());
    let found = find(&secure, "e.example/a/b.git/sub").await.unwrap();
    assert_eq!(
        (found.root.as_str(), found.repo.as_str()),
        ("e.example/a/b.git", "ssh://e.example/a/b")
    );
    find(&secure, "e.example/a/b.git/other").await.unwrap();
    let all = [
        "https://e.example/a/b",
        "git+ssh://e.example/a/b",
        "ssh://e.example/a/b",
    ];
    assert_eq!(*asked.asked.lock(), all, "once, and secure ones only");

    let error = find(&secure, "e.example/h.hg").await.unwrap_err();
    assert!(error.is_not_exist(), "{error:?}");
    assert_eq!(
        error.to_string(),
        "discovery: no secure protocol found for repository"
    );
    let error = find(&secure, "e.example/f.fossil").await.unwrap_err();
    assert!(matches!(error, DiscoveryError::Refused { .. }), "{error:?}");

    let options = DiscoveryOptions {
        policy: policy("public:all", "", "e.example"),
        ..DiscoveryOptions::default()
    };
    let (insecure, asked) = discovery(world().unreachable("https://e.example/x"), options);
    let found = find(&insecure, "e.example/h.hg").await.unwrap();
    assert_eq!(
        (found.repo.as_str(), found.insecure),
        ("http://e.example/h", true)
    );
    asked.asked.lock().clear();
    assert_eq!(
        find(&insecure, "e.example/f.fossil").await.unwrap().repo.as_str(),
        "https://e.example/f"
    );
    assert!(asked.asked.lock().is_empty(), "fossil cannot be asked");
    let error = find(&insecure, "e.example/x.hg").await.unwrap_err();
    assert!(matches!(error, DiscoveryError::Unreachable { .. }), "{error:?}");
}

#[tokio::test]
async fn a_root_in_the_middle_of_a_path_is_refused() {
    let (discovery, world) = discovery(World::default(), DiscoveryOptions::default());
    let error = find(&discovery, "e.example/x~y/evil.example/z.git")
        .await
        .unwrap_err();
    assert!(
        error
            .to_string()
            .contains("mismatched repo: found evil.example/z.git for"),
        "{error}"
    );
    assert!(world.asked.lock().is_empty());
}

#[tokio::test]
async fn mappings_and_rewrites_come_first_and_may_lead_inside() {
    let mapping = Mapping::new("e.example/m", "git", "https://10.0.0.5/m", "sub").unwrap();
    let rewrite = |from, to| Rewrite::new(from, to).unwrap();
    let rewrites = [
        rewrite("https://github.com/", "http://10.0.0.6/github/"),
        rewrite("https://r.example", "http://10.0.0.7:8080/r"),
    ];
    let options = || DiscoveryOptions {
        mappings: Mappings::new([mapping.clone()]).unwrap(),
        rewrites: Rewrites::new(rewrites.clone()).unwrap(),
        policy: policy("s.example:none", "", ""),
        ..DiscoveryOptions::default()
    };
    let world = World::default()
        .page(
            "http://10.0.0.7:8080/r/x?go-get=1",
            &["r.example/x git https://r.example/git/x"],
        )
        .page(
            "https://t.example/?go-get=1",
            &["t.example git https://10.0.0.5/t"],
        )
        .page(
            "https://u.example/?go-get=1",
            &["u.example git https://10.0.0.5:8443/t"],
        );
    let (discovery, _) = discovery(world, options());
    let mapped = find(&discovery, "e.example/m/x").await.unwrap();
    assert_eq!(
        (mapped.root.as_str(), mapped.subdir.as_str()),
        ("e.example/m", "sub")
    );
    assert_eq!(mapped.repo.as_str(), "https://10.0.0.5/m");
    for (path, want) in [
        ("github.com/a/b", "http://10.0.0.6/github/a/b"),
        ("r.example/x", "http://10.0.0.7:8080/r/git/x"),
        ("t.example", "https://10.0.0.5/t"),
    ] {
        assert_eq!(find(&discovery, path).await.unwrap().repo.as_str(), want);
    }
    let error = find(&discovery, "u.example").await.unwrap_err();
    assert!(matches!(error, DiscoveryError::Refused { .. }), "{error:?}");
}

#[tokio::test]
async fn an_insecure_path_is_asked_for_over_http_when_https_does_not_answer() {
    let world = || {
        World::default().unreachable("https://e.example/m?go-get=1").page(
            "http://e.example/m?go-get=1",
            &["e.example/m git http://e.example/m"],
        )
    };
    let error = found(world(), "e.example/m").await.unwrap_err();
    assert!(matches!(error, DiscoveryError::Unreachable { .. }), "{error:?}");
    let options = || DiscoveryOptions {
        policy: policy("", "", "e.example"),
        ..DiscoveryOptions::default()
    };
    let (insecure, _) = discovery(world(), options());
    assert!(find(&insecure, "e.example/m").await.unwrap().insecure);
    let answered = world().status("https://e.example/m?go-get=1", 500);
    let answered = World {
        unreachable: HashSet::new(),
        ..answered
    };
    let (insecure, asked) = discovery(answered, options());
    find(&insecure, "e.example/m").await.unwrap_err();
    assert_eq!(asked.asked.lock().len(), 1, "a failing server has answered");
}

#[tokio::test]
async fn launchpad_counts_where_pages_name_nothing() {
    let options = || DiscoveryOptions {
        policy: policy("launchpad.net:bzr", "", ""),
        ..DiscoveryOptions::default()
    };
    let probe = "https://code.launchpad.net/p/s/.bzr/branch-format";
    let root = |world, path: &'static str| async move {
        find(&discovery(world, options()).0, path)
            .await
            .map(|found| found.root)
    };
    let series = || World::default().page(probe, &[]);
    assert_eq!(
        root(series(), "launchpad.net/p/s/d").await.unwrap(),
        "launchpad.net/p/s"
    );
    assert_eq!(
        root(World::default(), "launchpad.net/p/s/d").await.unwrap(),
        "launchpad.net/p"
    );
    assert_eq!(
        root(World::default(), "launchpad.net/p").await.unwrap(),
        "launchpad.net/p"
    );
    let tagged = series().page(
        "https://launchpad.net/p/s?go-get=1",
        &["launchpad.net/p/s git https://e.example/"],
    );
    let tagged = discovery(tagged, options());
    let error = find(&tagged.0, "launchpad.net/p/s").await;
    assert_eq!(
        error.unwrap().root,
        "launchpad.net/p/s",
        "bzr, because git is not allowed"
    );
    let error = root(World::default().unreachable(probe), "launchpad.net/p/s")
        .await
        .unwrap_err();
    assert!(error.to_string().ends_with("404 Not Found"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn many_questions_about_one_repository_cost_one_page_each_while() {
    let tag = "e.example/m git https://git.example/m";
    let world = World::default()
        .page("https://e.example/m?go-get=1", &[tag])
        .page("https://e.example/m/sub?go-get=1", &[tag]);
    let (discovery, world) = discovery(world, DiscoveryOptions::default());
    let all = (0..40).map(|_| find(&discovery, "e.example/m"));
    for found in futures_util::future::join_all(all).await {
        found.unwrap();
    }
    assert_eq!(world.asked.lock().len(), 1);
    find(&discovery, "e.example/m/sub").await.unwrap();
    assert_eq!(
        world.asked.lock().len(),
        2,
        "its own page, and the prefix from memory"
    );
    tokio::time::advance(Duration::from_secs(61)).await;
    find(&discovery, "e.example/m").await.unwrap();
    assert_eq!(world.asked.lock().len(), 3);
    for _ in 0..2 {
        find(&discovery, "e.example/none").await.unwrap_err();
    }
    assert_eq!(world.asked.lock().len(), 5, "failures are not remembered");
}

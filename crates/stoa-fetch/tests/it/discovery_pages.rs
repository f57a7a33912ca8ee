//! Pages over the network: redirects, statuses, bodies, deadlines.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use stoa_fetch::{
    Caller, Context, Deadlines, FetchError, Limits,
    discovery::{
        Discovery, DiscoveryError, DiscoveryOptions, HttpPages, PAGE_LIMIT, Ping, RepoRoot, VcsPolicy,
    },
    outbound::{Address, Rewrite, Rewrites, UrlGuard},
};
use stoa_module::{ModulePath, PatternList};
use stoa_testing::{reply::Reply, upstream::Upstream};
use stoa_vcs::VcsKind;
use tokio_util::task::TaskTracker;

use crate::support::{client, soon};

const TAG: &str = "<meta name=\"go-import\" content=\"e.example/m git https://git.example/m\">";

/// Nothing answers.
#[derive(Debug)]
struct Silence;

#[async_trait]
impl Ping for Silence {
    async fn ping(&self, _: VcsKind, _: &Address, _: &Context) -> Result<bool, FetchError> {
        Ok(false)
    }
}

fn asking() -> Context {
    Context::interactive(Caller::Anonymous)
}

/// Discovery that takes the server for `e.example`.
fn discovery(server: &Upstream, deadlines: &Deadlines) -> Discovery {
    let rewrite = Rewrite::new("https://e.example/", &server.url()).unwrap();
    let options = DiscoveryOptions {
        rewrites: Rewrites::new([rewrite]).unwrap(),
        ..DiscoveryOptions::default()
    };
    let pages = HttpPages::new(client(deadlines, Limits::default()));
    Discovery::new(options, Arc::new(pages), Arc::new(Silence), &TaskTracker::new())
}

async fn find(server: &Upstream) -> Result<RepoRoot, DiscoveryError> {
    let path = ModulePath::parse("e.example/m").unwrap();
    soon(discovery(server, &Deadlines::default()).find(&path, &asking())).await
}

fn html(status: u16, text: &str) -> Reply {
    Reply::full(
        status,
        &[("Content-Type", "text/html; charset=utf-8")],
        text.to_owned(),
    )
}

#[tokio::test]
async fn a_page_is_asked_for_once_and_its_status_counts_only_without_tags() {
    for status in [200, 404, 500] {
        let server = Upstream::start().await;
        server.on("/m", html(status, TAG));
        let found = find(&server).await.unwrap();
        assert_eq!(found.repo.asked.as_str(), "https://git.example/m");
        assert_eq!(server.total(), 1);
        server.on("/m", html(status, "<html></html>"));
        let error = find(&server).await.unwrap_err();
        assert_eq!(error.is_not_exist(), status != 500, "{error:?}");
    }
}

#[tokio::test]
async fn redirects_are_followed_within_what_is_allowed() {
    let server = Upstream::start().await;
    server.on("/m", Reply::Redirect("/moved".to_owned()));
    server.on("/moved", html(200, TAG));
    find(&server).await.unwrap();

    let other = Upstream::start().await;
    other.on_everything(html(200, TAG));
    let port = other.address().port();
    for to in [
        other.url(),
        format!("http://localhost:{port}/"),
        format!("http://2130706433:{port}/"),
        "http://169.254.169.254/latest/meta-data".to_owned(),
    ] {
        server.on("/m", Reply::Redirect(to.clone()));
        let error = find(&server).await.unwrap_err();
        assert!(matches!(error, DiscoveryError::Refused { .. }), "{to}: {error:?}");
        assert!(error.to_string().contains("is not a public host"), "{error}");
    }
    assert_eq!(other.total(), 0, "nobody inside was asked");

    server.on("/m", Reply::Redirect("/m".to_owned()));
    let error = find(&server).await.unwrap_err();
    assert!(
        error.to_string().contains("stopped after 10 redirects"),
        "{error}"
    );
}

#[tokio::test]
async fn redirects_may_lead_inside_where_that_is_allowed() {
    let (server, other) = (Upstream::start().await, Upstream::start().await);
    server.on("/m", Reply::Redirect(other.url()));
    other.on_everything(html(200, TAG));
    let options = DiscoveryOptions {
        rewrites: Rewrites::new([Rewrite::new("https://e.example/", &server.url()).unwrap()]).unwrap(),
        guard: UrlGuard::new(true),
        ..DiscoveryOptions::default()
    };
    let pages = HttpPages::new(client(&Deadlines::default(), Limits::default()));
    let discovery = Discovery::new(options, Arc::new(pages), Arc::new(Silence), &TaskTracker::new());
    soon(discovery.find(&ModulePath::parse("e.example/m").unwrap(), &asking()))
        .await
        .unwrap();
    assert_eq!(other.total(), 1);
}

#[tokio::test]
async fn a_page_is_read_up_to_a_limit() {
    let server = Upstream::start().await;
    server.on("/m", html(200, &format!("{TAG}{}", " ".repeat(2 * PAGE_LIMIT))));
    find(&server).await.unwrap();
    server.on("/m", html(200, &format!("{}{TAG}", " ".repeat(PAGE_LIMIT))));
    let error = find(&server).await.unwrap_err();
    assert!(matches!(error, DiscoveryError::Malformed { .. }), "{error:?}");
    server.on(
        "/m",
        html(200, &format!("{}{TAG}", " ".repeat(PAGE_LIMIT - TAG.len()))),
    );
    find(&server).await.unwrap();
    server.on("/m", Reply::Endless);
    let error = find(&server).await.unwrap_err();
    assert!(matches!(error, DiscoveryError::Malformed { .. }), "{error:?}");
}

#[tokio::test]
async fn pages_that_do_not_come_are_failures() {
    let server = Upstream::start().await;
    let deadlines = Deadlines {
        response: Duration::from_millis(300),
        idle: Duration::from_millis(300),
        ..Deadlines::default()
    };
    let path = ModulePath::parse("e.example/m").unwrap();
    for reply in [
        Reply::Hang,
        Reply::Reset,
        Reply::HangAfterHeaders { announce: 10 },
        Reply::Truncate {
            announce: 1000,
            send: TAG.into(),
        },
        Reply::full(200, &[("Content-Encoding", "gzip")], TAG),
    ] {
        let said = format!("{reply:?}");
        server.on("/m", reply);
        let error = soon(discovery(&server, &deadlines).find(&path, &asking()))
            .await
            .unwrap_err();
        assert!(
            matches!(error, DiscoveryError::Unreachable { .. }),
            "{said}: {error:?}"
        );
        assert!(!FetchError::from(error).is_not_found());
    }
    server.kill();
    let error = find(&server).await.unwrap_err();
    assert!(matches!(error, DiscoveryError::Unreachable { .. }), "{error:?}");
}

#[tokio::test]
async fn an_insecure_path_falls_back_to_http() {
    let (server, dead) = (Upstream::start().await, Upstream::start().await);
    dead.kill();
    server.on("/m", html(200, TAG));
    let rewrite = |from, to: &str| Rewrite::new(from, to).unwrap();
    let rewrites = [
        rewrite("https://e.example", &dead.url()),
        rewrite("http://e.example", &server.url()),
    ];
    let options = DiscoveryOptions {
        rewrites: Rewrites::new(rewrites).unwrap(),
        policy: VcsPolicy::new(
            "".parse().unwrap(),
            PatternList::default(),
            PatternList::parse("e.example"),
        ),
        ..DiscoveryOptions::default()
    };
    let pages = HttpPages::new(client(&Deadlines::default(), Limits::default()));
    let discovery = Discovery::new(options, Arc::new(pages), Arc::new(Silence), &TaskTracker::new());
    let found = soon(discovery.find(&ModulePath::parse("e.example/m").unwrap(), &asking()))
        .await
        .unwrap();
    assert!(found.insecure);
}

//! From paths to repositories: what pages say.

use stoa_fetch::{
    FetchError,
    discovery::{DiscoveryError, DiscoveryOptions},
};

use crate::world::{World, discovery, find, found, policy};

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
                &["whole.example hg https://hg.example/"],
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
        ("whole.example", "whole.example hg https://hg.example/ "),
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
    for status in [200, 400, 401, 403, 404, 410] {
        let error = found(page(status), "e.example/m").await.unwrap_err();
        assert!(error.is_not_exist(), "{status}: {error:?}");
    }
    for status in [204, 408, 429, 500, 503] {
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
    let answered = World::default().status("https://e.example/m?go-get=1", 500).page(
        "http://e.example/m?go-get=1",
        &["e.example/m git http://e.example/m"],
    );
    let (insecure, asked) = discovery(answered, options());
    find(&insecure, "e.example/m").await.unwrap_err();
    assert_eq!(asked.asked.lock().len(), 1, "a failing server has answered");

    let redirected = World::default().refused("https://e.example/m?go-get=1").page(
        "http://e.example/m?go-get=1",
        &["e.example/m git http://e.example/m"],
    );
    let (insecure, asked) = discovery(redirected, options());
    let error = find(&insecure, "e.example/m").await.unwrap_err();
    assert!(matches!(error, DiscoveryError::Refused { .. }), "{error:?}");
    assert_eq!(
        asked.asked.lock().len(),
        1,
        "what is refused is not asked for in another way"
    );
}

//! From paths to repositories: what comes before and after the pages.

use std::time::Duration;

use stoa_fetch::{
    discovery::{DiscoveryError, DiscoveryOptions, Mapping, Mappings},
    outbound::{NamedModules, Rewrite, Rewrites},
};
use stoa_module::PatternList;

use crate::world::{World, discovery, find, policy};

#[tokio::test]
async fn a_well_known_host_is_not_asked() {
    let (discovery, world) = discovery(World::default(), DiscoveryOptions::default());
    let found = find(&discovery, "github.com/a/b/c/v2").await.unwrap();
    assert_eq!(
        (found.root.as_str(), found.repo.asked.as_str()),
        ("github.com/a/b", "https://github.com/a/b")
    );
    for path in ["github.com/a", "github.com/a/b.git", "example.net/x"] {
        let error = find(&discovery, path).await.unwrap_err();
        assert!(error.is_not_exist(), "{error}");
    }
    assert!(world.asked.lock().is_empty());
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
        (found.root.as_str(), found.repo.asked.as_str()),
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
        (found.repo.asked.as_str(), found.insecure),
        ("http://e.example/h", true)
    );
    asked.asked.lock().clear();
    assert_eq!(
        find(&insecure, "e.example/f.fossil")
            .await
            .unwrap()
            .repo
            .asked
            .as_str(),
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
        modules: NamedModules::new([&PatternList::parse("t.example,u.example")]),
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
        )
        .page(
            "https://v.example/?go-get=1",
            &["v.example git https://10.0.0.5/v"],
        );
    let (discovery, _) = discovery(world, options());
    let mapped = find(&discovery, "e.example/m/x").await.unwrap();
    assert_eq!(
        (mapped.root.as_str(), mapped.subdir.as_str()),
        ("e.example/m", "sub")
    );
    assert_eq!(mapped.repo.asked.as_str(), "https://10.0.0.5/m");
    for (path, want) in [
        ("github.com/a/b", "http://10.0.0.6/github/a/b"),
        ("r.example/x", "http://10.0.0.7:8080/r/git/x"),
        ("t.example", "https://10.0.0.5/t"),
    ] {
        assert_eq!(find(&discovery, path).await.unwrap().repo.asked.as_str(), want);
    }
    for (path, why) in [
        ("u.example", "nothing names that port"),
        ("v.example", "nothing names that module"),
    ] {
        let error = find(&discovery, path).await.unwrap_err();
        assert!(
            matches!(error, DiscoveryError::Refused { .. }),
            "{why}: {error:?}"
        );
    }
}

#[tokio::test]
async fn mappings_and_rewrites_are_held_to_the_policy_and_the_schemes() {
    let mapping = |prefix, vcs| Mapping::new(prefix, vcs, "https://s.example/x", "").unwrap();
    let options = DiscoveryOptions {
        mappings: Mappings::new([mapping("m.example/svn", "svn"), mapping("m.example/hg", "hg")]).unwrap(),
        rewrites: Rewrites::new([Rewrite::new("https://s.example", "git://t.example").unwrap()]).unwrap(),
        ..DiscoveryOptions::default()
    };
    let (discovery, _) = discovery(World::default(), options);
    for (path, want) in [
        (
            "m.example/svn",
            "GOVCS disallows using svn for public m.example/svn",
        ),
        (
            "m.example/hg",
            "repository https://s.example/x: scheme \"git\" is none of those for hg",
        ),
    ] {
        let error = find(&discovery, path).await.unwrap_err();
        assert!(matches!(error, DiscoveryError::Refused { .. }), "{error:?}");
        assert!(error.to_string().contains(want), "{error}");
    }
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

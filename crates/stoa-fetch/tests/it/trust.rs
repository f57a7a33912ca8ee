//! What a repository may be asked with: trust follows the module, not the URL.

use stoa_fetch::{
    discovery::{DiscoveryError, DiscoveryOptions, Mapping, Mappings},
    outbound::{NamedModules, Rewrite, Rewrites, Trust},
};
use stoa_module::PatternList;

use crate::world::{World, discovery, find, policy};

/// A page for each module, some of which a redirect led elsewhere.
fn world() -> World {
    let mut world = World::default()
        .repository("git https://named.example/r")
        .repository("git https://part.example/git/x")
        .repository("git https://stranger.example/r");
    for (path, tag) in [
        ("named.example/vanity", "git https://git.named.example/secret"),
        ("named.example/proxied", "mod https://proxy.named.example"),
        ("named.example/hub", "git https://github.com/corp/x"),
        ("stranger.example/x", "git https://git.named.example/secret"),
        ("stranger.example/hub", "git https://github.com/corp/x"),
        ("stranger.example/port", "git https://placed.example:8443/x"),
        ("stranger.example/mod", "mod https://proxy.named.example"),
        ("placed.example/own", "git https://placed.example/x"),
        ("placed.example/other", "git https://git.named.example/secret"),
        ("placed.example/port", "git https://placed.example:8443/x"),
        ("sub.named.example/x", "git https://git.named.example/secret"),
        ("part.example/~tenant/x", "git https://part.example/git/secret"),
    ] {
        world = world.page(&format!("https://{path}?go-get=1"), &[&format!("{path} {tag}")]);
    }
    let root = "named.example/root git https://git.named.example/secret";
    world
        .page("https://named.example/root?go-get=1", &[root])
        .page("https://named.example/root/sub?go-get=1", &[root])
        .strayed("https://named.example/hub?go-get=1")
}

fn options() -> DiscoveryOptions {
    let rewrite = |from: &str| Rewrite::new(from, from).unwrap();
    DiscoveryOptions {
        mappings: Mappings::new([
            Mapping::new("mapped.example", "git", "https://git.named.example/m", "").unwrap(),
        ])
        .unwrap(),
        rewrites: Rewrites::new([
            rewrite("https://github.com/"),
            rewrite("https://placed.example/"),
            rewrite("https://placed.example:8443/"),
            rewrite("https://part.example/git"),
        ])
        .unwrap(),
        modules: NamedModules::new([&PatternList::parse("named.example,github.com/corp/*,*")]),
        ..DiscoveryOptions::default()
    }
}

#[tokio::test]
async fn trust_follows_the_module() {
    let (discovery, _) = discovery(world(), options());
    for (path, want) in [
        ("mapped.example/x", Trust::Named),
        ("github.com/corp/x", Trust::Named),
        ("github.com/others/x", Trust::Placed),
        ("named.example/r.git", Trust::Named),
        ("stranger.example/r.git", Trust::Stranger),
        ("named.example/vanity", Trust::Named),
        ("named.example/proxied", Trust::Named),
        ("named.example/root/sub", Trust::Named),
        ("named.example/hub", Trust::Stranger),
        ("stranger.example/x", Trust::Stranger),
        ("stranger.example/hub", Trust::Stranger),
        ("stranger.example/mod", Trust::Stranger),
        ("stranger.example/port", Trust::Stranger),
        ("placed.example/own", Trust::Placed),
        ("placed.example/other", Trust::Stranger),
        ("placed.example/port", Trust::Stranger),
        ("sub.named.example/x", Trust::Stranger),
        // The page is not where the configuration says anything is.
        ("part.example/~tenant/x", Trust::Stranger),
        ("part.example/git/x.git", Trust::Placed),
    ] {
        let found = find(&discovery, path).await.unwrap();
        assert_eq!(found.repo.trust, want, "{path}: {found:?}");
    }
}

#[tokio::test]
async fn what_does_not_encrypt_is_named_by_insecure_paths_only() {
    for (kind, repo) in [
        ("git", "http://e.example/m"),
        ("git", "git://e.example/m"),
        ("hg", "http://e.example/m"),
        ("svn", "http://e.example/m"),
        ("svn", "svn://e.example/m"),
        ("bzr", "http://e.example/m"),
        ("bzr", "bzr://e.example/m"),
        ("fossil", "http://e.example/m"),
        ("mod", "http://e.example/m"),
    ] {
        let tag = format!("e.example/m {kind} {repo}");
        let world = || World::default().page("https://e.example/m?go-get=1", &[&tag]);
        let options = |insecure| DiscoveryOptions {
            policy: policy("public:all", "", insecure),
            ..DiscoveryOptions::default()
        };
        let (secure, _) = discovery(world(), options("other.example"));
        let error = find(&secure, "e.example/m").await.unwrap_err();
        assert!(
            matches!(error, DiscoveryError::Refused { .. }),
            "{tag}: {error:?}"
        );
        assert!(error.to_string().contains("is not in vcs.insecure"), "{error}");
        let (insecure, _) = discovery(world(), options("e.example"));
        assert_eq!(
            find(&insecure, "e.example/m")
                .await
                .unwrap()
                .repo
                .asked
                .as_str()
                .trim_end_matches('/'),
            repo
        );
    }
    for (kind, repo) in [
        ("git", "ssh://git@e.example/m"),
        ("git", "git+ssh://e.example/m"),
        ("svn", "svn+ssh://e.example/m"),
        ("bzr", "bzr+ssh://e.example/m"),
        ("hg", "https://e.example/m"),
    ] {
        let tag = format!("e.example/m {kind} {repo}");
        let world = World::default().page("https://e.example/m?go-get=1", &[&tag]);
        let options = DiscoveryOptions {
            policy: policy("public:all", "", ""),
            ..DiscoveryOptions::default()
        };
        find(&discovery(world, options).0, "e.example/m").await.unwrap();
    }
}

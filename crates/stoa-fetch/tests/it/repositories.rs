//! Which repositories are opened, and what is said where none can be.

use std::time::Duration;

use stoa_fetch::{
    Deadlines, Limits, OpenRepository as _, Repositories, RepositoriesOptions, outbound::Address,
};
use stoa_vcs::{
    VcsKind,
    process::{Places, ProgramLimits},
};

use crate::support::client;

fn address(url: &str) -> Address {
    Address::of_stranger(url.parse().unwrap())
}

fn repositories(cache: Option<&std::path::Path>) -> Repositories {
    let options = RepositoriesOptions {
        refs: std::sync::Arc::new(stoa_vcs::git::RefsMemory::new(1 << 20, 1000)),
        cache: cache.map(Into::into),
        cache_setting: "vcs.cache",
        cache_size: 1 << 20,
        silence: Duration::from_secs(30),
        freshness: Duration::ZERO,
        renewal: stoa_vcs::Renewal::default(),
        git_counters: std::sync::Arc::default(),
        places: Places::default(),
        limits: ProgramLimits::default(),
        authorities: None,
    };
    Repositories::new(options, client(&Deadlines::default(), Limits::default()))
}

#[tokio::test]
async fn every_system_is_opened_by_its_own_schemes() {
    let dir = tempfile::tempdir().unwrap();
    let repositories = repositories(Some(dir.path()));
    let all = [
        "https", "http", "git", "ssh", "svn", "svn+ssh", "bzr", "bzr+ssh", "file", "ext",
    ];
    for (vcs, want) in [
        (VcsKind::Git, "https http git ssh"),
        (VcsKind::Hg, "https http ssh"),
        (VcsKind::Svn, "https http svn svn+ssh"),
        (VcsKind::Bzr, "https http bzr bzr+ssh"),
        (VcsKind::Fossil, "https http"),
    ] {
        let opens = |scheme: &&&str| {
            let address = address(&format!("{scheme}://h.example/r"));
            let opened = repositories.open(vcs, &address);
            opened.is_ok_and(|opened| opened.vcs() == vcs && opened.url() == address.named.as_str())
        };
        let opened: Vec<_> = all.iter().filter(opens).copied().collect();
        assert_eq!(opened.join(" "), want, "{vcs}");
    }
}

#[tokio::test]
async fn without_a_place_for_copies_the_setting_is_named() {
    let address = address("https://h.example/r");
    for vcs in VcsKind::ALL {
        let error = repositories(None).open(vcs, &address).expect_err("no place");
        assert!(error.to_string().contains("set vcs.cache"), "{error}");
    }
}

//! Servers that fall silent in the middle of what they say.

use std::time::{Duration, Instant};

use stoa_testing::relay::{Relay, Trouble};
use stoa_vcs::cache::Cache;
use stoa_vcs::{VcsError, VcsKind};

use crate::faults::{Servers, System};

/// How long the servers may be silent.
const SILENCE: Duration = Duration::from_secs(2);

async fn a_silent_server_is_left(system: System, trouble: Trouble) {
    let servers = Servers::start(system);
    let relay = Relay::start(servers.new.clone());
    let cache = Cache::open(servers.work.path("cache"), 1 << 30).expect("a cache");
    let mut options = servers.work.options();
    options.silence = SILENCE;
    let counters = std::sync::Arc::clone(&options.runner.counters);
    let repository = system.open(&relay, cache, options);
    relay.set(trouble);
    let began = Instant::now();
    let (first, second) = tokio::join!(repository.latest(), repository.tags(""));
    for error in [first.err(), second.err()] {
        let is_timeout = matches!(error, Some(VcsError::Timeout { after, .. }) if after == SILENCE);
        assert!(is_timeout, "{system:?}: {error:?}");
    }
    // The programs begin slowly where many run.
    let took = began.elapsed();
    assert!(took >= SILENCE && took < 20 * SILENCE, "{system:?}: {took:?}");
    if system.is_copied() {
        let fetches = ["pull", "branch", "clone"].map(|kind| counters.get(kind));
        assert_eq!(
            fetches.iter().sum::<u64>(),
            1,
            "{system:?}: each waited for itself"
        );
        let folders = || servers.work.copies();
        assert!(
            stoa_vcs::conformance::until(|| folders().is_empty()),
            "{system:?}: {:?}",
            folders()
        );
    }
    relay.set(Trouble::Nothing);
    assert!(repository.vcs() != VcsKind::Git);
    repository.latest().await.expect("it speaks again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_mercurial_server_is_left() {
    a_silent_server_is_left(System::Hg, Trouble::StallAnswer(2, 300)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_subversion_server_is_left() {
    a_silent_server_is_left(System::Svn, Trouble::Stall(100)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_bazaar_server_is_left() {
    a_silent_server_is_left(System::Bzr, Trouble::Stall(600)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_web_server_with_a_branch_is_left() {
    a_silent_server_is_left(System::BzrFiles, Trouble::StallAnswer(3, 20)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_fossil_server_is_left() {
    a_silent_server_is_left(System::Fossil, Trouble::StallAnswer(1, 200)).await;
}

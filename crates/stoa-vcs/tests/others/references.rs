//! Branches of Bazaar that are, or are stacked on, another one.

use std::fs;

use stoa_vcs::conformance::Workspace;
use stoa_vcs::{BzrRepository, Repository, VcsError};

use crate::guarded::{Behind, Guard};

/// A branch that nobody serves; one that says it is that one, and one that has its history there.
const SCRIPT: &str = "mkdir served; bzr init -q secret; cd secret; echo a >a; bzr add -q; bzr commit -qm one; bzr tag -q v1.0.0; \
     cd ..; bzr branch -q secret served/shown; bzr branch -q --stacked secret served/stacked; \
     mkdir -p served/same/.bzr/branch; cp secret/.bzr/branch-format served/same/.bzr/; \
     printf 'Bazaar-NG Branch Reference Format 1\\n' >served/same/.bzr/branch/format; \
     printf 'file://%s/secret' \"$PWD\" >served/same/.bzr/branch/location";

#[tokio::test(flavor = "multi_thread")]
async fn a_branch_leads_to_no_place_but_its_server() {
    let work = Workspace::new();
    work.script(SCRIPT);
    let served = work.path("repo/served");
    let guard = Guard::open_to_all(Behind::Files(served.clone()));
    let open = |name: &str| {
        let url = format!("{}/{name}", guard.base);
        BzrRepository::open(&url, work.cache(), work.options()).expect("an address")
    };
    open("shown").latest().await.expect("a branch of its own");
    for name in ["same", "stacked"] {
        let error = open(name).latest().await.expect_err("it is elsewhere");
        let VcsError::Failed { said, .. } = &error else {
            panic!("{error}");
        };
        assert!(said.contains("another place than its server"), "{name}: {said}");
    }
    // On the same server both may be.
    let here = format!("{}/shown", guard.base);
    fs::write(served.join("same/.bzr/branch/location"), &here).expect("a file");
    let stacked = format!("stacked_on_location = {here}\n");
    fs::write(served.join("stacked/.bzr/branch/branch.conf"), stacked).expect("a file");
    for name in ["same", "stacked"] {
        let tags = open(name).tags("").await.expect("it is here").list;
        assert_eq!(tags.len(), 1, "{name}: {tags:?}");
    }
    // A branch that was one of its own, and is another one at the next look.
    let shown = open("shown");
    let secret = format!("file://{}", work.path("repo/secret").display());
    fs::write(served.join("same/.bzr/branch/location"), secret).expect("a file");
    let folder = served.join("shown/.bzr/branch");
    for file in ["format", "location"] {
        fs::copy(served.join("same/.bzr/branch").join(file), folder.join(file)).expect("a file");
    }
    shown.tags("").await.expect_err("it has become a reference");
}

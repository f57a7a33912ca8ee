//! What fetches leave that fail: nothing.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use stoa_testing::git_http::{Fault, Manner};
use stoa_testing::small_disk::{again_on, used};
use stoa_vcs::cache::Cache;
use stoa_vcs::{Repository as _, VcsError};

use crate::fixture::{Fixture, entries};

/// The room on the disk.
const ROOM: u64 = 6 << 20;

fn temporary(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut found = Vec::new();
    for entry in entries {
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.path().is_dir() {
            found.extend(temporary(&entry.path()));
        } else if name.starts_with("tmp_") || entry.path().extension().is_some_and(|ending| ending == "lock")
        {
            found.push(name);
        }
    }
    found
}

#[test]
fn a_fetch_that_fills_the_disk_gives_the_room_back() {
    let Some(disk) = again_on("leftovers::a_fetch_that_fills_the_disk_gives_the_room_back", ROOM) else {
        return;
    };
    let large = Fixture::of(&format!(
        "git init -q -b main work; cd work; head -c {} /dev/urandom >big; save 2020-01-01T00:00:01Z; git tag v1.0.0",
        2 * ROOM
    ));
    let small = Fixture::of(
        "git init -q -b main work; cd work; head -c 100000 /dev/urandom >big; save 2020-01-01T00:00:01Z; git tag v1.0.0",
    );
    let cache = Cache::open(&disk, 1 << 30).expect("a cache");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let read = |fixture: &Fixture| {
        let repository = fixture.open_with(Arc::clone(&cache), fixture.options());
        runtime.block_on(async {
            let at = repository.stat("v1.0.0").await?.id;
            let archive = repository.archive(&at, "", 1 << 30).await?;
            Ok::<_, VcsError>(entries(archive).len())
        })
    };
    let error = read(&large).expect_err("no room");
    assert!(error.is_full(), "{error:?}");
    assert_eq!(temporary(&disk), [""; 0]);
    assert!(used(&disk) < ROOM / 4, "{} bytes are left", used(&disk));
    assert_eq!(read(&small), Ok(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fetch_that_is_cut_short_leaves_nothing() {
    let fixture = Fixture::new();
    let repository = fixture.open();
    let at = repository.stat("v1.0.0").await.expect("a tag").id;
    // Each answer in turn ends in its middle, with a pack half arrived.
    for request in 0..3 {
        fixture.server.clear();
        fixture.server.set(Manner::Fault(request, Fault::Break(60)));
        let _ = repository.archive(&at, "", 1 << 30).await.map(drop);
        assert_eq!(temporary(&fixture.dir.path().join("cache")), [""; 0], "{request}");
    }
}

//! Many fetches leave few packs, and caches beside a cache leave nothing.

use std::fs;
use std::time::Duration;

use stoa_vcs::Repository as _;
use stoa_vcs::cache::Cache;

use crate::fixture::{Fixture, text};

#[tokio::test]
async fn packs_stay_few() {
    let fixture = Fixture::of(
        "git init -q -b main work; cd work
         for i in $(seq 100 199); do echo $i > go.mod; save 2020-01-01T00:00:00; git tag v1.$i.0; done",
    );
    let repository = fixture.open();
    let key = Cache::key(repository.vcs(), repository.url());
    let place = fixture.dir.path().join("cache/repositories").join(key);
    let packs = || {
        let entries = fs::read_dir(place.join("objects/pack")).expect("packs").flatten();
        entries
            .filter(|entry| entry.path().extension().is_some_and(|e| e == "pack"))
            .count()
    };
    let mut most = 0;
    for i in 100..200 {
        assert_eq!(
            text(&repository, &format!("v1.{i}.0"), "go.mod").await,
            Some(format!("{i}\n"))
        );
        most = most.max(packs());
    }
    println!(
        "at most {most} packs, {} at the end; counted {:?}",
        packs(),
        fixture.counters.all()
    );
    assert!(fixture.counters.get("repack") >= 3);
    assert!(most < 120, "200 fetches made {most}");
    for i in 100..200 {
        assert_eq!(
            text(&repository, &format!("v1.{i}.0"), "go.mod").await,
            Some(format!("{i}\n"))
        );
    }
    // All of it is still what git takes for a repository.
    let at = repository.stat("v1.199.0").await.expect("a tag").id;
    assert!(
        repository
            .descends_from(&at, "v1.100.0")
            .await
            .expect("an answer")
    );
    assert_eq!(
        (fixture.counters.get("clone"), fixture.counters.get("discard")),
        (1, 0)
    );
}

#[tokio::test]
async fn a_second_cache_is_private_and_leaves_nothing() {
    let fixture = Fixture::new();
    let root = fixture.dir.path().join("cache");
    let first = Cache::open_or_private(&root, 1 << 30).expect("a cache");
    let second = Cache::open_or_private(&root, 1 << 30).expect("another");
    let third = Cache::open_or_private(&root, 1 << 30).expect("one more");
    let mut options = fixture.options();
    options.idle = Duration::from_millis(1);
    for cache in [&first, &second, &third] {
        let repository = fixture.open_with(cache.clone(), options.clone());
        repository.stat("v1.0.0").await.expect("a tag");
    }
    assert_eq!(fixture.counters.get("clone"), 3);
    let private = || fs::read_dir(root.join("private")).expect("a folder").count();
    assert_eq!(private(), 2);
    drop((second, third));
    while private() > 0 {
        tokio::task::yield_now().await;
    }
    // What a process that was killed has left.
    fs::create_dir(root.join("private/cache-x")).expect("writable");
    fs::write(root.join("private/cache-x/lock"), "").expect("writable");
    let _fourth = Cache::open_or_private(&root, 1 << 30).expect("another");
    assert_eq!(private(), 1);
}

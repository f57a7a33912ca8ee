//! The local copies: made once, kept in bounds, never broken.

use std::sync::Arc;
use std::time::Duration;

use stoa_testing::git_http::Manner;
use stoa_vcs::cache::Cache;
use stoa_vcs::git::{GitRepository, RepoUrl};
use stoa_vcs::{Repository, RevisionId, VcsError};

use crate::fixture::{Fixture, text};

#[tokio::test]
async fn parallel_questions_share_one_clone() {
    let fixture = Fixture::new();
    let cache = fixture.cache();
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let repository = fixture.open_with(Arc::clone(&cache), fixture.options());
        tasks.spawn(async move { repository.stat("v1.1.0").await.expect("a tag").id });
    }
    let ids = tasks.join_all().await;
    assert!(ids.iter().all(|id| *id == ids[0]));
    println!("counted {:?}", fixture.counters.all());
    assert_eq!(fixture.counters.get("ls-remote"), 1);
    assert_eq!(fixture.counters.get("clone"), 1);
    assert_eq!(fixture.counters.get("fetch"), 1);
}

#[tokio::test]
async fn parallel_readers_share_one_fetch() {
    let fixture = Fixture::new();
    let repository = Arc::new(fixture.open());
    let at = repository.stat("v1.1.0").await.expect("a tag").id;
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..10 {
        let (repository, at) = (Arc::clone(&repository), at.clone());
        tasks.spawn(async move { repository.read_file(&at, "go.mod", 100).await.expect("readable") });
    }
    assert!(
        tasks
            .join_all()
            .await
            .into_iter()
            .all(|file| file.expect("there") == "module m\n")
    );
    assert_eq!(fixture.counters.get("fetch-objects"), 1);
    assert_eq!(fixture.counters.get("cat-file"), 1);
}

#[tokio::test]
async fn twenty_tags_cost_one_clone_and_one_list() {
    let fixture = Fixture::of(
        "git init -q -b main work; cd work; noise > big
         for i in $(seq 10 29); do echo $i > go.mod; save 2020-01-01T00:00:$i; git tag v1.$i.0; done",
    );
    let repository = fixture.open();
    for i in 10..30 {
        let tag = format!("v1.{i}.0");
        assert_eq!(text(&repository, &tag, "go.mod").await, Some(format!("{i}\n")));
    }
    println!(
        "counted {:?}, sent {}",
        fixture.counters.all(),
        fixture.server.sent()
    );
    assert_eq!(fixture.counters.get("ls-remote"), 1);
    assert_eq!(fixture.counters.get("clone"), 1);
    assert_eq!(fixture.counters.get("cat-file"), 1);
    assert!(fixture.server.sent() < 60_000);
}

#[tokio::test]
async fn what_is_newer_than_what_is_known_is_found_at_once() {
    let fixture = Fixture::of(
        "git init -q -b main work; cd work; echo 1 > f; save 2020-01-01T00:00:00; git tag v1.0.0",
    );
    let mut options = fixture.options();
    options.freshness = Duration::from_secs(600);
    let repository = fixture.open_with(fixture.cache(), options);
    repository.tags("").await.expect("a list");
    for n in 1..=3 {
        let tag = format!("v1.{n}.0");
        fixture.sh(&format!(
            "cd work; echo {n} >> f; save 2020-02-01T00:00:0{n}; git tag {tag}; git branch side{n}; cd ..; push"
        ));
        let hash = fixture.hash(&tag);
        let asked = match n {
            1 => tag,
            2 => format!("side{n}"),
            _ => hash[..12].to_owned(),
        };
        let found = repository.stat(&asked).await.expect(&asked);
        assert_eq!(found.id.as_str(), hash, "{asked}");
    }
    let asked = fixture.counters.get("ls-remote");
    // What there is not is asked for once more each time, and not twice.
    for _ in 0..3 {
        let error = repository.stat("v9.9.9").await.expect_err("no such tag");
        assert!(matches!(error, VcsError::UnknownRevision { .. }), "{error}");
    }
    assert_eq!(fixture.counters.get("ls-remote") - asked, 3);
    repository.stat("v1.1.0").await.expect("known by now");
    assert_eq!(fixture.counters.get("ls-remote") - asked, 3, "and believed");
}

#[tokio::test]
async fn later_fetches_move_only_deltas() {
    let fixture = Fixture::of(
        "git init -q -b main work; cd work; for i in $(seq 1000 1299); do echo $i > f; save 2020-01-01T00:00:00; done; git tag v1.0.0",
    );
    let mut options = fixture.options();
    options.freshness = Duration::ZERO;
    let repository = fixture.open_with(fixture.cache(), options);
    let first = fixture.hash("main~299");
    let at = repository.stat(&first).await.expect("history").id;
    let whole = fixture.server.sent();
    fixture.sh("cd work; echo new > f; save 2020-03-01T00:00:00; git tag v1.1.0; cd ..; push");
    fixture.server.clear();
    let tagged = repository.stat("v1.1.0").await.expect("a tag").id;
    assert_eq!(text(&repository, "v1.1.0", "f").await.as_deref(), Some("new\n"));
    assert!(!repository.descends_from(&at, "v1.1.0").await.expect("an answer"));
    assert!(
        repository
            .descends_from(&tagged, "v1.0.0")
            .await
            .expect("an answer")
    );
    let delta = fixture.server.sent();
    println!(
        "{whole} bytes at first, {delta} later; counted {:?}",
        fixture.counters.all()
    );
    assert!(whole > 20_000 && delta < 10_000, "{whole} then {delta}");
    assert_eq!(fixture.counters.get("clone"), 1);
}

#[tokio::test]
async fn a_fetch_that_is_killed_leaves_nothing_broken() {
    let fixture = Fixture::new();
    let cache = reopen(&fixture, 1 << 30).await;
    let repository = fixture.open_with(Arc::clone(&cache), fixture.options());
    repository.tags("").await.expect("tags");
    fixture.server.set(Manner::HangPacks);
    let killed = tokio::time::timeout(Duration::from_millis(400), repository.stat("v1.0.0")).await;
    assert!(killed.is_err());
    fixture.server.set(Manner::Serve);
    // What git leaves when it is killed at its worst moments.
    let path = fixture
        .dir
        .path()
        .join("cache/repositories")
        .join(Cache::key(repository.vcs(), repository.url()));
    for lock in [
        "shallow.lock",
        "packed-refs.lock",
        "objects/pack/tmp_pack_x",
        "refs/stoa.lock",
    ] {
        std::fs::write(path.join(lock), "").expect("writable");
    }
    let at = repository.stat("v1.0.0").await.expect("it goes on").id;
    assert!(!path.join("shallow.lock").try_exists().expect("readable"));
    drop((repository, cache));

    // And when all of us is killed.
    std::fs::write(path.join("shallow.lock"), "").expect("writable");
    let half = path.with_file_name("new.7");
    std::fs::create_dir(&half).expect("writable");
    std::fs::remove_dir_all(path.join("refs")).expect("writable");
    let cache = reopen(&fixture, 1 << 30).await;
    assert!(!half.try_exists().expect("readable"));
    let repository = fixture.open_with(cache, fixture.options());
    assert_eq!(
        repository
            .read_file(&at, "a.txt", 10)
            .await
            .expect("readable")
            .expect("there"),
        "a\n"
    );
    repository.stat("v1.9.0").await.expect("it fetches");
}

#[tokio::test]
async fn what_a_killed_process_left_for_programs_goes_without_opening_the_cache() {
    let folder = tempfile::tempdir().expect("a folder");
    let root = folder.path().join("cache");
    Cache::clear_leftovers(&root).expect("there is none yet");
    assert!(!root.try_exists().expect("readable"), "nothing is made");
    let cache = Cache::open(&root, 1 << 30).expect("opens");
    let secret = cache.sessions().join("git-x/.git-credentials");
    std::fs::create_dir(secret.parent().expect("a folder")).expect("writable");
    std::fs::write(&secret, "https://user:secret@host").expect("writable");
    Cache::clear_leftovers(&root).expect("left alone");
    assert!(secret.try_exists().expect("readable"), "another process has it");
    drop(cache);
    Cache::clear_leftovers(&root).expect("cleared");
    assert!(!secret.try_exists().expect("readable"));
    assert!(root.join("repositories").try_exists().expect("readable"));
}

/// Opens the cache once the tasks that use it have ended.
async fn reopen(fixture: &Fixture, limit: u64) -> Arc<Cache> {
    loop {
        match Cache::open(fixture.dir.path().join("cache"), limit) {
            Ok(cache) => return cache,
            Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::WouldBlock),
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_cache_has_one_owner() {
    let fixture = Fixture::of("git init -q work");
    let first = Cache::open(fixture.dir.path().join("cache"), 1).expect("a cache");
    let error = Cache::open(fixture.dir.path().join("cache"), 1).expect_err("it is open");
    assert_eq!(error.kind(), std::io::ErrorKind::WouldBlock);
    drop(first);
    // A program that another test starts at this moment has a copy of the lock until it has been executed.
    let until = std::time::Instant::now() + Duration::from_secs(10);
    while Cache::open(fixture.dir.path().join("cache"), 1).is_err() {
        assert!(std::time::Instant::now() < until, "it stays locked");
        std::thread::yield_now();
    }
}

#[tokio::test]
async fn what_was_not_used_for_longest_goes_first() {
    let fixture = Fixture::new();
    fixture.sh("for i in 1 2 3; do cp -r srv/r.git srv/r$i.git; done");
    let cache = Cache::open(fixture.dir.path().join("cache"), 1 << 30).expect("a cache");
    let open = |name: &str| {
        let url = format!("{}/{name}.git", fixture.server.url());
        let mut options = fixture.options();
        options.idle = Duration::from_millis(1);
        GitRepository::open(RepoUrl::parse(&url).expect("a URL"), Arc::clone(&cache), options)
            .expect("a handle")
    };
    let one = open("r1");
    one.stat("v1.1.0").await.expect("a tag");
    let size = cache.size();
    assert!(size > 0);
    drop((one, cache));
    // Room for two of them.
    let cache = reopen(&fixture, size * 5 / 2).await;
    assert_eq!(cache.size(), size);
    let open = |name: &str| {
        let url = format!("{}/{name}.git", fixture.server.url());
        let mut options = fixture.options();
        options.idle = Duration::from_millis(1);
        GitRepository::open(RepoUrl::parse(&url).expect("a URL"), Arc::clone(&cache), options)
            .expect("a handle")
    };
    let there = |name: &str| {
        let key = Cache::key(
            stoa_vcs::VcsKind::Git,
            &format!("{}/{name}.git", fixture.server.url()),
        );
        fixture
            .dir
            .path()
            .join("cache/repositories")
            .join(key)
            .try_exists()
            .expect("readable")
    };
    let (two, three) = (open("r2"), open("r3"));
    two.stat("v1.1.0").await.expect("a tag");
    assert!(there("r1") && there("r2"));
    three.stat("v1.1.0").await.expect("a tag");
    while there("r1") {
        tokio::task::yield_now().await;
    }
    assert!(there("r2") && there("r3"));
    // What went is fetched again, also for a commit that was resolved before.
    let at = RevisionId::new(fixture.hash("v1.0.0")).expect("an id");
    let file = open("r1").read_file(&at, "a.txt", 10).await.expect("readable");
    assert_eq!(file.expect("there"), "a\n");
}

#[tokio::test]
async fn a_repository_that_is_too_large_is_not_fetched_to_the_end() {
    let fixture = Fixture::new();
    let mut options = fixture.options();
    options.largest = 10;
    let repository = fixture.open_with(fixture.cache(), options);
    let error = repository
        .stat("v1.0.0")
        .await
        .expect_err("everything is too large");
    assert!(matches!(error, VcsError::TooLarge { limit: 10, .. }), "{error}");
}

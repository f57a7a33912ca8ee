//! From revision strings to commits.

use std::time::{Duration, UNIX_EPOCH};

use stoa_vcs::{Repository, RevisionId, VcsError};

use crate::fixture::Fixture;

fn is_unknown<T>(answer: &Result<T, VcsError>) -> bool {
    matches!(answer, Err(VcsError::UnknownRevision { .. }))
}

#[tokio::test]
async fn lists_tags_without_a_clone() {
    let fixture = Fixture::new();
    let repository = fixture.open();
    let tags = repository.tags("v1.").await.expect("tags");
    let names: Vec<&str> = tags.list.iter().map(|tag| tag.name.as_str()).collect();
    assert_eq!(names, ["v1.0.0", "v1.1.0", "v1.9.0"]);
    assert_eq!(tags.list[1].hash, Some(fixture.hash("v1.1.0")));
    assert!(tags.repo_sum.expect("a sum").starts_with("r1:"));
    assert_eq!(repository.tags("sub/").await.expect("tags").list.len(), 1);
    assert_eq!(fixture.counters.get("ls-remote"), 1);
    assert_eq!(fixture.counters.get("clone"), 0);
}

#[tokio::test]
async fn resolves_tags_branches_and_head() {
    let fixture = Fixture::new();
    let repository = fixture.open();
    let tag = repository.stat("v1.1.0").await.expect("an annotated tag");
    assert_eq!(tag.id.as_str(), fixture.hash("v1.1.0"));
    assert_eq!(tag.short, fixture.hash("v1.1.0")[..12]);
    assert_eq!(tag.version, "v1.1.0");
    assert_eq!(tag.reference.as_deref(), Some("refs/tags/v1.1.0"));
    // The committer's time, not the author's or the tagger's.
    assert_eq!(tag.time, UNIX_EPOCH + Duration::from_secs(1_577_916_002));
    assert_eq!(tag.tags, ["v1.1.0"]);

    let both = repository.stat("both").await.expect("a tag before a branch");
    assert_eq!(both.reference.as_deref(), Some("refs/tags/both"));
    assert_eq!(both.tags, ["both", "v1.0.0", "zeta"]);
    let branch = repository
        .stat("v1.2.3")
        .await
        .expect("a branch named like a tag");
    assert_eq!(branch.reference.as_deref(), Some("refs/heads/v1.2.3"));
    assert_eq!(branch.version, fixture.hash("v1.0.0"));
    let hex = repository
        .stat("abcdef1234")
        .await
        .expect("a branch named like a hash");
    assert_eq!(hex.id.as_str(), fixture.hash("v1.1.0"));
    let head = repository.stat("HEAD").await.expect("HEAD");
    assert_eq!(head.reference.as_deref(), Some("HEAD"));
    assert_eq!(repository.latest().await.expect("HEAD"), head);
    assert_eq!(head.id.as_str(), fixture.hash("main"));
    assert_eq!(fixture.counters.get("ls-remote"), 1);
    assert_eq!(fixture.counters.get("clone"), 1);
}

#[tokio::test]
async fn resolves_hashes_of_refs_and_of_history() {
    let fixture = Fixture::new();
    let repository = fixture.open();
    let (tag, merge) = (fixture.hash("v1.1.0"), fixture.hash("main~1"));
    for length in [7, 12, 40] {
        let found = repository.stat(&tag[..length]).await.expect("the hash of a ref");
        assert_eq!(
            (found.id.as_str(), found.reference, found.tags),
            (tag.as_str(), None, vec!["v1.1.0".to_owned()])
        );
    }
    assert_eq!(fixture.counters.get("fetch-history"), 0);
    for length in [12, 40, 7] {
        let found = repository.stat(&merge[..length]).await.expect("an ancestor");
        assert_eq!(found.version, merge);
    }
    // Two, since one tag of this repository names a file.
    assert_eq!(fixture.counters.get("fetch-history"), 2);
    for bad in [
        &merge[..6],
        &merge.to_uppercase()[..],
        "0123456789ab",
        "",
        "-n1",
        "a\nb",
        "main~1",
        "v1.1.0^{}",
        "@",
    ] {
        assert!(is_unknown(&repository.stat(bad).await), "{bad:?}");
    }
    assert_eq!(
        fixture.counters.get("fetch-history"),
        2,
        "one fetch tells that all of them are unknown"
    );
}

#[tokio::test]
async fn unmerged_and_lost_commits_are_unknown() {
    let fixture = Fixture::new();
    let change = fixture.hash("refs/pull/1/head");
    let lost = fixture.hash("v2.0.0");
    fixture.sh("git -C work branch -D -q other; git -C work tag -d v2.0.0 >/dev/null; push");
    let repository = fixture.open();
    for hash in [&change, &lost] {
        assert!(is_unknown(&repository.stat(hash).await));
        assert!(is_unknown(&repository.stat(&hash[..12]).await));
        let id = RevisionId::new(hash.as_str()).expect("an id");
        assert!(is_unknown(&repository.read_file(&id, "a.txt", 10).await));
        // Nothing was fetched by its hash alone.
        assert!(is_unknown(&repository.stat(hash).await));
    }
    let error = repository.stat("filetag").await.expect_err("a tag of a file");
    assert!(matches!(error, VcsError::Malformed { .. }), "{error}");
    let says = "git revision: refs/tags/filetag names a file and no commit";
    assert_eq!(error.to_string(), says);
    assert!(is_unknown(&repository.stat("refs/pull/1/head").await));
}

#[tokio::test]
async fn hash_prefixes_of_several_refs_are_ambiguous() {
    // Empty commits until two begin with the same seven digits would take long; so the refs are made up.
    let fixture = Fixture::of("git init -q -b main work; cd work; echo a > a; save 2020-01-01T00:00:01Z");
    let (one, two) = (
        format!("1234567{}", "0".repeat(33)),
        format!("1234567{}", "1".repeat(33)),
    );
    let hash = fixture.hash("main");
    let refs = format!(
        "# pack-refs with: peeled fully-peeled sorted\n{hash} refs/heads/main\n{one} refs/tags/a\n{two} refs/tags/b\n"
    );
    std::fs::write(fixture.dir.path().join("srv/r.git/packed-refs"), &refs).expect("writable");
    let listing = format!("{hash}\trefs/heads/main\n{one}\trefs/tags/a\n{two}\trefs/tags/b\n");
    std::fs::create_dir_all(fixture.dir.path().join("srv/r.git/info")).expect("writable");
    std::fs::write(fixture.dir.path().join("srv/r.git/info/refs"), listing).expect("writable");
    fixture.server.set(stoa_testing::git_http::Manner::Files);
    let repository = fixture.open();
    let answer = repository.stat("1234567").await;
    assert!(matches!(answer, Err(VcsError::Ambiguous { .. })), "{answer:?}");
}

#[tokio::test]
async fn a_moved_tag_is_noticed() {
    let fixture = Fixture::new();
    let mut options = fixture.options();
    options.freshness = Duration::ZERO;
    let repository = fixture.open_with(fixture.cache(), options);
    assert_eq!(
        repository.stat("v1.0.0").await.expect("a tag").id.as_str(),
        fixture.hash("v1.0.0")
    );
    fixture.sh("git -C work tag -f v1.0.0 main >/dev/null; push");
    let moved = repository.stat("v1.0.0").await.expect("a tag");
    assert_eq!(moved.id.as_str(), fixture.hash("main"));
    assert_eq!(moved.tags, ["sub/v0.1.0", "v1.0.0"]);
}

#[tokio::test]
async fn an_empty_repository_has_no_commits() {
    let fixture = Fixture::of("git init -q -b main work");
    let repository = fixture.open();
    assert!(matches!(
        repository.latest().await,
        Err(VcsError::NoCommits { .. })
    ));
    assert!(repository.tags("").await.expect("no tags").list.is_empty());
    assert!(is_unknown(&repository.stat("v1.0.0").await));
    assert!(is_unknown(&repository.stat("0123456789ab").await));
    assert_eq!(fixture.counters.get("clone"), 0);
}

#[tokio::test]
async fn sha256_repositories_work() {
    let fixture = Fixture::of(
        "git init -q --object-format=sha256 -b main work; cd work; echo a > a; save 2020-01-01T00:00:01Z; git tag v1.0.0
         echo b > a; save 2020-01-01T00:00:02Z; echo c > a; save 2020-01-01T00:00:03Z",
    );
    let repository = fixture.open();
    let tag = repository.stat("v1.0.0").await.expect("a tag");
    assert_eq!((tag.id.as_str().len(), tag.short.len()), (64, 12));
    let middle = fixture.hash("main~1");
    assert_eq!(
        repository.stat(&middle[..12]).await.expect("history").id.as_str(),
        middle
    );
    let at = RevisionId::new(middle).expect("an id");
    assert_eq!(
        repository
            .read_file(&at, "a", 10)
            .await
            .expect("readable")
            .expect("there"),
        "b\n"
    );
    let archive = repository.archive(&at, "", 100).await.expect("an archive");
    assert_eq!(crate::fixture::entries(archive).len(), 1);
    assert!(repository.descends_from(&at, "v1.0.0").await.expect("an answer"));
}

#[tokio::test]
async fn refs_may_change_into_folders_and_head_may_name_nothing() {
    let fixture = Fixture::of(
        "git init -q -b a work; cd work; for i in 1 2 3; do save 2020-01-01T00:00:0$i; done; git symbolic-ref HEAD refs/heads/none",
    );
    let (first, second) = (fixture.hash("a~2"), fixture.hash("a~1"));
    let mut options = fixture.options();
    options.freshness = Duration::ZERO;
    let repository = fixture.open_with(fixture.cache(), options);
    assert_eq!(
        repository.stat(&first[..12]).await.expect("history").id.as_str(),
        first
    );
    fixture.sh("git -C work branch -m a a/b; git -C work branch new a/b~1; push");
    assert_eq!(
        repository
            .stat("a/b")
            .await
            .expect("a branch")
            .reference
            .as_deref(),
        Some("refs/heads/a/b")
    );
    assert!(is_unknown(&repository.stat("a").await));
    assert_eq!(
        repository.stat("new").await.expect("a branch").id.as_str(),
        second
    );
    assert!(
        is_unknown(&repository.stat("0123456789ab").await),
        "and the history is fetched again"
    );
    assert!(matches!(
        repository.latest().await,
        Err(VcsError::NoCommits { .. })
    ));
}

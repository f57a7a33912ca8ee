//! Which commit descends from which.

use stoa_vcs::{Repository, RevisionId};

use crate::fixture::Fixture;

#[tokio::test]
async fn finds_the_highest_allowed_tag_of_all_ancestors() {
    let fixture = Fixture::new();
    let repository = fixture.open();
    let main = repository.stat("main").await.expect("a branch").id;
    let recent = |allowed: &'static (dyn for<'a> Fn(&'a str) -> bool + Send + Sync)| {
        repository.recent_tag(&main, "", allowed)
    };
    assert_eq!(
        recent(&|_| true).await.expect("an answer").as_deref(),
        Some("v1.9.0")
    );
    assert_eq!(
        recent(&|tag| tag != "v1.9.0")
            .await
            .expect("an answer")
            .as_deref(),
        Some("v1.1.0")
    );
    assert_eq!(recent(&|_| false).await.expect("an answer"), None);
    assert_eq!(recent(&|tag| tag == "v2.0.0").await.expect("an answer"), None);
    let sub = repository
        .recent_tag(&main, "sub/", &|_| true)
        .await
        .expect("an answer");
    assert_eq!(sub.as_deref(), Some("sub/v0.1.0"));
    let tagged = repository.stat("v1.1.0").await.expect("a tag").id;
    let found = repository
        .recent_tag(&tagged, "", &|_| true)
        .await
        .expect("an answer");
    assert_eq!(found.as_deref(), Some("v1.1.0"));
}

#[tokio::test]
async fn needs_no_history_where_refs_decide() {
    let fixture = Fixture::new();
    let repository = fixture.open();
    let main = repository.stat("main").await.expect("a branch").id;
    assert_eq!(
        repository
            .recent_tag(&main, "none/", &|_| true)
            .await
            .expect("an answer"),
        None
    );
    let sub = repository
        .recent_tag(&main, "sub/", &|_| true)
        .await
        .expect("an answer");
    assert_eq!(sub.as_deref(), Some("sub/v0.1.0"));
    assert!(
        repository
            .descends_from(&main, "sub/v0.1.0")
            .await
            .expect("an answer")
    );
    assert!(
        !repository
            .descends_from(&main, "no-tag")
            .await
            .expect("an answer")
    );
    assert_eq!(fixture.counters.get("fetch-history"), 0);
}

#[tokio::test]
async fn a_shallow_copy_does_not_deny_ancestors() {
    let fixture = Fixture::new();
    let repository = fixture.open();
    let main = repository.stat("main").await.expect("a branch").id;
    repository
        .stat("v1.0.0")
        .await
        .expect("a tag, fetched on its own");
    assert!(
        repository
            .descends_from(&main, "v1.0.0")
            .await
            .expect("an answer")
    );
    assert!(
        repository
            .descends_from(&main, "v1.1.0")
            .await
            .expect("an answer")
    );
    assert!(
        repository
            .descends_from(&main, "v1.9.0")
            .await
            .expect("an answer")
    );
    assert!(
        !repository
            .descends_from(&main, "v2.0.0")
            .await
            .expect("an answer")
    );
    assert!(
        !repository
            .descends_from(&main, "filetag")
            .await
            .expect("an answer")
    );
    assert!(!repository.descends_from(&main, "both2").await.expect("an answer"));
    let old = RevisionId::new(fixture.hash("v1.0.0")).expect("an id");
    assert!(!repository.descends_from(&old, "v1.1.0").await.expect("an answer"));
    // Once, and once more, since one tag of this repository names a file.
    assert_eq!(fixture.counters.get("fetch-history"), 2);
}

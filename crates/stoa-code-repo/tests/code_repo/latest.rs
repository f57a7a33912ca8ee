//! What `@latest` is.

use crate::support::memory_repo::{MemoryRepo, stamp};

const ROOT: &[(&str, &str)] = &[("go.mod", "module h.com/r\n")];

async fn latest(repo: MemoryRepo) -> String {
    match repo.module("").latest().await {
        Ok(resolved) => resolved.version().to_string(),
        Err(error) => format!("{:?}: {error}", error.meaning()),
    }
}

#[tokio::test]
async fn releases_then_prereleases_then_the_newest_commit() {
    let repo = || MemoryRepo::new().commit(ROOT);
    assert_eq!(
        latest(repo().tag("v1.0.0").tag("v1.1.0-rc.1").commit(ROOT)).await,
        "v1.0.0"
    );
    assert_eq!(
        latest(repo().tag("v1.1.0-rc.1").commit(ROOT)).await,
        "v1.1.0-rc.1"
    );
    assert_eq!(latest(repo().commit(ROOT)).await, format!("v0.0.0-{}", stamp(1)));
    assert_eq!(
        latest(MemoryRepo::new()).await,
        "NotExist: module h.com/r: repository https://h.com/r has no commits"
    );
}

#[tokio::test]
async fn retracted_versions_do_not_count() {
    let retracting = &[("go.mod", "module h.com/r\nretract [v1.1.0, v1.2.0]\n")];
    let repo = MemoryRepo::new()
        .commit(ROOT)
        .tag("v1.0.0")
        .tag("v1.1.0")
        .commit(retracting)
        .tag("v1.2.0");
    assert_eq!(latest(repo).await, "v1.0.0");
    let all = &[("go.mod", "module h.com/r\nretract [v0.0.0, v1.9.0]\n")];
    let repo = MemoryRepo::new().commit(all).tag("v1.0.0");
    assert_eq!(latest(repo).await, format!("v0.0.0-{}", stamp(0)));
}

#[tokio::test]
async fn incompatible_versions_count_where_nothing_knows_of_modules() {
    let repo = MemoryRepo::new().commit(&[]).tag("v1.0.0").tag("v2.0.0");
    assert_eq!(latest(repo).await, "v2.0.0+incompatible");
    let repo = MemoryRepo::new()
        .commit(&[])
        .tag("v2.0.0")
        .commit(ROOT)
        .tag("v1.0.0");
    assert_eq!(latest(repo).await, "v1.0.0");
}

#[tokio::test]
async fn the_answer_depends_on_the_tags() {
    let repo = MemoryRepo::new().commit(ROOT).tag("v1.0.0").module("");
    let origin = repo.latest().await.unwrap().info.origin.unwrap();
    assert!(origin.tag_sum.starts_with("t1:"), "{origin:?}");
    assert_eq!(origin.reference, "refs/tags/v1.0.0");
}

//! Versions v2 and above of modules whose path says nothing of them.

use crate::{
    stats::version,
    support::memory_repo::{MemoryRepo, hash, stamp},
};

const ROOT: &[(&str, &str)] = &[("go.mod", "module h.com/r\n")];

#[tokio::test]
async fn incompatible_versions_of_commits() {
    let v2 = &[("v2/go.mod", "module h.com/r/v2\n")];
    let repo = MemoryRepo::new()
        .commit(&[])
        .tag("v2.0.0")
        .commit(&[])
        .commit(v2)
        .tag("v2.5.0")
        .commit(&[])
        .commit(ROOT)
        .tag("v3.0.0");
    let repo = repo.module("");
    for (query, want) in [
        ("v2.0.0", "v2.0.0+incompatible".to_owned()),
        ("v2.0.0+incompatible", "v2.0.0+incompatible".to_owned()),
        (&hash(1), format!("v2.0.1-0.{}+incompatible", stamp(1))),
        // golang.org/issue/51324: the folder v2 counts unless it is asked for by name.
        (
            "v2.5.0",
            "Refused: h.com/r@v2.5.0: invalid version: module contains a go.mod file, so module path must match major \
             version (\"h.com/r/v2\")"
                .to_owned(),
        ),
        ("v2.5.0+incompatible", "v2.5.0+incompatible".to_owned()),
        (
            "v3.0.0+incompatible",
            "Refused: h.com/r@v3.0.0+incompatible: invalid version: module contains a go.mod file, so module path must \
             match major version (\"h.com/r/v3\")"
                .to_owned(),
        ),
        (&hash(2), format!("v0.0.0-{}", stamp(2))),
        (&hash(3), format!("v2.5.1-0.{}+incompatible", stamp(3))),
        (&hash(4), format!("v0.0.0-{}", stamp(4))),
    ] {
        assert_eq!(version(&repo, query).await, want, "{query}");
    }
}

#[tokio::test]
async fn incompatible_must_be_needed() {
    let repo = MemoryRepo::new().commit(&[]).tag("v1.0.0").module("");
    assert_eq!(
        version(&repo, "v1.0.0+incompatible").await,
        "Refused: h.com/r@v1.0.0+incompatible: invalid version: +incompatible suffix not allowed: major version v1 is \
         compatible"
    );
    let v2 = &[("go.mod", "module h.com/r/v2\n")];
    let repo = MemoryRepo::new().commit(v2).tag("v3.0.0").module("/v2");
    assert_eq!(
        version(&repo, "v3.0.0").await,
        "Refused: h.com/r/v2@v3.0.0: invalid version: module path includes a major version suffix, so major version \
         must match"
    );
}

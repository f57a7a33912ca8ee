//! Which version a query is.

use stoa_code_repo::{CodeMeaning, CodeRepo};
use stoa_vcs::{Step, VcsError, VcsKind};

use crate::support::{
    code_repo,
    memory_repo::{MemoryRepo, hash, short, stamp},
};

const ROOT: &[(&str, &str)] = &[("go.mod", "module h.com/r\n")];

/// The version that a query is, or what the error means and says.
pub(crate) async fn version(repo: &CodeRepo, query: &str) -> String {
    match repo.stat(query).await {
        Ok(info) => info.version().to_string(),
        Err(error) => format!("{:?}: {error}", error.meaning()),
    }
}

#[tokio::test]
async fn tags_branches_hashes_and_head() {
    let repo = MemoryRepo::new()
        .commit(ROOT)
        .tag("v1.0.0")
        .tag("good")
        .commit(ROOT)
        .branch("dev")
        .module("");
    let pseudo = format!("v1.0.1-0.{}", stamp(1));
    for (query, want) in [
        ("v1.0.0", "v1.0.0"),
        ("good", "v1.0.0"),
        (&hash(0), "v1.0.0"),
        (&short(0)[..7], "abc0000"),
        ("dev", &pseudo),
        ("HEAD", &pseudo),
        ("latest", &pseudo),
        (&short(1), &pseudo),
    ] {
        let want = if want == "abc0000" { "v1.0.0" } else { want };
        assert_eq!(version(&repo, query).await, want, "{query}");
    }
}

#[tokio::test]
async fn unknown_revisions_do_not_exist() {
    let repo = MemoryRepo::new()
        .commit(ROOT)
        .tag("v1.0.0")
        .commit(&[("sub/go.mod", "module h.com/r/sub\n")]);
    let repo = repo.module("/sub");
    for (query, text) in [
        (
            "v1.0.0",
            "NotExist: h.com/r/sub@v1.0.0: invalid version: unknown revision sub/v1.0.0",
        ),
        (
            "v1",
            "NotExist: h.com/r/sub@v1: invalid version: unknown revision sub/v1",
        ),
        (
            "nothing",
            "NotExist: h.com/r/sub@nothing: invalid version: unknown revision nothing",
        ),
        (
            "v0.0.0-20240102030405-ffffffffffff",
            "NotExist: h.com/r/sub@v0.0.0-20240102030405-ffffffffffff: invalid version: unknown revision ffffffffffff",
        ),
    ] {
        assert_eq!(version(&repo, query).await, text);
    }
}

#[tokio::test]
async fn a_branch_named_like_a_version_is_no_version() {
    let repo = MemoryRepo::new().commit(ROOT).branch("v1.0.0").module("");
    let text = format!(
        "Refused: h.com/r@v1.0.0: invalid version: resolves to version v0.0.0-{} (v1.0.0 is not a tag)",
        stamp(0)
    );
    assert_eq!(version(&repo, "v1.0.0").await, text);
    let parsed = stoa_module::Version::parse("v1.0.0").unwrap();
    assert!(
        repo.go_mod(&parsed)
            .await
            .unwrap_err()
            .to_string()
            .contains("is not a tag")
    );
}

#[tokio::test]
async fn the_base_is_the_highest_version_of_any_ancestor() {
    let repo = MemoryRepo::new()
        .commit(ROOT)
        .tag("v1.5.0")
        .tag("v1.6.0+meta")
        .commit_on(&[0], ROOT)
        .tag("v1.2.0")
        .tag("v2.0.0")
        .tag("v9")
        .commit_on(&[], ROOT)
        .tag("v1.9.0")
        .commit_on(&[1], ROOT)
        .branch("dev")
        .module("");
    assert_eq!(version(&repo, "dev").await, format!("v1.6.1-0.{}", stamp(3)));
}

#[tokio::test]
async fn a_prerelease_is_a_base_too() {
    let repo = MemoryRepo::new()
        .commit(ROOT)
        .tag("v1.0.0-rc.1")
        .commit(ROOT)
        .module("");
    assert_eq!(
        version(&repo, "HEAD").await,
        format!("v1.0.0-rc.1.0.{}", stamp(1))
    );
}

#[tokio::test]
async fn of_several_tags_the_highest_is_the_version() {
    let repo = MemoryRepo::new()
        .commit(ROOT)
        .tag("v1.0.0")
        .tag("v1.1.0")
        .tag("v1.2.0+meta")
        .tag("v2.0.0")
        .module("");
    assert_eq!(version(&repo, "main").await, "v1.1.0");
    assert_eq!(
        version(&repo, "v1.0.0").await,
        "v1.0.0",
        "what is asked for as a version is itself"
    );
}

#[tokio::test]
async fn a_tag_with_metadata_is_only_a_base() {
    let repo = MemoryRepo::new().commit(ROOT).tag("v1.2.0+meta").module("");
    assert_eq!(
        version(&repo, "v1.2.0+meta").await,
        format!("v1.2.1-0.{}", stamp(0))
    );
}

#[tokio::test]
async fn retracted_versions_are_neither_picked_nor_bases() {
    let retracting = &[("go.mod", "module h.com/r\n\nretract v1.1.0\n")];
    let repo = MemoryRepo::new()
        .commit(ROOT)
        .tag("v1.0.0")
        .tag("v1.1.0")
        .commit(ROOT)
        .commit(retracting)
        .tag("v1.2.0")
        .module("");
    assert_eq!(version(&repo, &hash(0)).await, "v1.0.0");
    assert_eq!(version(&repo, &hash(1)).await, format!("v1.0.1-0.{}", stamp(1)));
    assert_eq!(
        version(&repo, "v1.1.0").await,
        "v1.1.0",
        "it can be asked for by name"
    );
}

#[tokio::test]
async fn retractions_come_from_the_highest_release() {
    let retracting = |version: &str| format!("module h.com/r\nretract {version}\n");
    let (low, high) = (retracting("v1.0.0"), retracting("v1.1.0"));
    let repo = MemoryRepo::new()
        .commit(&[("go.mod", &low)])
        .tag("v1.0.0")
        .commit(&[("go.mod", &low)])
        .tag("v1.2.0")
        .commit(&[("go.mod", &high)])
        .tag("v1.3.0-rc.1")
        .module("");
    assert_eq!(version(&repo, &hash(0)).await, format!("v0.0.0-{}", stamp(0)));
    // A go.mod that cannot be understood retracts nothing.
    let repo = MemoryRepo::new()
        .commit(&[("go.mod", "module h.com/r\nretract [\n)(")])
        .tag("v1.0.0")
        .module("");
    assert_eq!(version(&repo, "main").await, "v1.0.0");
}

#[tokio::test]
async fn a_tag_that_looks_like_a_pseudo_version_is_none() {
    let tag = format!("sub/v0.0.0-{}", stamp(7));
    let repo = MemoryRepo::new()
        .commit(&[("sub/go.mod", "module h.com/r/sub\n")])
        .tag(&tag)
        .module("/sub");
    let version = version(&repo, "main").await;
    assert_eq!(version, format!("v0.0.0-{}", stamp(0)), "cmd/go fails here");
}

#[tokio::test]
async fn gopkg_in_makes_pseudo_versions_of_its_major_version() {
    let repo = std::sync::Arc::new(MemoryRepo::new().commit(&[]));
    let path = "gopkg.in/check.v1";
    let repo = code_repo(repo, path, "", path);
    let legacy = format!("v0.0.0-{}", stamp(0));
    assert_eq!(version(&repo, "main").await, format!("v1.0.0-{}", stamp(0)));
    assert_eq!(version(&repo, &legacy).await, legacy);
}

#[tokio::test]
async fn what_cannot_be_read_is_never_absent() {
    let failed = |step| VcsError::Failed {
        vcs: VcsKind::Git,
        step,
        said: "killed".to_owned(),
    };
    for (step, rest, text) in [
        (
            Step::Revision,
            "",
            "h.com/r@main: invalid version: git revision: killed",
        ),
        (Step::File, "", "h.com/r@main: invalid version: git file: killed"),
        (
            Step::File,
            "/sub",
            "h.com/r/sub@v0.0.0-20240102030405-abc000000000: invalid version: reading h.com/r/sub/go.mod at revision \
             abc000000000: git file: killed",
        ),
    ] {
        let repo = MemoryRepo::new().commit(&[]);
        *repo.fails.lock() = Some((step, failed(step)));
        let found = version(&repo.module(rest), "main").await;
        assert_eq!(found, format!("Unreachable: {text}"));
    }
    let repo = MemoryRepo::new().commit(&[]).tag("v2.0.0");
    *repo.fails.lock() = Some((Step::File, failed(Step::File)));
    let error = repo.module("").stat("v2.0.0+incompatible").await.unwrap_err();
    assert_eq!(error.meaning(), CodeMeaning::Unreachable);
}

#[tokio::test]
async fn an_ambiguous_hash_is_refused() {
    let repo = MemoryRepo::new().commit(&[]);
    let ambiguous = VcsError::Ambiguous {
        revision: "abc0000".to_owned(),
    };
    *repo.fails.lock() = Some((Step::Revision, ambiguous));
    assert_eq!(
        version(&repo.module(""), "abc0000").await,
        "Refused: h.com/r@abc0000: invalid version: ambiguous revision abc0000"
    );
}

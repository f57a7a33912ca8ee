//! Which versions are listed.

use stoa_code_repo::{CodeMeaning, CodeRepo};
use stoa_vcs::{Step, VcsError, VcsKind};

use crate::support::{code_repo, memory_repo::MemoryRepo};

async fn list(repo: CodeRepo) -> String {
    let versions = repo.versions().await.unwrap();
    let texts: Vec<_> = versions.list.iter().map(ToString::to_string).collect();
    texts.join(" ")
}

fn tagged(tags: &[&str]) -> MemoryRepo {
    tags.iter()
        .fold(MemoryRepo::new().commit(&[]), |repo, tag| repo.tag(tag))
}

#[tokio::test]
async fn tags_are_versions_if_they_are_written_as_versions() {
    let repo = tagged(&[
        "v1.10.0",
        "v1.9.0",
        "v0.1.0-rc.1",
        "v1",
        "v1.2",
        "v1.0.0+meta",
        "V1.0.0",
        "v01.0.0",
        "1.0.0",
        "release",
        "v1.0.1-0.20240102030405-abcdef123456",
        "v0.0.0-20240102030405-abcdef123456",
        "sub/v1.5.0",
    ]);
    assert_eq!(list(repo.module("")).await, "v0.1.0-rc.1 v1.9.0 v1.10.0");
}

#[tokio::test]
async fn a_repository_without_tags_has_an_empty_list() {
    assert_eq!(list(tagged(&[]).module("")).await, "");
}

#[tokio::test]
async fn modules_in_folders_and_of_major_versions_have_tags_of_their_own() {
    let tags = [
        "v1.0.0",
        "v2.0.0",
        "v2.1.0",
        "sub/v1.1.0",
        "sub/v2.2.0",
        "sub/v3.0.0",
        "sub/v2/v2.9.0",
    ];
    assert_eq!(list(tagged(&tags).module("/v2")).await, "v2.0.0 v2.1.0");
    assert_eq!(list(tagged(&tags).module("/sub")).await, "v1.1.0");
    assert_eq!(list(tagged(&tags).module("/sub/v2")).await, "v2.2.0");
    assert_eq!(list(tagged(&tags).module("/v4")).await, "");
}

#[tokio::test]
async fn gopkg_in_has_its_own_major_versions_and_nothing_unstable() {
    let tags = ["v1.0.0", "v2.0.0", "v0.1.0"];
    let repo = |path| code_repo(std::sync::Arc::new(tagged(&tags)), path, "", path);
    assert_eq!(list(repo("gopkg.in/y.v2")).await, "v2.0.0");
    assert_eq!(list(repo("gopkg.in/y.v0")).await, "v0.1.0");
    let unstable = repo("gopkg.in/y.v2-unstable");
    let versions = unstable.versions().await.unwrap();
    assert!(versions.list.is_empty() && versions.origin.is_none());
}

#[tokio::test]
async fn incompatible_versions_need_a_repository_without_go_mod() {
    let repo = MemoryRepo::new()
        .commit(&[])
        .tag("v1.0.0")
        .tag("v2.0.0")
        .tag("v2.1.0")
        .tag("v10.0.0");
    assert_eq!(
        list(repo.module("")).await,
        "v1.0.0 v2.0.0+incompatible v2.1.0+incompatible v10.0.0+incompatible"
    );
}

#[tokio::test]
async fn a_go_mod_in_the_last_compatible_version_ends_incompatible_ones() {
    let repo = MemoryRepo::new()
        .commit(&[])
        .tag("v1.0.0")
        .tag("v2.0.0")
        .commit(&[("go.mod", "module h.com/r\n")])
        .tag("v1.1.0-rc.1");
    assert_eq!(list(repo.module("")).await, "v1.0.0 v1.1.0-rc.1");
}

#[tokio::test]
async fn a_go_mod_in_the_last_version_of_a_major_ends_that_major() {
    let repo = MemoryRepo::new()
        .commit(&[])
        .tag("v2.0.0")
        .tag("v3.0.0")
        .commit(&[("go.mod", "module h.com/r/v2\n")])
        .tag("v2.1.0");
    assert_eq!(list(repo.module("")).await, "v3.0.0+incompatible");
}

#[tokio::test]
async fn folders_never_have_incompatible_versions() {
    let repo = tagged(&["sub/v1.0.0", "sub/v2.0.0"]);
    assert_eq!(list(repo.module("/sub")).await, "v1.0.0");
}

#[tokio::test]
async fn a_subdirectory_counts_as_the_root() {
    let repo = std::sync::Arc::new(tagged(&["v1.0.0", "s/t/v1.1.0", "s/t/a/v1.2.0"]));
    let code = std::sync::Arc::clone(&repo);
    assert_eq!(list(code_repo(code, "h.com/r", "s/t", "h.com/r")).await, "v1.1.0");
}

#[tokio::test]
async fn the_origin_tells_which_tags_decided() {
    // The sum is that of cmd/go: sha256 of the lines `"v1.0.0" hash`.
    let mut repo = tagged(&["sub/v1.0.0", "sub/other", "v1.0.0"]);
    let versions = repo.module("/sub").versions().await.unwrap();
    let origin = versions.origin.as_ref().unwrap();
    assert_eq!(
        (origin.subdir.as_str(), origin.tag_prefix.as_str()),
        ("sub", "sub/")
    );
    assert!(
        origin.tag_sum.starts_with("t1:") && origin.repo_sum.is_empty(),
        "{origin:?}"
    );
    repo = tagged(&[]);
    let versions = repo.module("").versions().await.unwrap();
    assert_eq!(
        versions.origin.as_ref().unwrap().to_json(),
        r#"{"VCS":"git","URL":"https://h.com/r","TagSum":"t1:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="}"#
    );
    repo = tagged(&["v1.0.0"]);
    repo.vcs = VcsKind::Hg;
    repo.repo_sum = Some("r1:sum".to_owned());
    let versions = repo.module("").versions().await.unwrap();
    assert_eq!(
        versions.origin.as_ref().unwrap().to_json(),
        r#"{"VCS":"hg","URL":"https://h.com/r","RepoSum":"r1:sum"}"#
    );
}

#[tokio::test]
async fn a_repository_that_is_not_there_is_told_from_one_that_fails() {
    for (error, meaning, text) in [
        (
            VcsError::NoRepository {
                url: "https://h.com/r".to_owned(),
                said: "gone".to_owned(),
            },
            CodeMeaning::NotExist,
            "module h.com/r: repository https://h.com/r not found: gone",
        ),
        (
            VcsError::Failed {
                vcs: VcsKind::Git,
                step: Step::Access,
                said: "no route to host".to_owned(),
            },
            CodeMeaning::Unreachable,
            "module h.com/r: git access: no route to host",
        ),
        (
            VcsError::NotInstalled {
                vcs: VcsKind::Git,
                package: "git",
            },
            CodeMeaning::Ours,
            "module h.com/r: git is not installed on this machine: install the package git",
        ),
    ] {
        let repo = tagged(&[]);
        *repo.fails.lock() = Some((Step::Access, error));
        let error = repo.module("").versions().await.unwrap_err();
        assert_eq!((error.meaning(), error.to_string().as_str()), (meaning, text));
    }
}

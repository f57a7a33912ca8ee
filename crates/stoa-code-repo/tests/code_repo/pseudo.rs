//! Pseudo-versions that are asked for.

use crate::support::memory_repo::{MemoryRepo, short, stamp};

const ROOT: &[(&str, &str)] = &[("go.mod", "module h.com/r\n")];

fn history() -> MemoryRepo {
    MemoryRepo::new()
        .commit(ROOT)
        .tag("v1.0.0")
        .tag("v1.1.0+meta")
        .commit(ROOT)
        .commit_on(&[], ROOT)
        .tag("v1.5.0")
        .branch("other")
        .commit_on(&[1], ROOT)
}

/// What is said of a version after `h.com/r@VERSION: invalid pseudo-version: `, or nothing.
async fn refusal(version: &str) -> String {
    let repo = history().module("");
    match repo.stat(version).await {
        Ok(info) => {
            assert_eq!(info.version().as_str(), version);
            let (go_mod, dir) = (repo.go_mod(info.version()).await, tempfile::tempdir().unwrap());
            assert_eq!(go_mod.unwrap(), "module h.com/r\n");
            repo.zip(info.version(), dir.path()).await.unwrap();
            String::new()
        }
        Err(error) => {
            assert!(!error.is_not_exist(), "{error}");
            // Nothing is given for what is no version.
            let parsed = stoa_module::Version::parse(version).unwrap();
            assert_eq!(
                repo.go_mod(&parsed).await.unwrap_err().to_string(),
                error.to_string()
            );
            let text = error.to_string();
            let prefix = format!("h.com/r@{version}: invalid pseudo-version: ");
            text.strip_prefix(&prefix).unwrap_or(&text).to_owned()
        }
    }
}

#[tokio::test]
async fn those_that_agree_with_their_commit_are_versions() {
    for version in [
        format!("v0.0.0-{}", stamp(1)),
        format!("v1.0.1-0.{}", stamp(1)),
        format!("v1.0.1-0.{}", stamp(3)),
        // Not the highest base, nor one that is written as it should be, but tags of an ancestor.
        format!("v1.1.1-0.{}", stamp(3)),
        format!("v1.1.1-0.{}", stamp(0)),
    ] {
        assert_eq!(refusal(&version).await, "", "{version}");
    }
}

#[tokio::test]
async fn those_that_do_not_are_refused() {
    let short = short(1);
    for (version, text) in [
        (
            format!("v0.0.0-20240102030406-{short}00"),
            format!("revision is longer than canonical (expected {short})"),
        ),
        (
            format!("v0.0.0-20240102030405-{}", &short[..11]),
            "revision is shorter than canonical (expected abc000000000)".to_owned(),
        ),
        (
            format!("v0.0.0-20240102030407-{short}"),
            "does not match version-control timestamp (expected 20240102030406)".to_owned(),
        ),
        (
            format!("v0.0.0-20241302030406-{short}"),
            "malformed time \"20241302030406\"".to_owned(),
        ),
        (
            format!("v1.0.0-20240102030406-{short}"),
            "major version without preceding tag must be v0, not v1".to_owned(),
        ),
        (
            format!("v1.0.1-0.{}", stamp(0)),
            format!(
                "tag (v1.0.0) found on revision {} is already canonical, so should not be replaced with a \
                 pseudo-version derived from that tag",
                crate::support::memory_repo::short(0)
            ),
        ),
        (
            format!("v1.3.1-0.{}", stamp(1)),
            "preceding tag (v1.3.0) not found".to_owned(),
        ),
        (
            format!("v1.5.1-0.{}", stamp(1)),
            format!("revision {short} is not a descendent of preceding tag (v1.5.0)"),
        ),
        (
            format!("v1.0.0-0.{}", stamp(1)),
            "version before v1.0.0 would have negative patch number".to_owned(),
        ),
    ] {
        assert_eq!(refusal(&version).await, text, "{version}");
    }
}

#[tokio::test]
async fn the_major_version_is_looked_at_before_history_is() {
    let version = format!("v2.0.0-{}", stamp(1));
    let repo = std::sync::Arc::new(history());
    let code = std::sync::Arc::clone(&repo);
    let module = crate::support::code_repo(code, "h.com/r", "", "h.com/r");
    let error = module.stat(&version).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "h.com/r@{version}: invalid version: module contains a go.mod file, so module path must match major \
             version (\"h.com/r/v2\")"
        )
    );
    assert!(
        repo.calls
            .lock()
            .iter()
            .all(|call| !call.starts_with("descends_from"))
    );
}

#[tokio::test]
async fn bases_of_folders_have_their_prefix() {
    let files: &[(&str, &str)] = &[("sub/go.mod", "module h.com/r/sub\n")];
    let repo = MemoryRepo::new()
        .commit(files)
        .tag("v1.0.0")
        .tag("sub/v1.1.0")
        .commit(files)
        .module("/sub");
    let good = format!("v1.1.1-0.{}", stamp(1));
    assert_eq!(repo.stat(&good).await.unwrap().version().as_str(), good);
    let error = repo.stat(&format!("v1.0.1-0.{}", stamp(1))).await.unwrap_err();
    assert!(
        error.to_string().ends_with("preceding tag (v1.0.0) not found"),
        "{error}"
    );
}

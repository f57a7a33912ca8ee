//! What is in a zip.

use std::io::Cursor;

use stoa_code_repo::{CodeRepo, CodeRepoError};
use stoa_module::{
    ModuleVersion, Version,
    zip::{self, ZipLimits},
};
use stoa_vcs::EntryKind;

use crate::support::memory_repo::MemoryRepo;

/// The zip of v1.0.0, checked.
pub(crate) async fn bytes(repo: &CodeRepo) -> Result<Vec<u8>, CodeRepoError> {
    let dir = tempfile::tempdir().unwrap();
    let made = repo.zip(&Version::parse("v1.0.0").unwrap(), dir.path()).await?;
    let mut bytes = Vec::new();
    made.write_to(&mut bytes).unwrap();
    assert_eq!(bytes.len() as u64, made.bytes());
    let target = ModuleVersion::new(repo.module().clone(), Version::parse("v1.0.0").unwrap()).unwrap();
    let summary = zip::check(Cursor::new(&bytes), &target, &ZipLimits::default()).unwrap();
    assert_eq!(*made.summary(), summary);
    assert_eq!(
        std::fs::read_dir(dir.path()).unwrap().count(),
        0,
        "no file is left"
    );
    Ok(bytes)
}

/// The names in the zip of v1.0.0, or the error.
pub(crate) async fn names(repo: &CodeRepo) -> String {
    let bytes = match bytes(repo).await {
        Ok(bytes) => bytes,
        Err(error) => return format!("{:?}: {error}", error.meaning()),
    };
    let target = ModuleVersion::new(repo.module().clone(), Version::parse("v1.0.0").unwrap()).unwrap();
    let report = zip::report(Cursor::new(bytes), &target, &ZipLimits::default()).unwrap();
    let prefix = format!("{target}/");
    let names: Vec<_> = report
        .valid
        .iter()
        .map(|name| name.strip_prefix(&prefix).unwrap())
        .collect();
    names.join(" ")
}

pub(crate) const GO_MOD: (&str, &str) = ("go.mod", "module h.com/r\n\ngo 1.23\n");

fn root(files: &[(&str, &str)]) -> CodeRepo {
    MemoryRepo::new().commit(files).tag("v1.0.0").module("")
}

#[tokio::test]
async fn files_come_in_the_order_of_the_archive() {
    let repo = root(&[
        ("z.go", "z"),
        GO_MOD,
        (".git/config", "x"),
        ("a/b.go", "b"),
        ("a.go", ""),
    ]);
    assert_eq!(names(&repo).await, "z.go go.mod .git/config a/b.go a.go");
    assert_eq!(names(&root(&[])).await, "", "a module may be empty");
}

#[tokio::test]
async fn other_modules_links_and_vendored_packages_are_left_out() {
    let repo = root(&[
        GO_MOD,
        ("a/early.go", "of another module, as comes out later"),
        ("a/go.mod", "module h.com/r/a\n"),
        ("a/late.go", ""),
        ("b/GO.MOD", ""),
        ("b/b.go", ""),
        ("c/go.mod", "-> ../go.mod"),
        ("c/c.go", ""),
        ("link", "-> z.go"),
        ("vendor/modules.txt", ""),
        ("vendor/x/x.go", ""),
        (".hg_archival.txt", ""),
        ("d/.hg_archival.txt", ""),
    ]);
    assert_eq!(
        names(&repo).await,
        "go.mod c/c.go vendor/modules.txt d/.hg_archival.txt"
    );
}

#[tokio::test]
async fn the_vendor_rule_is_that_of_the_go_line() {
    let files = |go_mod: &'static str| {
        root(&[
            ("go.mod", go_mod),
            ("vendor/modules.txt", ""),
            ("pkg/vendor/vendor.go", ""),
            ("pkg/vendor/a/a.go", ""),
        ])
    };
    for (go_mod, want) in [
        ("module h.com/r\n", "go.mod vendor/modules.txt"),
        ("module h.com/r\ngo 1.23\n", "go.mod vendor/modules.txt"),
        ("module h.com/r\ngo 1.24\n", "go.mod pkg/vendor/vendor.go"),
        // A version of Go that does not exist yet keeps nothing from anybody.
        ("module h.com/r\ngo 1.999\n", "go.mod pkg/vendor/vendor.go"),
    ] {
        assert_eq!(names(&files(go_mod)).await, want, "{go_mod}");
    }
}

#[tokio::test]
async fn one_bad_name_spoils_the_zip_and_nothing_else() {
    for (files, text) in [
        (
            &[GO_MOD, ("a?b", "")][..],
            "create zip: a?b: malformed file path \"a?b\": invalid char '?'",
        ),
        (
            &[GO_MOD, ("A.go", ""), ("a.go", "")],
            "create zip: a.go: case-insensitive file name collision: \"A.go\" and \"a.go\"",
        ),
        // A link is left out after its name was looked at.
        (
            &[GO_MOD, ("con", "-> a")],
            "create zip: con: malformed file path \"con\": \"con\" disallowed as path element component on Windows",
        ),
        (
            &[("GO.MOD", "")],
            "create zip: GO.MOD: go.mod files must have lowercase names",
        ),
    ] {
        let repo = root(files);
        assert_eq!(names(&repo).await, format!("Malformed: h.com/r@v1.0.0: {text}"));
        assert_eq!(repo.stat("v1.0.0").await.unwrap().version().as_str(), "v1.0.0");
        assert_eq!(repo.versions().await.unwrap().list.len(), 1);
        repo.go_mod(&Version::parse("v1.0.0").unwrap()).await.unwrap();
    }
    // In another module, or vendored, it does no harm.
    let repo = root(&[GO_MOD, ("a/b?", ""), ("a/go.mod", ""), ("vendor/x/y?", "")]);
    assert_eq!(names(&repo).await, "go.mod");
}

#[tokio::test]
async fn names_that_are_not_text_are_refused() {
    let mut repo = MemoryRepo::new().commit(&[GO_MOD]).tag("v1.0.0");
    repo.commits[0]
        .files
        .push((b"a\xff".to_vec(), EntryKind::File, Vec::new()));
    let found = names(&repo.module("")).await;
    assert!(
        found.starts_with("Malformed: h.com/r@v1.0.0: create zip: "),
        "{found}"
    );
}

#[tokio::test]
async fn a_license_is_taken_over_from_the_root() {
    let sub = ("sub/go.mod", "module h.com/r/sub\n");
    let with = |files: &[(&str, &str)]| MemoryRepo::new().commit(files).tag("sub/v1.0.0").module("/sub");
    for (files, want) in [
        (
            &[("LICENSE", "root"), sub, ("sub/a.go", "")][..],
            "go.mod a.go LICENSE",
        ),
        (
            &[("LICENSE", "root"), ("sub/LICENSE", "own"), sub],
            "LICENSE go.mod",
        ),
        (
            &[("LICENSE", "root"), ("sub/LICENSE.md", "own"), sub],
            "LICENSE.md go.mod LICENSE",
        ),
        (
            &[("LICENSE", "root"), ("sub/LICENSE", "-> ../LICENSE"), sub],
            "go.mod",
        ),
        (&[("LICENSE.txt", "root"), sub], "go.mod"),
        (&[sub], "go.mod"),
    ] {
        assert_eq!(names(&with(files)).await, want);
    }
    // A link in the root is taken over as the text that it holds.
    let repo = with(&[("LICENSE", "-> COPYING"), sub]);
    let zip = bytes(&repo).await.unwrap();
    let linked = with(&[("LICENSE", "COPYING"), sub]);
    assert_eq!(bytes(&linked).await.unwrap(), zip);
    // The root itself takes over nothing.
    assert_eq!(names(&root(&[GO_MOD])).await, "go.mod");
}

//! Where the go.mod of a version is, and what it holds.

use stoa_code_repo::CodeRepo;
use stoa_module::Version;

use crate::support::{
    code_repo,
    memory_repo::{MemoryRepo, stamp},
};

/// The go.mod of a version, or the error without `MODULE@VERSION: invalid version: `, which must be "not exist".
async fn go_mod(repo: &CodeRepo, version: &str) -> String {
    let version = Version::parse(version).unwrap();
    match repo.go_mod(&version).await {
        Ok(content) => String::from_utf8(content.to_vec()).unwrap(),
        Err(error) => {
            assert!(error.is_not_exist(), "{error}");
            let (text, prefix) = (
                error.to_string(),
                format!("{}@{version}: invalid version: ", repo.module()),
            );
            text.strip_prefix(&prefix).unwrap_or(&text).to_owned()
        }
    }
}

#[tokio::test]
async fn a_module_is_in_its_folder_or_in_the_folder_of_its_major_version() {
    let (one, two) = ("module h.com/r/v2 // root\n", "module h.com/r/v2 // v2\n");
    let repo = MemoryRepo::new()
        .commit(&[("go.mod", one)])
        .tag("v2.0.0")
        .module("/v2");
    assert_eq!(go_mod(&repo, "v2.0.0").await, one);
    let repo = MemoryRepo::new()
        .commit(&[("v2/go.mod", two)])
        .tag("v2.0.0")
        .module("/v2");
    assert_eq!(go_mod(&repo, "v2.0.0").await, two);
    let files = &[("go.mod", "module h.com/r\n"), ("v2/go.mod", two)];
    let repo = MemoryRepo::new().commit(files).tag("v2.0.0").module("/v2");
    assert_eq!(go_mod(&repo, "v2.0.0").await, two);
}

const R: &str = "module h.com/r\n";
const V2: &str = "module h.com/r/v2\n";

/// The path behind that of the repository, files, version, error.
type NoModule = (
    &'static str,
    &'static [(&'static str, &'static str)],
    &'static str,
    &'static str,
);

const NO_MODULES: [NoModule; 11] = [
    (
        "/v2",
        &[("go.mod", V2), ("v2/go.mod", V2)],
        "v2.0.0",
        "h.com/r/go.mod and .../v2/go.mod both have .../v2 module paths at revision v2.0.0",
    ),
    (
        "/v2",
        &[("go.mod", V2), ("v2/go.mod", R)],
        "v2.0.0",
        "h.com/r/v2/go.mod has non-.../v2 module path \"h.com/r\" at revision v2.0.0",
    ),
    (
        "/v2",
        &[("v2/go.mod", "")],
        "v2.0.0",
        "h.com/r/v2/go.mod is missing module path at revision v2.0.0",
    ),
    (
        "/v2",
        &[("go.mod", R)],
        "v2.0.0",
        "go.mod has non-.../v2 module path \"h.com/r\" (and .../v2/go.mod does not exist) at revision v2.0.0",
    ),
    (
        "/v2",
        &[("go.mod", "")],
        "v2.0.0",
        "go.mod is missing module path (and .../v2/go.mod does not exist) at revision v2.0.0",
    ),
    (
        "/v2",
        &[],
        "v2.0.0",
        "missing h.com/r/go.mod and .../v2/go.mod at revision v2.0.0",
    ),
    (
        "",
        &[("go.mod", "")],
        "v1.0.0",
        "go.mod is missing module path at revision v1.0.0",
    ),
    (
        "",
        &[("go.mod", V2)],
        "v1.0.0",
        "go.mod has post-v1 module path \"h.com/r/v2\" at revision v1.0.0",
    ),
    (
        "",
        &[("go.mod", "module h.com/r/v1\n")],
        "v1.0.0",
        "go.mod has malformed module path \"h.com/r/v1\" at revision v1.0.0",
    ),
    (
        "/sub",
        &[("go.mod", R)],
        "v1.0.0",
        "missing h.com/r/sub/go.mod at revision sub/v1.0.0",
    ),
    // A link holds where it points to, which is no module path.
    (
        "",
        &[("go.mod", "-> other/go.mod")],
        "v1.0.0",
        "go.mod is missing module path at revision v1.0.0",
    ),
];

#[tokio::test]
async fn what_is_not_the_module_is_said() {
    for (rest, files, version, text) in NO_MODULES {
        let tag = if rest == "/sub" { "sub/v1.0.0" } else { version };
        let repo = MemoryRepo::new().commit(files).tag(tag).module(rest);
        assert_eq!(go_mod(&repo, version).await, text);
        let error = repo.stat(version).await.unwrap_err();
        assert!(
            error.is_not_exist() && error.to_string().ends_with(text),
            "{error}"
        );
    }
}

#[tokio::test]
async fn a_root_without_go_mod_gets_one() {
    let repo = MemoryRepo::new()
        .commit(&[])
        .tag("v1.0.0")
        .tag("v2.0.0")
        .module("");
    assert_eq!(go_mod(&repo, "v1.0.0").await, "module h.com/r\n");
    assert_eq!(go_mod(&repo, "v2.0.0+incompatible").await, "module h.com/r\n");
    assert_eq!(
        go_mod(&repo, &format!("v0.0.0-{}", stamp(0))).await,
        "module h.com/r\n"
    );
    let path = "gopkg.in/y.v2";
    let repo = std::sync::Arc::new(MemoryRepo::new().commit(&[]).tag("v2.0.0"));
    let repo = code_repo(repo, path, "", path);
    assert_eq!(go_mod(&repo, "v2.0.0").await, "module gopkg.in/y.v2\n");
}

#[tokio::test]
async fn bytes_stay_as_they_are() {
    for content in [
        "\u{feff}module h.com/fork\r\n\r\ntool x",
        "unknown (\n)\nmodule \"h.com/fork\" // a",
    ] {
        let content = content.trim_start_matches('\u{feff}');
        let repo = MemoryRepo::new()
            .commit(&[("go.mod", content)])
            .tag("v1.0.0")
            .module("");
        assert_eq!(go_mod(&repo, "v1.0.0").await, content);
    }
}

#[tokio::test]
async fn a_folder_of_its_own_for_a_page_that_names_one() {
    let files = &[
        ("s/t/go.mod", "module h.com/r/v2\n"),
        ("go.mod", "module h.com/other\n"),
    ];
    let repo = MemoryRepo::new().commit(files).tag("s/t/v2.0.0");
    let repo = code_repo(std::sync::Arc::new(repo), "h.com/r/v2", "s/t", "h.com/r/v2");
    assert_eq!(go_mod(&repo, "v2.0.0").await, "module h.com/r/v2\n");
    assert_eq!(
        repo.stat("v2.0.0").await.unwrap().info.origin.unwrap().subdir,
        "s/t"
    );
}

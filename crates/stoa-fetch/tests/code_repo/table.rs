//! cmd/go's own tables for repositories: what is in git and served by its stand-in, or by a name it gives to that.

use std::io::Cursor;

use serde_json::Value;
use stoa_fetch::code_repo::{CodeRepo, Info};
use stoa_module::{
    ModuleVersion, Timestamp, Version,
    zip::{self, ZipLimits},
};
use stoa_testing::{
    vcweb::VcWeb,
    vectors::{assert_fields, list, load, text},
};

use crate::{
    oracle::place,
    support::{Repositories, code_repo, slow_git::SlowGits},
};

/// Opens the module of a case; `None` if it is not in git, or not on this machine.
fn open(case: &Value, vcweb: &VcWeb, gits: &SlowGits) -> Option<CodeRepo> {
    let path = text(case, "path");
    if text(case, "vcs") != "git" {
        return None;
    }
    let vgotest = "github.com/rsc/vgotest1";
    let (root, name, subdir) = match path.strip_prefix(vgotest) {
        Some(_) => (vgotest.to_owned(), "vgotest1", ""),
        None => place(path)?,
    };
    let code = gits.open(&format!("{}/git/{name}", vcweb.url()));
    Some(code_repo(code, &root, subdir, path))
}

/// Asks as the table does: `Err` is the text of an error.
async fn stat(repo: &CodeRepo, rev: &str) -> Result<Info, String> {
    repo.stat(rev).await.map_err(|error| error.to_string())
}

async fn check_zip(repo: &CodeRepo, version: &Version, case: &Value) {
    let dir = tempfile::tempdir().unwrap();
    let made = repo.zip(version, dir.path()).await.unwrap();
    let mut bytes = Vec::new();
    made.write_to(&mut bytes).unwrap();
    assert_eq!(made.summary().h1.to_string(), text(case, "zip_h1"), "{case}");
    let target = ModuleVersion::new(repo.module().clone(), version.clone()).unwrap();
    let report = zip::report(Cursor::new(&bytes), &target, &ZipLimits::default()).unwrap();
    let prefix = format!("{target}/");
    let names: Vec<_> = report
        .valid
        .iter()
        .map(|name| name.strip_prefix(&prefix).unwrap())
        .collect();
    let want: Vec<_> = list(case, "zip")
        .iter()
        .map(|name| name.as_str().unwrap())
        .collect();
    assert!(want.is_empty() || names == want, "{names:?} {case}");
}

/// The tables of newest commits and of lists; how many cases of each were asked.
async fn lists(vectors: &Value, vcweb: &VcWeb, gits: &SlowGits) -> [usize; 2] {
    let mut counts = [0; 2];
    for case in list(vectors, "latest") {
        assert_fields(case, &["err", "path", "vcs", "version"]);
        let Some(repo) = open(case, vcweb, gits) else {
            continue;
        };
        counts[0] += 1;
        match repo.newest_commit().await {
            Ok(info) => assert_eq!(info.version.as_str(), text(case, "version"), "{case}"),
            Err(error) => assert_eq!(error.to_string(), text(case, "err"), "{case}"),
        }
    }
    for case in list(vectors, "versions") {
        assert_fields(case, &["path", "prefix", "vcs", "versions"]);
        let Some(repo) = open(case, vcweb, gits) else {
            continue;
        };
        counts[1] += 1;
        let versions = repo.versions().await.unwrap();
        let prefix = text(case, "prefix");
        let got: Vec<_> = versions
            .list
            .iter()
            .map(Version::as_str)
            .filter(|v| v.starts_with(prefix))
            .collect();
        let want: Vec<_> = list(case, "versions")
            .iter()
            .map(|v| v.as_str().unwrap())
            .collect();
        assert_eq!(got, want, "{case}");
    }
    counts
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_of_cmd_go() {
    let Some(vectors) = load("coderepo_tables") else {
        return;
    };
    assert_fields(&vectors, &["code_repo", "latest", "versions"]);
    let (vcweb, gits) = (VcWeb::start(), SlowGits::default());
    let mut counts = [0; 6];
    for case in list(&vectors, "code_repo") {
        assert_fields(
            case,
            &[
                "err",
                "gomod",
                "local",
                "local_with_insteadOf",
                "name",
                "path",
                "rev",
                "short",
                "time",
                "vcs",
                "version",
                "zip",
                "zip_h1",
                "zip_sha256",
            ],
        );
        let Some(repo) = open(case, &vcweb, &gits) else {
            let here = case["local"] == true || case["local_with_insteadOf"] == true;
            assert!(text(case, "vcs") != "git" || !here, "not asked: {case}");
            continue;
        };
        counts[0] += 1;
        let (err, found) = (text(case, "err"), stat(&repo, text(case, "rev")).await);
        if !err.is_empty() {
            counts[1] += 1;
            let error = found.expect_err(err);
            assert!(error.contains(err), "{error}\n{err}");
            continue;
        }
        let info = found.unwrap();
        assert_eq!(info.version.as_str(), text(case, "version"), "{case}");
        assert_eq!(info.id.as_str(), text(case, "name"), "{case}");
        assert_eq!(info.short, text(case, "short"), "{case}");
        let time = Timestamp::try_from(info.time).unwrap().to_string();
        assert_eq!(time, text(case, "time"), "{case}");
        if !text(case, "gomod").is_empty() {
            counts[2] += 1;
            let go_mod = repo.go_mod(&info.version).await.unwrap();
            assert_eq!(go_mod, text(case, "gomod"), "{case}");
        }
        if !text(case, "zip_h1").is_empty() {
            counts[3] += 1;
            check_zip(&repo, &info.version, case).await;
        }
    }
    let lists = lists(&vectors, &vcweb, &gits).await;
    counts[4..].copy_from_slice(&lists);
    assert_eq!(
        counts,
        [35, 16, 6, 10, 7, 4],
        "asked, errors, go.mod, zip, latest, versions"
    );
}

//! cmd/go's own tables for repositories: what is in git or Mercurial and served by its stand-in, or by a name it gives to
//! that.

use std::{io::Cursor, sync::Arc, time::Duration};

use serde_json::Value;
use stoa_code_repo::{CodeRepo, Resolved};
use stoa_module::{
    ModuleVersion, Timestamp, Version,
    zip::{self, ZipLimits},
};
use stoa_testing::{
    vcweb::VcWeb,
    vectors::{all, assert_at_least, assert_fields, list, text},
};

use stoa_vcs::{HgRepository, Repository, RepositoryOptions, cache::Cache, process::RunnerSettings};
use tempfile::TempDir;

use crate::{
    oracle::place,
    support::{Repositories, code_repo, slow_git::SlowGits},
};

/// Where the cases are, and the local copies of what is asked.
struct Places {
    vcweb: VcWeb,
    gits: SlowGits,
    cache: Arc<Cache>,
    _dir: TempDir,
}

impl Places {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        Self {
            vcweb: VcWeb::start(),
            gits: SlowGits::default(),
            cache: Cache::open(dir.path(), 1 << 30).unwrap(),
            _dir: dir,
        }
    }

    /// Opens the module of a case; `None` if it is in neither system, or not on this machine.
    fn open(&self, case: &Value) -> Option<CodeRepo> {
        let path = text(case, "path");
        match text(case, "vcs") {
            "git" => {
                let vgotest = "github.com/rsc/vgotest1";
                let (root, name, subdir) = match path.strip_prefix(vgotest) {
                    Some(_) => (vgotest.to_owned(), "vgotest1", ""),
                    None => place(path)?,
                };
                let code = self.gits.open(&format!("{}/git/{name}", self.vcweb.url()));
                Some(code_repo(code, &root, subdir, path))
            }
            "hg" => {
                let name = path.strip_prefix("vcs-test.golang.org/hg/")?.split_once(".hg")?.0;
                let root = format!("vcs-test.golang.org/hg/{name}.hg");
                Some(code_repo(self.hg(name), &root, "", path))
            }
            _ => None,
        }
    }

    fn hg(&self, name: &str) -> Arc<dyn Repository> {
        let mut options = RepositoryOptions::new(RunnerSettings::new(self.cache.home()));
        options.freshness = Duration::from_secs(600);
        options.insecure = true;
        let url = format!("{}/hg/{name}", self.vcweb.url());
        Arc::new(HgRepository::open(&url, Arc::clone(&self.cache), options).unwrap())
    }
}

/// Asks as the table does: `Err` is the text of an error.
async fn stat(repo: &CodeRepo, rev: &str) -> Result<Resolved, String> {
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
async fn lists(vectors: &Value, places: &Places) -> [usize; 2] {
    let mut counts = [0; 2];
    for case in list(vectors, "latest") {
        assert_fields(case, &["err", "path", "vcs", "version"]);
        let Some(repo) = places.open(case) else {
            continue;
        };
        counts[0] += 1;
        match repo.newest_commit().await {
            Ok(info) => assert_eq!(info.version().as_str(), text(case, "version"), "{case}"),
            Err(error) => assert_eq!(error.to_string(), text(case, "err"), "{case}"),
        }
    }
    for case in list(vectors, "versions") {
        assert_fields(case, &["path", "prefix", "vcs", "versions"]);
        let Some(repo) = places.open(case) else {
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
    let places = Places::new();
    for vectors in all("coderepo_tables") {
        assert_fields(&vectors, &["code_repo", "latest", "versions"]);
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
            let Some(repo) = places.open(case) else {
                let here = case["local"] == true || case["local_with_insteadOf"] == true;
                assert!(!here, "not asked: {case}");
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
            assert_eq!(info.version().as_str(), text(case, "version"), "{case}");
            assert_eq!(info.id.as_str(), text(case, "name"), "{case}");
            assert_eq!(info.short, text(case, "short"), "{case}");
            let time = Timestamp::try_from(info.time).unwrap().to_string();
            assert_eq!(time, text(case, "time"), "{case}");
            if !text(case, "gomod").is_empty() {
                counts[2] += 1;
                let go_mod = repo.go_mod(info.version()).await.unwrap();
                assert_eq!(go_mod, text(case, "gomod"), "{case}");
            }
            if !text(case, "zip_h1").is_empty() {
                counts[3] += 1;
                check_zip(&repo, info.version(), case).await;
            }
        }
        let lists = lists(&vectors, &places).await;
        counts[4..].copy_from_slice(&lists);
        assert_at_least(
            counts,
            [52, 24, 10, 10, 7, 4],
            "asked, errors, go.mod, zip, latest, versions",
        );
    }
}

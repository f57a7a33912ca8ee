//! What cmd/go answered about the modules of vcs-test.golang.org, asked of the adapters.

use std::fmt::Write as _;
use std::time::SystemTime;

use serde_json::Value;
use sha2::{Digest as _, Sha256};
use stoa_vcs::{BzrRepository, FossilRepository, HgRepository, Repository, SvnRepository, VcsError, VcsKind};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::support::{Files, Work, files};
use stoa_testing::vcweb::{VcWeb, vectors};

const LIMIT: u64 = 100 << 20;

#[tokio::test(flavor = "multi_thread")]
async fn answers_are_those_of_cmd_go() {
    let file = vectors().join("oracle_vcstest.json");
    if !file.try_exists().expect("a folder that can be read") {
        // The vectors are no part of the project; CI has them always.
        println!("skipped: no vectors at {}", file.display());
        return;
    }
    let text = std::fs::read(file).expect("the vectors");
    let vectors: Value = serde_json::from_slice(&text).expect("JSON");
    let web = VcWeb::start();
    let work = Work::new();
    let mut asked = 0;
    for module in vectors["modules"].as_array().expect("modules") {
        let Some(kind) = kind(module) else { continue };
        let repository = open(&web, &work, kind, module);
        asked += ask(repository.as_ref(), module).await;
    }
    assert!(asked >= 60, "only {asked} questions were asked");
}

/// The system of a module, if it is one of ours.
fn kind(module: &Value) -> Option<VcsKind> {
    let kind = module["versions"]["origin"]["VCS"].as_str()?;
    kind.parse().ok().filter(|&kind| kind != VcsKind::Git)
}

fn open(web: &VcWeb, work: &Work, kind: VcsKind, module: &Value) -> Box<dyn Repository> {
    let url = text(&module["versions"]["origin"]["URL"]);
    let cache = work.cache();
    let mut options = work.options();
    options.freshness = std::time::Duration::from_secs(600);
    let url = url.replace("$VCWEB", web.url());
    // The address that the vectors were made with had another port.
    let name = url.rsplit('/').next().filter(|_| kind == VcsKind::Svn);
    let svn = name.map(|name| format!("{}/{name}", web.svn()));
    let opened: Result<Box<dyn Repository>, VcsError> = match kind {
        VcsKind::Hg => HgRepository::open(&url, cache, options).map(|hg| Box::new(hg) as _),
        VcsKind::Svn => {
            SvnRepository::open(&svn.unwrap_or_default(), cache, options).map(|svn| Box::new(svn) as _)
        }
        VcsKind::Bzr => BzrRepository::open(&url, cache, options).map(|bzr| Box::new(bzr) as _),
        VcsKind::Fossil => FossilRepository::open(&url, cache, options).map(|fossil| Box::new(fossil) as _),
        VcsKind::Git => unreachable!("it is tested elsewhere"),
    };
    opened.expect("an address")
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// Asks all questions of one module; gives how many there were.
async fn ask(repository: &dyn Repository, module: &Value) -> usize {
    let path = text(&module["path"]);
    let origin = &module["versions"]["origin"];
    let subdir = text(&origin["Subdir"]);
    let prefix = if subdir.is_empty() {
        String::new()
    } else {
        format!("{subdir}/")
    };
    let tags = repository.tags(&prefix).await.expect("tags");
    for version in module["versions"]["list"].as_array().expect("a list") {
        let version = text(version);
        let tag = format!("{prefix}{}", version.trim_end_matches("+incompatible"));
        assert!(tags.list.iter().any(|found| found.name == tag), "{path} {tag}");
    }
    // Two heads of this one hold the time when the stand-in made them.
    if path.contains("/vgotest1.hg") {
        assert!(tags.repo_sum.is_some_and(|sum| sum.starts_with("r1:")));
    } else {
        assert_eq!(tags.repo_sum.as_deref(), origin["RepoSum"].as_str(), "{path}");
    }
    let mut asked = 1;
    for query in module["queries"].as_array().expect("questions") {
        asked += 1;
        if query["info"].is_object() {
            found(repository, &path, &subdir, query).await;
        } else {
            lost(repository, &path, query).await;
        }
    }
    asked
}

/// A revision that cmd/go found.
async fn found(repository: &dyn Repository, path: &str, subdir: &str, query: &Value) {
    let origin = &query["info"]["Origin"];
    let reference = origin["Ref"].as_str();
    let hash = text(&origin["Hash"]);
    let revision = match (text(&query["query"]).as_str(), reference) {
        ("@latest" | "latest", _) => repository.latest().await,
        (_, Some(reference)) => repository.stat(reference).await,
        (_, None) => repository.stat(&hash[..12]).await,
    };
    let revision = revision.unwrap_or_else(|error| panic!("{path} {}: {error}", query["query"]));
    assert_eq!(revision.id.as_str(), text(&query["name"]));
    assert_eq!(revision.short, text(&query["short"]));
    assert_eq!(revision.time, time_of(&query["info"]["Time"]));
    assert_eq!(revision.reference.as_deref(), reference);
    if let Some(zip) = query["zip"]["entries"].as_array() {
        let version = text(&query["info"]["Version"]);
        let mut read = None;
        let mut missing = Vec::new();
        for subdir in [subdir, "v2"] {
            let files = files(repository, &revision.id, subdir, LIMIT).await;
            let files = files.expect("an archive");
            let lacking = lacking(&files, zip, &format!("{path}@{version}/"));
            if lacking.is_empty() {
                read = Some((subdir, files));
                break;
            }
            missing.push(lacking);
        }
        let (subdir, files) = read.unwrap_or_else(|| panic!("{path}: other files: {missing:?}"));
        extra(&files, zip);
        let license = repository.read_file(&revision.id, "LICENSE", LIMIT).await;
        let license = license.expect("an answer").map(|bytes| bytes.to_vec());
        for entry in zip
            .iter()
            .filter(|entry| text(&entry["name"]).ends_with("/LICENSE"))
        {
            assert_eq!(sum(&license.clone().unwrap_or_default()), text(&entry["sha256"]));
        }
        let go_mod = if subdir.is_empty() {
            "go.mod".to_owned()
        } else {
            format!("{subdir}/go.mod")
        };
        let go_mod = repository.read_file(&revision.id, &go_mod, LIMIT).await;
        let go_mod = go_mod.expect("an answer").map(|bytes| bytes.to_vec());
        let archived = files
            .get(b"go.mod".as_slice())
            .map(|(_, content)| content.clone());
        assert_eq!(go_mod, archived);
        if let Some(go_mod) = go_mod {
            assert_eq!(String::from_utf8(go_mod).expect("text"), text(&query["gomod"]));
        }
    }
}

/// What of the zip is not among the files; `LICENSE` may be that of the root.
fn lacking(files: &Files, zip: &[Value], prefix: &str) -> Vec<String> {
    let lacks = zip.iter().filter(|entry| {
        let name = text(&entry["name"]);
        let name = name.strip_prefix(prefix).expect("the prefix");
        // A git index that was committed holds times and inodes of the machine that made the repository.
        let differs = name.ends_with("/.git/index");
        let same = |content: &Vec<u8>| {
            entry["size"] == content.len() && (differs || sum(content) == text(&entry["sha256"]))
        };
        let found = files.get(name.as_bytes());
        found.map_or(name != "LICENSE", |(_, content)| !same(content))
    });
    lacks.map(|entry| text(&entry["name"])).collect()
}

/// What is in the archive and not in the zip is what Go leaves out of zips.
fn extra(files: &Files, zip: &[Value]) {
    for path in files.keys() {
        let path = String::from_utf8_lossy(path);
        let mut parents = path.match_indices('/').map(|(at, _)| &path[..at]);
        let nested = parents.any(|parent| files.contains_key(format!("{parent}/go.mod").as_bytes()));
        let zipped = zip
            .iter()
            .any(|entry| text(&entry["name"]).ends_with(&format!("/{path}")));
        assert!(nested || zipped || path == ".hg_archival.txt", "{path}");
    }
}

/// A revision that cmd/go did not find.
async fn lost(repository: &dyn Repository, path: &str, query: &Value) {
    let said = text(&query["stat"]["error"]);
    let Some((_, revision)) = said.split_once("unknown revision ") else {
        return;
    };
    let error = repository.stat(revision).await.expect_err("no such revision");
    assert_eq!(query["stat"]["not_exist"], error.is_not_exist(), "{path} {error}");
}

fn time_of(value: &Value) -> SystemTime {
    let time = OffsetDateTime::parse(&text(value), &Rfc3339).expect("a time");
    time.into()
}

fn sum(content: &[u8]) -> String {
    let digest = Sha256::digest(content);
    digest.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

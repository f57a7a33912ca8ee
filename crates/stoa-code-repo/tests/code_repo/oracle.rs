//! All questions about git repositories that cmd/go was asked over vcs-test.golang.org.

use std::{collections::HashMap, io::Cursor};

use serde_json::Value;
use stoa_code_repo::{CodeRepo, Resolved};
use stoa_module::{
    ModuleVersion, Version,
    dirhash::go_mod_h1,
    zip::{self, ZipLimits},
};
use stoa_testing::{
    vcweb::VcWeb,
    vectors::{all, assert_at_least, assert_fields, list, text},
};

use crate::support::{Repositories, code_repo, slow_git::SlowGits};

const HOST: &str = "vcs-test.golang.org";

/// Pages below `go/` name a repository and a folder in it.
const PAGES: [(&str, &str, &str); 7] = [
    ("go/gitreposubdir", "gitreposubdir", "foo/subdir"),
    ("go/gitreposubdirv2/v2", "gitreposubdirv2", "subdir"),
    ("go/missingrepo/missingrepo-git", "missingrepo", ""),
    ("go/missingrepo/missingrepo-git/notmissing", "mainonly", ""),
    ("go/mod/gitrepo-sha256", "gitrepo-sha256", ""),
    ("go/mod/gitrepo1", "gitrepo1", ""),
    ("go/v2module/v2", "v2repo", ""),
];

/// Where the module is: the import path of its repository, the repository's name, the folder that counts as its root.
/// `None` if it is in no git repository.
pub(crate) fn place(module: &str) -> Option<(String, &str, &'static str)> {
    let path = module.strip_prefix(HOST)?.strip_prefix('/')?;
    if let Some((_, name, subdir)) = PAGES.iter().find(|(page, ..)| *page == path) {
        return Some((module.to_owned(), name, subdir));
    }
    let (name, _) = path.strip_prefix("git/")?.split_once(".git")?;
    Some((format!("{HOST}/git/{name}.git"), name, ""))
}

/// What cmd/go remembers of a module (`cachingRepo`), around what is tested: its answers of one run depend on one
/// another.
#[derive(Default)]
struct Remembered(HashMap<String, Result<Resolved, String>>);

impl Remembered {
    async fn ask(&mut self, repo: &CodeRepo, query: &str) -> Result<Resolved, (String, Option<bool>)> {
        if let Some(known) = self.0.get(query) {
            return known.clone().map_err(|text| (text, None));
        }
        let found = match query {
            "@latest" => repo.newest_commit().await,
            query => repo.stat(query).await,
        };
        let kept = found.clone().map_err(|error| error.to_string());
        if let Ok(info) = &kept {
            self.0
                .entry(info.version().to_string())
                .or_insert_with(|| Ok(info.clone()));
        }
        self.0.insert(query.to_owned(), kept);
        found.map_err(|error| (error.to_string(), Some(error.is_not_exist())))
    }
}

/// What was compared, and what differs.
#[derive(Debug, Default)]
struct Report {
    lists: usize,
    infos: usize,
    errors: usize,
    /// Errors whose text is that of the git program, so that only their class was compared.
    classes: usize,
    go_mods: usize,
    zips: usize,
    differences: Vec<String>,
}

impl Report {
    fn same<T: PartialEq + std::fmt::Debug>(&mut self, what: &str, got: &T, want: &T) {
        if got != want {
            self.differences
                .push(format!("{what}\n   got {got:?}\n  want {want:?}"));
        }
    }

    async fn module(&mut self, case: &Value, repo: &CodeRepo, url: &str) {
        assert_fields(case, &["path", "queries", "versions"]);
        let path = text(case, "path");
        self.versions(&case["versions"], repo, url).await;
        let mut remembered = Remembered::default();
        for question in list(case, "queries") {
            assert_fields(
                question,
                &[
                    "query",
                    "stat",
                    "stat_error_origin",
                    "info",
                    "name",
                    "short",
                    "gomod",
                    "gomod_h1",
                    "zip",
                ],
            );
            let query = text(question, "query");
            let what = format!("{path}@{query}");
            let answer = remembered.ask(repo, query).await;
            match (answer, question.get("info")) {
                (Ok(info), Some(want)) => self.info(&what, &info, want, question, url),
                (Err((text, class)), None) => self.error(&what, (&text, class), &question["stat"], url),
                (Ok(info), None) => {
                    let want = question["stat"]["error"].to_string();
                    self.same(&what, &info.version().to_string(), &want);
                }
                (Err((text, _)), Some(want)) => self.same(&what, &text, &want.to_string()),
            }
            if question.get("gomod").is_some() {
                self.content(&what, question, repo).await;
            }
        }
    }

    async fn versions(&mut self, want: &Value, repo: &CodeRepo, url: &str) {
        assert_fields(want, &["list", "origin", "error", "not_exist"]);
        let what = format!("{}/@v/list", repo.module());
        match repo.versions().await {
            Err(error) => self.error(&what, (&error.to_string(), Some(error.is_not_exist())), want, url),
            Ok(versions) => {
                self.lists += 1;
                let got: Vec<_> = versions.list.iter().map(Version::as_str).collect();
                let list: Vec<_> = list(want, "list").iter().map(|v| v.as_str().unwrap()).collect();
                self.same(&what, &got, &list);
                let origin = versions.origin.as_ref().unwrap().to_json().replace(url, "$VCWEB");
                let origin: Value = serde_json::from_str(&origin).unwrap();
                self.same(&format!("{what} origin"), &origin, &want["origin"]);
            }
        }
    }

    fn info(&mut self, what: &str, resolved: &Resolved, want: &Value, question: &Value, url: &str) {
        self.infos += 1;
        let got: Value = serde_json::from_str(&resolved.info.to_json().replace(url, "$VCWEB")).unwrap();
        self.same(what, &got, want);
        self.same(
            &format!("{what} name"),
            &resolved.id.as_str(),
            &text(question, "name"),
        );
        self.same(
            &format!("{what} short"),
            &resolved.short.as_str(),
            &text(question, "short"),
        );
    }

    fn error(&mut self, what: &str, (got, class): (&str, Option<bool>), want: &Value, url: &str) {
        let not_exist = want["not_exist"].as_bool().unwrap();
        if let Some(class) = class {
            self.same(&format!("{what} not_exist"), &class, &not_exist);
        }
        if text(want, "error").contains("git ls-remote") {
            self.classes += 1;
        } else {
            self.errors += 1;
            self.same(what, &got.replace(url, "$VCWEB").as_str(), &text(want, "error"));
        }
    }

    async fn content(&mut self, what: &str, question: &Value, repo: &CodeRepo) {
        let version = Version::parse(text(&question["info"], "Version")).unwrap();
        self.go_mods += 1;
        match repo.go_mod(&version).await {
            Ok(go_mod) => {
                self.same(
                    &format!("{what} go.mod"),
                    &&*go_mod,
                    &text(question, "gomod").as_bytes(),
                );
                let h1 = go_mod_h1(&go_mod).to_string();
                self.same(
                    &format!("{what} go.mod h1"),
                    &h1.as_str(),
                    &text(question, "gomod_h1"),
                );
            }
            Err(error) => self.differences.push(format!("{what} go.mod: {error}")),
        }
        self.zips += 1;
        let dir = tempfile::tempdir().unwrap();
        let made = match repo.zip(&version, dir.path()).await {
            Ok(made) => made,
            Err(error) => return self.differences.push(format!("{what} zip: {error}")),
        };
        let mut bytes = Vec::new();
        made.write_to(&mut bytes).unwrap();
        assert_eq!(bytes.len() as u64, made.bytes(), "{what}");
        let target = ModuleVersion::new(repo.module().clone(), version).unwrap();
        let summary = zip::check(Cursor::new(&bytes), &target, &ZipLimits::default()).unwrap();
        assert_eq!(*made.summary(), summary, "{what}");
        let want = &question["zip"];
        assert_fields(want, &["entries", "h1", "sha256_go1.26_flate", "size"]);
        self.same(
            &format!("{what} zip h1"),
            &summary.h1.to_string().as_str(),
            &text(want, "h1"),
        );
        let checked = zip::report(Cursor::new(&bytes), &target, &ZipLimits::default()).unwrap();
        let names: Vec<_> = list(want, "entries")
            .iter()
            .map(|entry| text(entry, "name").to_owned())
            .collect();
        self.same(&format!("{what} zip names"), &checked.valid, &names);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn git_repositories_answer_as_for_cmd_go() {
    let vcweb = VcWeb::start();
    let gits = SlowGits::default();
    for vectors in all("oracle_vcstest") {
        assert_fields(&vectors, &["go", "modules"]);
        let mut report = Report::default();
        let modules = list(&vectors, "modules");
        let questions: usize = modules.iter().map(|module| list(module, "queries").len()).sum();
        assert_at_least([modules.len(), questions], [117, 2277], "modules, questions");
        let mut asked = [0, 0];
        for module in modules {
            let Some((root, name, subdir)) = place(text(module, "path")) else {
                continue;
            };
            asked = [asked[0] + 1, asked[1] + list(module, "queries").len()];
            let code = gits.open(&format!("{}/git/{name}", vcweb.url()));
            let repo = code_repo(code, &root, subdir, text(module, "path"));
            report.module(module, &repo, vcweb.url()).await;
        }
        let count = report.differences.len();
        let differences = report.differences.join("\n");
        assert!(count == 0, "{count} differences:\n{differences}");
        assert_at_least(asked, [93, 2138], "modules, questions about git");
        let Report {
            lists,
            infos,
            errors,
            classes,
            go_mods,
            zips,
            ..
        } = report;
        assert_at_least(
            [lists, infos, errors, classes, go_mods, zips],
            [89, 523, 1578, 41, 112, 112],
            "lists, infos, errors, classes of errors, go.mod files, zips",
        );
    }
}

//! Every question of `oracle_vcstest.json`: versions, times, origins, go.mod files, zips and classes of errors.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;

use serde_json::Value;
use stoa_testing::fixtures::escape;
use stoa_testing::http::{self, Response};
use stoa_testing::process::StoaProcess;
use stoa_testing::vcweb::{self, VcWeb};
use stoa_testing::vectors;
use stoa_testing::zip::{h1, unzip};
use tokio::task::JoinSet;

use crate::STOA;
use crate::tls::TlsFront;

/// How many modules are asked about at once.
const PARALLEL: usize = 4;
/// How many minutes an answer may take. The stand-in starts a program for each request about Mercurial, of which a fetch
/// makes ten.
const PATIENCE: usize = 5;
/// So many questions the file has at least, of which not all can be asked over HTTP: see [`can_be_asked`].
const QUESTIONS: usize = 2277;

/// A server whose repositories of vcs-test.golang.org are those of the stand-in. Those of Subversion have another server,
/// and what is about a redirect from https to http begins with https.
fn serve(vcweb: &VcWeb, tls: &TlsFront, directory: &Path, storage: &str) -> StoaProcess {
    let config = directory.join("stoa.toml");
    let text = format!(
        "upstream = \"direct\"\n\
         [vcs]\nallow = \"public:all\"\n\
         cache = \"{}\"\n\
         [[rewrite]]\nfrom = \"https://vcs-test.golang.org/\"\nto = \"{}/\"\n\
         [[rewrite]]\nfrom = \"https://vcs-test.golang.org/svn/\"\nto = \"{}/\"\n\
         [[rewrite]]\nfrom = \"https://vcs-test.golang.org/insecure/\"\nto = \"{}/insecure/\"\n",
        directory.join("vcs").display(),
        vcweb.url(),
        vcweb.svn(),
        tls.url()
    );
    fs::write(&config, text).unwrap();
    StoaProcess::command(STOA)
        .storage(&directory.join(storage))
        .args(&["--config", config.to_str().unwrap()])
        .env("SSL_CERT_FILE", tls.certificate.to_str().unwrap())
        .start()
}

/// What is asked of one module, and what differs.
struct Questions {
    stoa: Arc<StoaProcess>,
    path: String,
    asked: usize,
    differences: Vec<String>,
}

impl Questions {
    async fn get(&self, rest: &str) -> Response {
        let url = format!("{}/{}/{rest}", self.stoa.url(), escape(&self.path));
        for _ in 0..PATIENCE {
            match http::get(&url).await {
                // It goes on with the question meanwhile, and is asked for what comes out of it.
                Err(error) if error.kind() == ErrorKind::TimedOut => {}
                answer => return answer.unwrap_or_else(|error| panic!("{url}: {error}")),
            }
        }
        panic!("{url}: no answer in {PATIENCE} minutes")
    }

    fn differ(&mut self, what: &str, want: &str, got: &str) {
        self.differences
            .push(format!("{} {what}:\n  want {want}\n  got  {got}", self.path));
    }

    fn same(&mut self, what: &str, want: &Value, got: &Value) {
        if want != got {
            self.differ(what, &want.to_string(), &got.to_string());
        }
    }

    /// An error must be of the class that cmd/go gives it: only "does not exist" is 404. cmd/go does not believe a server
    /// without a certificate, as the stand-in is, when git says that it has no such repository; we do (deviations).
    fn class(&mut self, what: &str, error: &Value, answer: &Response) {
        let said = error["error"].as_str().unwrap_or_default();
        let is_missing = said.contains("fatal: repository '") && said.contains("' not found");
        let not_exist = error["not_exist"].as_bool().unwrap();
        let missing = matches!(answer.status, 404 | 410);
        if answer.status < 400 || (missing != not_exist && !(missing && is_missing)) {
            let got = format!("{} {}", answer.status, answer.text());
            self.differ(what, &error.to_string(), &got);
        }
    }

    async fn versions(&mut self, versions: &Value) {
        let answer = self.get("@v/list").await;
        let Some(list) = versions["list"].as_array() else {
            return self.class("list", versions, &answer);
        };
        let want: Vec<_> = list.iter().map(|v| v.as_str().unwrap()).collect();
        let got = format!(
            "{} {:?}",
            answer.status,
            answer.text().lines().collect::<Vec<_>>()
        );
        if got != format!("200 {want:?}") {
            self.differ("list", &format!("200 {want:?}"), &got);
        }
    }

    async fn question(&mut self, question: &Value, versions: &Value) {
        let query = question["query"].as_str().unwrap();
        if !can_be_asked(query) {
            return;
        }
        self.asked += 1;
        let answer = match query {
            "@latest" => self.get("@latest").await,
            query => self.get(&format!("@v/{}.info", escape(query))).await,
        };
        if let Some(error) = question.get("stat") {
            let listed = versions["list"].as_array().is_some_and(|list| !list.is_empty());
            if query == "@latest" && listed && answer.status == 200 {
                return;
            }
            return self.class(query, error, &answer);
        }
        if answer.status != 200 {
            let got = format!("{} {}", answer.status, answer.text());
            return self.differ(query, &question["info"].to_string(), &got);
        }
        let mut got: Value = answer.json();
        let mut want = question["info"].clone();
        let version = want["Version"].clone();
        if query == "@latest" && got["Version"] != version {
            // cmd/go computes it from the list and asks for this only where there is none: the newest version of the list
            // is as good an answer as the newest commit, and the one that the public proxy gives.
            let newest = versions["list"]
                .as_array()
                .and_then(|list| list.iter().find(|listed| **listed == got["Version"]));
            if newest.is_none() {
                self.same(query, &want, &got);
            }
        } else {
            // Which ref led to a commit depends on what cmd/go had asked before in that run; for `@latest` the tags too.
            // Two heads of one repository of Mercurial hold the time at which the stand-in made them.
            let noise: &[&str] = match query {
                "@latest" if self.path.contains("/vgotest1.hg") => &["Ref", "TagSum", "TagPrefix", "RepoSum"],
                "@latest" => &["Ref", "TagSum", "TagPrefix"],
                _ if self.path.contains("/vgotest1.hg") => &["Ref", "RepoSum"],
                _ => &["Ref"],
            };
            for info in [&mut got, &mut want] {
                if let Some(origin) = info["Origin"].as_object_mut() {
                    for field in noise {
                        origin.remove(*field);
                    }
                }
            }
            self.same(query, &want, &got);
        }
        let version = escape(version.as_str().unwrap());
        if let Some(go_mod) = question.get("gomod") {
            let answer = self.get(&format!("@v/{version}.mod")).await;
            let got = String::from_utf8_lossy(&answer.body).into_owned();
            self.same(&format!("{query} go.mod"), go_mod, &Value::String(got));
        }
        if let Some(zip) = question.get("zip") {
            let answer = self.get(&format!("@v/{version}.zip")).await;
            self.zip(query, zip, &answer);
        }
    }

    fn zip(&mut self, query: &str, want: &Value, answer: &Response) {
        let what = format!("{query} zip");
        if answer.status != 200 {
            let got = format!("{} {}", answer.status, answer.text());
            return self.differ(&what, &want["h1"].to_string(), &got);
        }
        let entries = unzip(&answer.body);
        let got: Vec<_> = entries
            .iter()
            .map(|(name, sum)| (name.as_str(), sum.as_str()))
            .collect();
        let text = |entry: &'_ Value, key: &str| entry[key].as_str().unwrap().to_owned();
        // A zip without files has no list of them.
        let listed = want["entries"].as_array().map_or(&[][..], Vec::as_slice);
        let listed: Vec<_> = listed
            .iter()
            .map(|e| (text(e, "name"), text(e, "sha256")))
            .collect();
        let mut listed: Vec<_> = listed
            .iter()
            .map(|(name, sum)| (name.as_str(), sum.as_str()))
            .collect();
        let mut sorted = got.clone();
        sorted.sort_unstable();
        listed.sort_unstable();
        let mut whole = true;
        for (name, sum) in sorted.iter_mut().chain(&mut listed) {
            if differs_by_machine(name) {
                (*sum, whole) = ("", false);
            }
        }
        if sorted != listed {
            self.differ(&what, &format!("{listed:?}"), &format!("{sorted:?}"));
        }
        if whole {
            self.same(&format!("{what} h1"), &want["h1"], &Value::String(h1(&entries)));
        }
    }
}

/// Whether `module.EscapeVersion` takes it: what it does not, like a branch with a slash, no go command ever asks a proxy.
fn can_be_asked(query: &str) -> bool {
    !query.contains(['/', ':', '\\', '"', '\'', '*', '<', '>', '?', '`', '|', ';'])
}

/// A git index that was committed holds times and inodes of the machine that made the repository, so that neither it nor
/// the sum over all files is the same twice.
fn differs_by_machine(name: &str) -> bool {
    name.ends_with("/.git/index")
}

#[tokio::test]
async fn all_of_cmd_go_s_answers_are_given() {
    let only = stoa_testing::go::environment("STOA_ORACLE_ONLY");
    let directory = tempfile::tempdir().unwrap();
    let vcweb = VcWeb::start();
    let tls = TlsFront::start(vcweb.url(), directory.path()).await;
    for (number, text) in vectors::texts("oracle_vcstest").enumerate() {
        // What is stored stands in for what a repository does not have, so that each witness has its own.
        let storage = format!("storage{number}");
        let stoa = Arc::new(serve(&vcweb, &tls, directory.path(), &storage));
        let oracle: Value = serde_json::from_str(&named(&text)).unwrap();
        ask_all(&oracle, &stoa, vcweb.url(), only.as_deref()).await;
    }
}

/// Asks the server everything that a witness was asked.
async fn ask_all(oracle: &Value, stoa: &Arc<StoaProcess>, stand_in: &str, only: Option<&str>) {
    let mut running = JoinSet::new();
    let (mut asked, mut differences, mut questions) = (0, Vec::new(), 0);
    for module in oracle["modules"].as_array().unwrap().clone() {
        let path = module["path"].as_str().unwrap().to_owned();
        questions += module["queries"].as_array().unwrap().len();
        if only.is_some_and(|only| !path.contains(only)) {
            continue;
        }
        if running.len() >= PARALLEL {
            collect(
                running.join_next().await.unwrap().unwrap(),
                &mut asked,
                &mut differences,
            );
        }
        let mut one = Questions {
            stoa: Arc::clone(stoa),
            path,
            asked: 0,
            differences: Vec::new(),
        };
        let repository = module["versions"]["origin"]["URL"].as_str();
        // A server of Subversion makes them all by itself.
        let repository = repository.filter(|url| !url.contains("/svn/"));
        let repository = repository.map(|url| url.replace(NAMED, stand_in));
        running.spawn(async move {
            // Making one takes longer than an answer may.
            let made = tokio::task::spawn_blocking(move || repository.map(|url| vcweb::make(&url)));
            made.await.unwrap();
            one.versions(&module["versions"]).await;
            for question in module["queries"].as_array().unwrap() {
                one.question(question, &module["versions"]).await;
            }
            one
        });
    }
    while let Some(done) = running.join_next().await {
        collect(done.unwrap(), &mut asked, &mut differences);
    }
    assert!(questions >= QUESTIONS, "{questions} questions");
    println!("{asked} questions asked, {} answers differ", differences.len());
    assert!(
        differences.is_empty(),
        "{} differ:\n{}",
        differences.len(),
        differences.join("\n")
    );
}

/// The host whose repositories these are, wherever they are asked for.
const NAMED: &str = "https://vcs-test.golang.org";

/// The answers as they are where a rewrite leads to the stand-in, to which cmd/go was sent by other means.
fn named(text: &str) -> String {
    let text = text.replace("$VCWEB", NAMED);
    let mut pieces = text.split("svn://127.0.0.1:");
    let mut out = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let (_port, rest) = piece.split_once("/svn").unwrap();
        out.push_str(NAMED);
        out.push_str("/svn");
        out.push_str(rest);
    }
    out
}

fn collect(done: Questions, asked: &mut usize, differences: &mut Vec<String>) {
    *asked += done.asked;
    differences.extend(done.differences);
}

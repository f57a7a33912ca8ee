//! The go command itself, with `GOPROXY=direct` and through stoa.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;
use stoa_testing::go::GoClient;

use crate::repository::Repository;
use crate::run::{Batch, fresh, known, number};

/// What `go mod download -json` says of a module, without what depends on the machine.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Download {
    /// Empty if it did not fail; what it says is not compared.
    error: Error,
    version: String,
    sum: String,
    go_mod_sum: String,
    /// System, folder and commit.
    origin: [String; 3],
}

/// Errors are the same or there are none: the text of a client that asks a proxy is another.
#[derive(Clone, Debug, Default)]
struct Error(String);

impl PartialEq for Error {
    fn eq(&self, other: &Self) -> bool {
        self.0.is_empty() == other.0.is_empty()
    }
}

impl Eq for Error {}

/// Runs it once for all these `MODULE@QUERY`.
async fn download(client: GoClient, wanted: &[String]) -> BTreeMap<String, Download> {
    let mut arguments = vec!["mod", "download", "-json"];
    arguments.extend(wanted.iter().map(String::as_str));
    let output = Arc::new(client).run_async(&arguments).await;
    let mut all = BTreeMap::new();
    for said in serde_json::Deserializer::from_str(&output.stdout).into_iter::<Value>() {
        let said = said.unwrap();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let query = [&said["Query"], &said["Version"]].map(text);
        let query = query.iter().find(|text| !text.is_empty()).unwrap();
        let error = text(&said["Error"]);
        // The client's own rule, which stoa need not have (trap 52).
        if error.contains("requires go >=") {
            continue;
        }
        let origin = &said["Origin"];
        let mut download = Download {
            error: Error(error),
            ..Download::default()
        };
        if download.error.0.is_empty() {
            download.version = text(&said["Version"]);
            download.sum = text(&said["Sum"]);
            download.go_mod_sum = text(&said["GoModSum"]);
            // Of what it finds in a list the client says no origin: a proxy's list has none.
            if *query == download.version || !is_beginning_of_a_version(query) {
                download.origin = [&origin["VCS"], &origin["Subdir"], &origin["Hash"]].map(text);
            }
        }
        all.insert(format!("{}@{query}", text(&said["Path"])), download);
    }
    assert!(!all.is_empty(), "{}", output.stderr);
    all
}

/// Whether it is like `v1` or `v1.2`.
fn is_beginning_of_a_version(query: &str) -> bool {
    let digits = |rest: &str| rest.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    query.strip_prefix('v').is_some_and(digits)
}

/// What differs between the two ways.
async fn differences(batch: &Batch, repository: &Repository, wanted: &[String]) -> (Vec<String>, usize) {
    let rewrite = format!("url.file://{}/.insteadOf", batch.served().display());
    let direct = GoClient::new("direct")
        .env("GOVCS", "*:all")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_COUNT", "1")
        .env("GIT_CONFIG_KEY_0", &rewrite)
        .env("GIT_CONFIG_VALUE_0", "https://example.com/");
    let through = GoClient::new(batch.stoa());
    let (direct, mut through) = (download(direct, wanted).await, download(through, wanted).await);
    let good = direct
        .values()
        .filter(|download| download.error.0.is_empty())
        .count();
    let mut differences = Vec::new();
    for (what, want) in direct {
        let got = through.remove(&what).unwrap_or_default();
        let mistaken = repository.is_mistaken(&format!("{want:?}"));
        if want != got && !mistaken {
            differences.push(format!("{what}\n    direct {want:?}\n    stoa   {got:?}"));
        }
    }
    (differences, good)
}

#[tokio::test]
async fn go_mod_download_gets_the_same_through_stoa() {
    let mut seeds = known(4);
    if number("STOA_DIFFERENTIAL_COUNT").is_some() {
        seeds.push(fresh());
    }
    if let Some(seed) = number("STOA_DIFFERENTIAL_SEED") {
        seeds = vec![seed];
    }
    println!("the last seed is {}", seeds[seeds.len() - 1]);
    let batch = Batch::start(&seeds, 16);
    let (mut asked, mut good) = (0, 0);
    let mut found = Vec::new();
    for repository in &batch.repositories {
        let root = format!("example.com/{}.git", repository.name);
        let questions = repository.questions(&batch.oracle.server());
        let modules = questions.iter().filter(|questions| questions.root == root);
        let wanted = modules.flat_map(|questions| {
            // The newest version is asked for elsewhere: it depends on what stoa has stored where there is no list.
            // What looks like an option is no query to the command, and it answers no other one then.
            let is_asked = |query: &&String| !query.starts_with(['@', '-']) && *query != "latest";
            let queries = questions.queries.iter().filter(is_asked);
            queries.take(8).map(|query| format!("{}@{query}", questions.path))
        });
        let wanted: Vec<_> = wanted.collect();
        let (differences_of_all, resolved) = differences(&batch, repository, &wanted).await;
        asked += wanted.len();
        good += resolved;
        for difference in differences_of_all {
            // What cmd/go answers may depend on what it has fetched for the questions before.
            let alone = [difference.lines().next().unwrap().to_owned()];
            if !differences(&batch, repository, &alone).await.0.is_empty() {
                found.push(format!("seed {}: {difference}", repository.seed));
            }
        }
    }
    println!("{asked} downloads, {good} of them good, {} differ", found.len());
    assert!(good > 0, "nothing was downloaded at all");
    assert!(found.is_empty(), "{}", found.join("\n"));
}

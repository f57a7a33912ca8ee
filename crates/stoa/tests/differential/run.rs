//! Batches of repositories, made, served and asked about.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use futures_util::future::join_all;
use stoa_testing::go::environment;
use stoa_testing::process::StoaProcess;
use tempfile::TempDir;

use crate::STOA;
use crate::compare::{Comparison, Difference};
use crate::oracle::{Answer, Oracle};
use crate::questions::{Questions, mappings};
use crate::random::Random;
use crate::repository::Repository;

/// How many repositories one stoa is asked about.
const BATCH: usize = 16;
/// How many of the seeds are always the same.
const KNOWN: u64 = 20;
/// How many requests are made at a time.
const PARALLEL: usize = 3;

/// Repositories, and both who are asked about them.
pub(crate) struct Batch {
    pub(crate) repositories: Vec<Repository>,
    pub(crate) oracle: Oracle,
    stoa: StoaProcess,
    folder: TempDir,
}

/// What came of it.
#[derive(Default)]
struct Outcome {
    questions: usize,
    requests: usize,
    /// Those of cmd/go's answers that depend on what it was asked before.
    wavering: usize,
    /// Those that come from a bug of cmd/go that stoa does not have.
    mistaken: usize,
    /// Good answers, and zips among them.
    good: [usize; 2],
    differences: Vec<Difference>,
}

impl Batch {
    /// Makes the repositories of these seeds.
    pub(crate) fn start(seeds: &[u64], size: usize) -> Self {
        let folder = TempDir::new().unwrap();
        let served = folder.path().join("served");
        fs::create_dir(&served).unwrap();
        let make =
            |(index, seed): (usize, &u64)| Repository::make(&served, &format!("r{index}"), *seed, size);
        let repositories: Vec<_> = seeds.iter().enumerate().map(make).collect();
        let oracle = Oracle::start(&served, folder.path());
        let stoa = stoa(folder.path(), &oracle.server(), &repositories);
        Self {
            repositories,
            oracle,
            stoa,
            folder,
        }
    }

    /// Where stoa is.
    pub(crate) fn stoa(&self) -> &str {
        self.stoa.url()
    }

    /// The folder of the repositories.
    pub(crate) fn served(&self) -> PathBuf {
        self.folder.path().join("served")
    }

    /// Asks everything about one of the repositories. The oracle answers what comes next while stoa answers.
    async fn ask(&self, index: usize) -> Outcome {
        let mut outcome = Outcome::default();
        let all = self.repositories[index].questions(&self.oracle.server());
        let mut next = all.first().map(|questions| self.oracle.ask(questions));
        for (at, questions) in all.iter().enumerate() {
            let answers = next.take().unwrap().await;
            next = all.get(at + 1).map(|questions| self.oracle.ask(questions));
            outcome.questions += answers.len();
            outcome.good[0] += answers.iter().filter(|answer| answer.error.is_none()).count();
            outcome.good[1] += answers.iter().filter(|answer| answer.zip.is_some()).count();
            let differences = self
                .compare(&questions.path, &answers, &mut outcome.requests)
                .await;
            for difference in differences {
                if self.repositories[index].is_mistaken(&difference.want) {
                    outcome.mistaken += 1;
                } else if self.wavers(questions, &difference).await {
                    outcome.wavering += 1;
                } else {
                    outcome.differences.push(difference);
                }
            }
        }
        outcome
    }

    /// Asks stoa what the oracle has answered, a few questions at a time.
    async fn compare(&self, path: &str, answers: &[Answer], requests: &mut usize) -> Vec<Difference> {
        let server = &self.oracle.server();
        let ask = |part: Vec<Answer>| async move {
            let mut comparison = Comparison {
                stoa: self.stoa.url(),
                server,
                path,
                differences: Vec::new(),
                asked: 0,
            };
            for answer in &part {
                comparison.query(answer).await;
            }
            comparison
        };
        // First of all the list and the newest version: where there is none, stoa gives the newest of those it has stored,
        // and nothing is stored yet.
        let (first, others): (Vec<_>, Vec<_>) = answers
            .iter()
            .cloned()
            .partition(|answer| answer.query.starts_with('@'));
        let first = ask(first).await;
        let parts = others
            .chunks(others.len().div_ceil(PARALLEL).max(1))
            .map(|part| ask(part.to_vec()));
        let mut differences = Vec::new();
        for comparison in [first].into_iter().chain(join_all(parts).await) {
            *requests += comparison.asked;
            differences.extend(comparison.differences);
        }
        differences
    }

    /// Whether cmd/go gives stoa's answer when it is asked nothing else.
    async fn wavers(&self, questions: &Questions, difference: &Difference) -> bool {
        let questions = Questions {
            queries: vec![difference.query.clone()],
            fresh: true,
            ..questions.clone()
        };
        let answers = self.oracle.ask(&questions).await;
        self.compare(&questions.path, &answers, &mut 0).await.is_empty()
    }
}

/// A server that finds the repositories where the oracle serves them.
pub(crate) fn stoa(folder: &Path, server: &str, repositories: &[Repository]) -> StoaProcess {
    let mut text = format!(
        "upstream = \"direct\"\n\
         [vcs]\nallow = \"*:all\"\nallow_private_addresses = true\ncache = \"{}\"\n\
         [[rewrite]]\nfrom = \"https://example.com/\"\nto = \"{server}/\"\n",
        folder.join("vcs").display(),
    );
    for repository in repositories {
        for mapping in mappings(&repository.name) {
            text += &format!(
                "[[vcs.module]]\nprefix = \"{}\"\nvcs = \"git\"\nrepo = \"{server}/{}\"\nsubdir = \"{}\"\n",
                mapping.prefix, repository.name, mapping.subdir
            );
        }
    }
    let config = folder.join("stoa.toml");
    fs::write(&config, text).unwrap();
    StoaProcess::command(STOA)
        .storage(&folder.join("storage"))
        .args(&["--config", config.to_str().unwrap()])
        .start()
}

pub(crate) fn number(name: &str) -> Option<u64> {
    environment(name).map(|text| {
        text.parse()
            .unwrap_or_else(|_| panic!("{name} is no number: {text}"))
    })
}

/// Seeds that are the same in every run.
pub(crate) fn known(count: u64) -> Vec<u64> {
    (1..=count).map(|index| Random::new(index).next() >> 16).collect()
}

/// A seed that no run before had.
pub(crate) fn fresh() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    Random::new(u64::try_from(now.as_nanos() % u128::from(u64::MAX)).unwrap()).next() >> 16
}

/// What differs of a repository, told so that it can be looked into.
fn report(repository: &Repository, outcome: &Outcome) -> String {
    let mut text = format!(
        "seed {} (STOA_DIFFERENTIAL_SEED={} STOA_DIFFERENTIAL_SIZE={}):\n",
        repository.seed, repository.seed, repository.size
    );
    for difference in &outcome.differences {
        text += &format!(
            "  {}@{} {}\n    go   {}\n    stoa {}\n",
            difference.path, difference.query, difference.what, difference.want, difference.got
        );
    }
    text
}

/// The same seed with fewer commits and tags, as long as something differs.
async fn shrink(seed: u64, size: usize) -> Option<String> {
    let mut smallest = None;
    let mut size = size / 2;
    while size > 0 {
        let batch = Batch::start(&[seed], size);
        let outcome = batch.ask(0).await;
        if outcome.differences.is_empty() {
            break;
        }
        smallest = Some(report(&batch.repositories[0], &outcome));
        size /= 2;
    }
    smallest
}

#[tokio::test]
async fn stoa_answers_what_cmd_go_answers() {
    let started = Instant::now();
    let size = usize::try_from(number("STOA_DIFFERENTIAL_SIZE").unwrap_or(16)).unwrap();
    let seeds = if let Some(seed) = number("STOA_DIFFERENTIAL_SEED") {
        vec![seed]
    } else {
        let count = number("STOA_DIFFERENTIAL_COUNT").unwrap_or(KNOWN);
        // CI has the same ones every time; what goes beyond them is new.
        let mut seeds = known(count.min(KNOWN));
        while (seeds.len() as u64) < count {
            seeds.push(fresh());
        }
        seeds
    };
    println!("the last seed is {}", seeds.last().unwrap());
    let (mut questions, mut requests, mut wavering, mut mistaken, mut good) = (0, 0, 0, 0, [0, 0]);
    let mut reports = Vec::new();
    for batch in seeds.chunks(BATCH) {
        let batch = Batch::start(batch, size);
        for index in 0..batch.repositories.len() {
            let outcome = batch.ask(index).await;
            questions += outcome.questions;
            requests += outcome.requests;
            wavering += outcome.wavering;
            mistaken += outcome.mistaken;
            good = [good[0] + outcome.good[0], good[1] + outcome.good[1]];
            if !outcome.differences.is_empty() {
                let repository = &batch.repositories[index];
                let found = report(repository, &outcome);
                println!("{found}");
                if reports.is_empty()
                    && let Some(smaller) = shrink(repository.seed, size).await
                {
                    println!("smaller:\n{smaller}");
                }
                reports.push(found);
            }
        }
    }
    println!(
        "{} repositories, {questions} questions ({} good, {} zips), {requests} requests; of cmd/go's answers {wavering} \
         depend on their order, {mistaken} are mistaken; {} repositories differ; {:?}",
        seeds.len(),
        good[0],
        good[1],
        reports.len(),
        started.elapsed()
    );
    assert!(reports.is_empty(), "{}", reports.join("\n"));
}
